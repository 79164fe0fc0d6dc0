"""Reads the files of sources. What cannot be read is a problem of that file, and hides no other file's."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.validator import NotebookValidationError

from tpc_courses.base.problems import Problem, SourceError

_KINDS = ("code", "markdown", "raw")


def short(path: Path) -> str:
    """Return the name of a source as problems give it, `exercises/slug/slug.md`."""
    return "/".join(path.parts[-3:])


def read_text(path: Path) -> str:
    """Return the text of a source; raises SourceError where it is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as e:
        raise _refused(path, f"byte {e.start + 1}", "not UTF-8", "Save it in this encoding") from e


def read_json_text(path: Path) -> str:
    """Return the text of a JSON file in any encoding that JSON knows; raises SourceError."""
    data = path.read_bytes()
    try:
        return data.decode(json.detect_encoding(data)).removeprefix("\ufeff")
    except UnicodeDecodeError as e:
        raise _refused(path, f"byte {e.start + 1}", "not UTF-8", "Save it in this encoding") from e


def read_notebook(path: Path, text: str) -> NotebookNode:
    """Return the notebook in the text of an .ipynb of any format, as one of format 4; raises SourceError.

    Each cell has a kind, a source and metadata; nothing else was checked.
    """
    try:
        raw = json.loads(text)
    except json.JSONDecodeError as e:
        where = f"line {e.lineno}, column {e.colno}"
        remedy = "Restore the file, or correct the line (a merge leaves lines of `<<<<<<<`)"
        raise _refused(path, where, f"not JSON ({e.msg})", remedy) from e
    except RecursionError as e:
        raise _refused(path, "", "nested too deeply to be a notebook", "Restore the file") from e
    found = raw.get("nbformat") if isinstance(raw, dict) else None
    if not isinstance(found, int) or not isinstance(raw.get("cells", raw.get("worksheets")), list):
        raise _refused(path, "", "JSON, but no notebook (no nbformat with cells)", "Restore the file")
    if found not in nbformat.versions:
        remedy = f"Save it in format {nbformat.current_nbformat}"
        raise _refused(path, "nbformat", f"format {found}, which nbformat here does not know", remedy)
    problems = [
        Problem(short(path), f"cell {number}", "no cell of a notebook", "Remove it, or restore the file")
        for number, cell in enumerate(raw.get("cells", []), 1)
        if not _is_cell(cell)
    ]
    if problems:
        raise SourceError(problems)
    if not isinstance(raw.get("metadata"), dict):
        raw["metadata"] = {}
    try:
        # Not `nbformat.reads`: it validates, and complains of what is accepted here.
        notebook = nbformat.versions[found].to_notebook_json(raw, minor=raw.get("nbformat_minor", 0))
        return nbformat.convert(notebook, 4)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, NotebookValidationError) as e:
        about = " ".join(str(e).split())[:200] or type(e).__name__
        remedy = "Open it in JupyterLab and save it again"
        raise _refused(path, "", f"no notebook of format {found} ({about})", remedy) from e


def _is_cell(cell: object) -> bool:
    """Return whether JSON is a cell of format 4, once what it may lack is filled in."""
    if not isinstance(cell, dict) or cell.get("cell_type") not in _KINDS:
        return False
    cell.setdefault("metadata", {})
    cell.setdefault("source", "")
    lines = cell["source"] if isinstance(cell["source"], list) else [cell["source"]]
    return all(isinstance(line, str) for line in lines) and isinstance(cell["metadata"], dict)


def _refused(path: Path, where: str, found: str, remedy: str) -> SourceError:
    return SourceError([Problem(short(path), where, found, remedy)])
