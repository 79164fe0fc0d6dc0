"""Runs lessons with papermill and records what it took. A lesson that did not change is not run again."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path

import nbformat
from tpc_courses.lesson import notebook_from
from tpc_courses.places import Places

CELL_SECONDS = 120
PACKAGES = ("numpy", "scipy", "jax", "matplotlib")


def run_lessons(
    places: Places, slugs: Iterable[str], say: Callable[[str], None] = print
) -> dict[str, dict[str, object]]:
    """Return slug -> record of the last run: status, seconds, peak_memory_mib, date, versions, error.

    A lesson that raises keeps the notebook of its last good run; its record says `failed`.
    """
    records = {}
    slugs = list(slugs)
    for number, slug in enumerate(slugs, start=1):
        record_path = places.runs / f"{slug}.json"
        key = _key(places, slug)
        record = json.loads(record_path.read_text()) if record_path.exists() else {}
        if record.get("key") != key:
            say(f"Running lesson {number} of {len(slugs)}: {slug}")
            record = {"key": key, **_run(places, slug)}
            record_path.write_text(json.dumps(record, indent=1) + "\n")
        records[slug] = record
    return records


def executed(places: Places, slug: str) -> Path:
    """Return where the notebook of the last good run lies."""
    return places.runs / f"{slug}.ipynb"


def is_current(places: Places, slug: str) -> bool:
    """Return whether the last run was of the lesson as it is now."""
    record = places.runs / f"{slug}.json"
    return record.exists() and json.loads(record.read_text())["key"] == _key(places, slug)


def _run(places: Places, slug: str) -> dict[str, object]:
    source = places.runs / f"{slug}.source.ipynb"
    output = places.runs / f"{slug}.new.ipynb"
    source.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook_from(places.lesson(slug)), source)
    command = [sys.executable, "-m", "tpc_book.run_lesson", str(source), str(output), str(CELL_SECONDS)]
    environment = os.environ | {"CAMPUS_CORPUS": str(places.corpus), "CAMPUS_STATE": str(places.state)}
    start = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=places.runs)
    record: dict[str, object] = {
        "status": "failed" if done.returncode else "ok",
        "seconds": round(time.monotonic() - start, 1),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "versions": {name: version(name) for name in PACKAGES},
    }
    if done.returncode:
        return record | {"error": done.stderr[-4000:]}
    output.replace(executed(places, slug))
    return record | {"peak_memory_mib": json.loads(done.stdout.splitlines()[-1])["peak_memory_mib"]}


def _key(places: Places, slug: str) -> str:
    """Return a hash of all that a run depends on: the lesson and the library it imports."""
    digest = hashlib.sha256(places.lesson(slug).read_bytes())
    for path in sorted((places.notebooks / "tpc_lab").rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()
