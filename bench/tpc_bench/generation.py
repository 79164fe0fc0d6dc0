"""Generating exercises: stock `nbgrader generate_assignment`, and ours with the author's solution tried.

Each side is a process of its own for each exercise, so both pay for what they import. Stock tries no solution: what its
`nbgrader validate` takes for that is measured too.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tpc_courses.base.places import Places
from tpc_courses.checks.check import exercise_paths
from tpc_grader.gradebook.gradebook import ensure_gradebook
from tpc_grader.versions.support_files import exercise_files

Say = Callable[[str], None]
_OURS = """
import sys
from pathlib import Path
from tpc_courses.sources.manifest import Course
from tpc_courses.base.places import Places
from tpc_grader.coursework import coursework
root, state, slug = sys.argv[1:]
course = Course(id="bench", title="Benchmark", summary="One exercise.", units=[{"exercise": slug}])
if coursework.prepare_course(Places(Path(root), Path(state)), course) != [slug]:
    sys.exit(f"{slug} was not released")
"""


def bench_generation(places: Places, exercises: tuple[str, ...], say: Say) -> dict[str, Any]:
    """Generate exercises both ways; returns seconds and ratio of each. Raises RuntimeError when a side fails."""
    slugs = exercises or tuple(path.parent.name for path in exercise_paths(places))
    with tempfile.TemporaryDirectory(prefix="campus-bench-") as name:
        folder = Path(name)
        sources = _without_notes(places, folder / "root")
        say("Preloading a process to grade in, as a campus that runs has one ...")
        _ours(sources, folder / "warm", slugs[0])
        found = {slug: _both(sources, folder / slug, slug, say) for slug in slugs}
    worst = max(each["ratio"] for each in found.values())
    return {"benchmark": "generation", "exercises": found, "worst_ratio": worst}


def _without_notes(places: Places, root: Path) -> Places:
    """Return the same sources without notes of what was tried, so that every solution is."""
    for name in ("courses", "notebooks"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(places.root / name)
    (root / "exercises").mkdir()
    for path in exercise_paths(places):
        (root / "exercises" / path.parent.name).symlink_to(path.parent)
    return Places(root, root)


def _both(places: Places, folder: Path, slug: str, say: Say) -> dict[str, float]:
    stock = folder / "stock"
    for name, data in exercise_files(places, slug).items():
        path = stock / "source" / slug / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (stock / "nbgrader_config.py").write_text(
        f"c = get_config()\nc.CourseDirectory.root = {str(stock)!r}\n", encoding="utf-8"
    )
    ensure_gradebook(stock / "gradebook.db")  # which is not what is measured here
    generated = _timed([sys.executable, "-m", "nbgrader", "generate_assignment", slug], stock)
    validated = _timed([sys.executable, "-m", "nbgrader", "validate", f"source/{slug}/{slug}.ipynb"], stock)
    ours = _ours(places, folder / "ours", slug)
    say(f"  {slug}: stock {generated:.1f} s (and {validated:.1f} s to validate), ours {ours:.1f} s")
    return {
        "stock_seconds": round(generated, 2),
        "stock_validate_seconds": round(validated, 2),
        "campus_seconds": round(ours, 2),
        "ratio": round(ours / generated, 2),
        "ratio_with_validate": round(ours / (generated + validated), 2),
    }


def _ours(places: Places, state: Path, slug: str) -> float:
    state.mkdir(parents=True)
    ensure_gradebook(_folder(state) / "gradebook.db")
    return _timed([sys.executable, "-c", _OURS, str(places.root), str(state), slug], state)


def _folder(state: Path) -> Path:
    folder = Places(state, state).nbgrader("bench")
    folder.mkdir(parents=True)
    return folder


def _timed(command: list[str], folder: Path) -> float:
    """Run a command; returns its seconds."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    began = time.monotonic()
    answer = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    seconds = time.monotonic() - began
    if answer.returncode:
        said = (answer.stderr.strip() or answer.stdout.strip() or "no output").splitlines()[-1]
        raise RuntimeError(f"{' '.join(command[1:4])} failed: {said}")
    return seconds
