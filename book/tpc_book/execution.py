"""Runs lessons with papermill and keeps what they computed: notebooks with outputs, time, memory, versions.

A lesson runs again only when its source or `tpc_lab` changed. One that fails keeps its last good run.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

import nbformat
from tpc_courses.lesson import notebook_from
from tpc_courses.manifest import Frozen
from tpc_courses.places import Places

Say = Callable[[str], None]
CELL_TIMEOUT_SECONDS = 300
_PACKAGES = ("numpy", "scipy", "jax", "matplotlib")


class Run(Frozen):
    """One attempt at a lesson; `digest` identifies the sources it ran with."""

    status: Literal["ok", "failed"]
    digest: str
    finished: dt.datetime
    seconds: float
    peak_memory_mib: int
    versions: dict[str, str]
    error: str = ""


def run_lessons(places: Places, lessons: Iterable[str], say: Say = print) -> dict[str, Run]:
    """Run the lessons whose sources changed; returns the last attempt of each, also kept in report.json."""
    places.runs.mkdir(parents=True, exist_ok=True)
    library = _digest_of_library(places)
    report: dict[str, Run] = {}
    for slug in dict.fromkeys(lessons):
        digest = hashlib.sha256(library + places.lesson(slug).read_bytes()).hexdigest()
        good = last_good_run(places, slug)
        if good is not None and good.digest == digest:
            report[slug] = good
            continue
        report[slug] = run = _run(places, slug, digest)
        outcome = f"ran in {run.seconds:.0f} s" if run.status == "ok" else f"failed: {run.error}"
        say(f"Lesson {slug} {outcome}")
        _write_report(places, report)
    _write_report(places, report)
    return report


def last_good_run(places: Places, slug: str) -> Run | None:
    """Return the facts of the run whose notebook is kept, or None."""
    facts = places.runs / f"{slug}.json"
    if not facts.exists() or not executed_notebook(places, slug).exists():
        return None
    return Run.model_validate_json(facts.read_text(encoding="utf-8"))


def executed_notebook(places: Places, slug: str) -> Path:
    """Return where the notebook of the last good run lies."""
    return places.runs / f"{slug}.ipynb"


def _run(places: Places, slug: str, digest: str) -> Run:
    with tempfile.TemporaryDirectory(dir=places.runs, prefix=".running-") as scratch:
        source, target = Path(scratch, "source.ipynb"), Path(scratch, "executed.ipynb")
        nbformat.write(notebook_from(places.lesson(slug)), source)
        began = time.monotonic()
        code, peak_mib, log = _papermill(source, target, Path(scratch))
        run = Run(
            status="failed" if code else "ok",
            digest=digest,
            finished=dt.datetime.now(dt.UTC),
            seconds=round(time.monotonic() - began, 1),
            peak_memory_mib=peak_mib,
            versions=_versions(),
            error=_last_line(log) if code else "",
        )
        if run.status == "ok":
            _keep(places, slug, target, run)
        return run


def _papermill(source: Path, target: Path, scratch: Path) -> tuple[int, int, str]:
    """Return exit status, peak memory in MiB of the largest process, and what was printed."""
    command = [
        *(sys.executable, "-m", "papermill", str(source), str(target)),
        *("--kernel", "python3", "--parameters", "effort", "quick", "--cwd", str(scratch)),
        *("--no-progress-bar", "--execution-timeout", str(CELL_TIMEOUT_SECONDS)),
    ]
    # Nobody's own IPython or matplotlib settings may shape what readers see.
    environment = os.environ | {"IPYTHONDIR": str(scratch / "ipython"), "PYTHONHASHSEED": "0"}
    environment["JUPYTER_CONFIG_DIR"] = str(scratch / "jupyter")
    log = scratch / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=environment, cwd=scratch)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    kibibytes = usage.ru_maxrss if sys.platform == "linux" else usage.ru_maxrss // 1024
    return process.returncode, kibibytes // 1024, log.read_text(encoding="utf-8", errors="replace")


def _keep(places: Places, slug: str, executed: Path, run: Run) -> None:
    target = executed_notebook(places, slug)
    target.parent.mkdir(parents=True, exist_ok=True)
    # Facts go first: a crash in between leaves a digest that matches nothing older.
    facts = target.with_suffix(".json")
    facts.unlink(missing_ok=True)
    os.replace(executed, target)
    _write(facts, run.model_dump_json(indent=1))


def _write_report(places: Places, report: dict[str, Run]) -> None:
    rows = {slug: run.model_dump(mode="json") for slug, run in report.items()}
    _write(places.runs / "report.json", json.dumps(rows, indent=1) + "\n")


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.new")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)


def _digest_of_library(places: Places) -> bytes:
    digest = hashlib.sha256()
    library = places.notebooks / "tpc_lab"
    for path in sorted(library.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.relative_to(library).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.digest()


def _versions() -> dict[str, str]:
    return {"Python": platform.python_version()} | {
        name: importlib.metadata.version(name) for name in _PACKAGES
    }


def _last_line(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "no output"
