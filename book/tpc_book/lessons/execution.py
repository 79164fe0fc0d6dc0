"""Runs lessons with papermill and records what it took. A lesson that did not change is not run again."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat
from tpc_courses.base.files import write_whole
from tpc_courses.base.places import Places
from tpc_courses.base.problems import Problem
from tpc_courses.sources.lesson import notebook_from

# Lessons take a tenth of this; a machine full of students may be ten times slower.
CELL_SECONDS = 300
NAMED_ERROR = re.compile(r"^[\w.]+(?:Error|Exception|Interrupt|Exit)\b.*", re.MULTILINE)
PACKAGES = ("numpy", "scipy", "jax", "matplotlib")
# As in a student's kernel: beside other work, two BLAS threads wait for each other and take 20 times as long.
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
Record = dict[str, Any]


def run_lessons(
    places: Places, slugs: Iterable[str], say: Callable[[str], None] = print, workers: int | None = None
) -> dict[str, Record]:
    """Return slug -> record of the last run: status, seconds, peak_memory_mib, date, versions, error.

    A lesson that raises keeps the notebook of its last good run, with its time and memory; its record says
    `failed`.
    """
    slugs = list(slugs)
    for _ in run_changed(places, slugs, say, workers):
        pass
    return {slug: record_of(places, slug) for slug in slugs}


def run_changed(
    places: Places, slugs: Sequence[str], say: Callable[[str], None] = print, workers: int | None = None
) -> Iterator[str]:
    """Run the lessons that changed, several at once; yield each when it is done."""
    waiting = to_run(places, slugs)
    done, said_slow = 0, False
    # Kernels are processes of their own; a thread for each waits for it.
    with ThreadPoolExecutor(workers or max(1, min(len(os.sched_getaffinity(0)), 8))) as pool:
        jobs = {pool.submit(_run_and_record, places, slug): slug for slug in waiting}
        try:
            for job in as_completed(jobs):
                done += 1
                record, slow = job.result()
                if slow and not said_slow:
                    said_slow = True
                    say(f"Lessons: {slow}")
                took = f"{record['seconds']:g} s" if record["status"] == "ok" else "failed"
                say(f"Lessons: {done} of {len(waiting)} run: {jobs[job]} ({took})")
                yield jobs[job]
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def to_run(places: Places, slugs: Iterable[str]) -> list[str]:
    """Return the lessons of which no run is known, good or failed, as they are now."""
    return [slug for slug in slugs if not _has_run(places, slug)]


def executed(places: Places, slug: str) -> Path:
    """Return where the notebook of the last good run lies."""
    return places.runs / f"{slug}.ipynb"


def record_of(places: Places, slug: str) -> Record:
    """Return the record of the last run; empty when there was none, or it cannot be read."""
    try:
        return dict(json.loads((places.runs / f"{slug}.json").read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return {}


def is_current(places: Places, slug: str) -> bool:
    """Return whether the last run, good or failed, was of the lesson as it is now."""
    return record_of(places, slug).get("key") == _key(places, slug)


def _has_run(places: Places, slug: str) -> bool:
    record = record_of(places, slug)
    return is_current(places, slug) and (executed(places, slug).exists() or record["status"] == "failed")


def failures(places: Places, slugs: Iterable[str]) -> list[Problem]:
    """Return a problem for each lesson whose last run, as it is now, raised."""
    problems = []
    for slug in slugs:
        record = record_of(places, slug)
        if record.get("status") == "failed" and is_current(places, slug):
            reason = reason_of(str(record.get("error", "")))
            name = places.lesson(slug).relative_to(places.root).as_posix()
            problems.append(
                Problem(
                    name, f"run of {record['date']}", reason, "Correct the cell, then `campus build book`"
                )
            )
    return problems


def reason_of(error: str) -> str:
    """Return the line of a traceback that names the error; its last line where none does."""
    named = NAMED_ERROR.findall(error)
    lines = named or [line for line in error.splitlines() if line.strip()]
    return str(lines[-1]).strip().rstrip(".") if lines else "failed without a message"


def _run_and_record(places: Places, slug: str) -> tuple[Record, str]:
    """Run a lesson; return its record, and why its kernel could not be forked (empty when it was, or need not)."""
    path = places.runs / f"{slug}.json"
    found, slow = _run(places, slug)
    record = {"key": _key(places, slug), **found}
    if record["status"] == "failed":
        # Time and memory stay those of the run whose outputs are shown.
        before = record_of(places, slug)
        record |= {key: before[key] for key in ("peak_memory_mib", "seconds") if key in before}
    write_whole(path, json.dumps(record, indent=1) + "\n")
    return record, slow


def _run(places: Places, slug: str) -> tuple[Record, str]:
    source = places.runs / f"{slug}.source.ipynb"
    output = places.runs / f"{slug}.new.ipynb"
    source.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook_from(places.lesson(slug)), source)
    # Papermill notes in the notebook what it is told: names from the folder of runs, which may be moved.
    names = [path.relative_to(places.runs).as_posix() for path in (source, output)]
    command = [sys.executable, "-m", "tpc_book.lessons.run_lesson", *names, str(CELL_SECONDS)]
    environment = os.environ | _ENVIRONMENT
    environment |= {"CAMPUS_CORPUS": str(places.corpus), "CAMPUS_STATE": str(places.state)}
    start = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=places.runs)
    record: Record = {
        "status": "failed" if done.returncode else "ok",
        "seconds": round(time.monotonic() - start, 1),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "versions": _versions(),
    }
    if done.returncode:
        return record | {"error": done.stderr[-4000:]}, ""
    output.replace(executed(places, slug))
    measured = json.loads(done.stdout.splitlines()[-1])
    return record | {"peak_memory_mib": measured["peak_memory_mib"]}, measured["slow"]


@functools.cache
def _versions() -> dict[str, str]:
    return {"Python": ".".join(map(str, sys.version_info[:3])), **{name: version(name) for name in PACKAGES}}


def _key(places: Places, slug: str) -> str:
    """Return a hash of all that a run depends on: the lesson, the library it imports, the packages."""
    digest = hashlib.sha256(places.lesson(slug).read_bytes())
    digest.update(json.dumps(_versions()).encode())
    found = sorted((places.notebooks / "tpc_lab").rglob("*"))
    files = [(path, path.stat()) for path in found if path.is_file() and path.suffix != ".pyc"]
    digest.update(_library(tuple((path, stamp.st_mtime_ns, stamp.st_size) for path, stamp in files)))
    return digest.hexdigest()


@functools.lru_cache(maxsize=16)
def _library(files: tuple[tuple[Path, int, int], ...]) -> bytes:
    """Return a hash of files, read again when the time or size of one has changed."""
    digest = hashlib.sha256()
    for path, _, _ in files:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.digest()
