"""nbgrader's AUTOTEST lines, as the tests that nbgrader makes of them by running the author's solution.

nbgrader makes them when it generates an exercise, and keeps them in no file. Grading reads files only, so what was
made is kept in nbgrader's own folder for it, `source_with_tests`, with the hash of what it was made from.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

FOLDER = "source_with_tests"
_LINE = re.compile(r"^\s*#+\s*(HASHED\s+)?AUTOTEST\b", re.M)
_MADE_FROM = "tpc_made_from"


def uses_autotest(notebook: NotebookNode) -> bool:
    """Return whether tests of a notebook are still to be made."""
    return any(cell.cell_type == "code" and _LINE.search(cell.source) for cell in notebook.cells)


def keep_tests(source: Path, made: NotebookNode) -> None:
    """Keep the notebook with the tests that were made of a source notebook of the course folder."""
    kept = _kept(source)
    kept.parent.mkdir(parents=True, exist_ok=True)
    marked = nbformat.from_dict({**made, "metadata": {**made.metadata, _MADE_FROM: _digest(source)}})
    kept.write_text(nbformat.writes(marked), encoding="utf-8")


def with_tests(source: Path) -> bytes:
    """Return a source notebook of the course folder, with the tests that were made of it, if any."""
    data, kept = source.read_bytes(), _kept(source)
    if kept.is_file() and nbformat.read(kept, as_version=4).metadata.get(_MADE_FROM) == _digest(source):
        return kept.read_bytes()
    return data


def _kept(source: Path) -> Path:
    return source.parents[2] / FOLDER / source.parent.name / source.name


def _digest(source: Path) -> str:
    return hashlib.sha256(source.read_bytes()).hexdigest()
