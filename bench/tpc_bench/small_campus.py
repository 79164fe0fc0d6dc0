"""A campus of one exercise with a worker that runs, for what is measured about grading."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import yaml
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import read_course
from tpc_grader.coursework.coursework import prepare_course
from tpc_grader.database.locks import is_serving

COURSE = "bench"
_LINKED = ("exercises", "hub", "notebooks", "book", "node_modules", "pyproject.toml")
START_SECONDS, STOP_SECONDS = 60, 30


def small_campus(places: Places, folder: Path, exercise: str) -> Places:
    """Return a campus in a folder, whose one course has one exercise of another's."""
    own = Places(folder / "root", folder / "state")
    own.courses.mkdir(parents=True)
    for name in _LINKED:
        if (places.root / name).exists():
            (own.root / name).symlink_to(places.root / name)
    manifest = {
        "id": COURSE,
        "title": "Benchmark",
        "summary": "One exercise.",
        "units": [{"exercise": exercise}],
    }
    (own.courses / f"{COURSE}.yml").write_text(yaml.safe_dump(manifest), encoding="utf-8")
    prepare_course(own, read_course(own.courses / f"{COURSE}.yml", own))
    return own


@contextlib.contextmanager
def working(places: Places, jobs: int) -> Iterator[None]:
    """Run a campus's worker."""
    ours = {
        "CAMPUS_ROOT": str(places.root),
        "CAMPUS_STATE": str(places.state),
        "CAMPUS_INSTANCE": str(places.state),
    }
    places.logs.mkdir(parents=True, exist_ok=True)
    with open(places.logs / "worker.log", "ab") as log:
        command = [sys.executable, "-m", "tpc_hub.cli", "worker", "--jobs", str(jobs)]
        process = subprocess.Popen(
            command, env=os.environ | ours, stdout=log, stderr=log, cwd=places.root, start_new_session=True
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not is_serving(places):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(
                    f"The worker did not start:\n{(places.logs / 'worker.log').read_text()[-2000:]}"
                )
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
