"""Lessons for the browser: notebooks with the cells that run there, and what a page offers to run beside it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from tpc_courses.base.places import Places
from tpc_courses.sources.lesson import notebook_from, read_lesson

from tpc_book.base.cache import Kept
from tpc_book.lessons import lite_packages
from tpc_book.lessons.in_browser import Cell, code_for, runnable
from tpc_book.lessons.lite import current
from tpc_book.lessons.lite_packages import LOCK, Provided

# A lesson of which fewer cells run is better opened on the campus.
FEWEST_CELLS = 3
SMALLEST_SHARE = 1 / 3
# Questions answer by themselves on the page, and what steers a run shows nothing.
NOT_SHOWN = {"hide-input", "remove-input", "remove-cell", "parameters", "injected-parameters"}
PATH = "lite/notebooks/index.html?path="
NO_DATE = "2026-01-01T00:00:00Z"


def try_address(places: Places, slug: str) -> str:
    """Return where a lesson runs in the browser, below the book; empty when too little of it would."""
    known = _provided(places)
    if known is None:
        return ""
    notebook = notebook_from(places.lesson(slug))
    shown = [cell for code, cell in _read(notebook, known) if not _is_hidden(code) and not cell.only_imports]
    running = [cell for cell in shown if cell.statements]
    enough = len(running) >= max(FEWEST_CELLS, SMALLEST_SHARE * len(shown))
    return f"{PATH}{slug}.ipynb" if enough else ""


def code_to_run(places: Places, slug: str) -> dict[str, str]:
    """Return source of a cell -> code that runs it alone, with what it needs of the cells before."""
    known = _provided(places)
    if known is None:
        return {}
    read = _read(notebook_from(places.lesson(slug)), known)
    cells = [cell for _, cell in read]
    return {
        code.source: code_for(cells, index)
        for index, (code, cell) in enumerate(read)
        if cell.statements and not _is_hidden(code) and not cell.only_imports
    }


def stock(places: Places, slugs: Sequence[str], folder: Path, kept: Kept) -> None:
    """Put JupyterLite into the folder `lite` of an edition, with these lessons and `tpc_lab` as they are now."""
    base = current(places)
    if base is None:
        return
    # Links to the same files: an edition more costs next to nothing.
    shutil.copytree(base, folder, copy_function=_link)
    pyodide = folder / "static" / "pyodide"
    lock = json.loads((pyodide / LOCK).read_text(encoding="utf-8"))
    modules = lite_packages.lab_modules(places, lock)
    wheel = lite_packages.write_lab(places, modules, pyodide)
    entry = lite_packages.entry_of(wheel)
    lock["packages"][entry["name"]] = entry
    _write(pyodide / LOCK, lock)
    known = lite_packages.provided(lock, modules)
    lab = [path.read_bytes() for path in modules.values()]
    for slug in slugs:
        source = places.lesson(slug)
        make = partial(_text_to_try, places, slug, known)
        if text := kept.text(
            make, "in the browser", source.suffix, source.read_bytes(), sorted(known.names), lab
        ):
            path = folder / "files" / f"{slug}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if (folder / "files").exists():
        _list_contents(folder / "files", folder / "api" / "contents")


def _text_to_try(places: Places, slug: str, known: Provided) -> str:
    """Return the notebook of a lesson for the browser; empty when too little of it would run."""
    return str(nbformat.writes(notebook(places, slug, known))) if try_address(places, slug) else ""


def notebook(places: Places, slug: str, known: Provided) -> NotebookNode:
    """Return a lesson whose cells that need more than the browser has are listings that say what they need."""
    lesson = notebook_from(places.lesson(slug))
    read = iter(_read(lesson, known))
    for cell in lesson.cells:
        if cell.cell_type != "code":
            continue
        _, found = next(read)
        if found.statements:
            cell.source = found.text if found.partial else cell.source
        else:
            missing = ", ".join(found.missing) or "packages that are not here"
            cell.update(
                cell_type="markdown",
                source=f"*On the campus only: needs {missing}.*\n\n```python\n{cell.source}\n```",
            )
            for key in ("outputs", "execution_count"):
                cell.pop(key, None)
    lesson.cells.insert(1, nbformat.v4.new_markdown_cell(_explanation(), id="in-the-browser"))
    lesson.metadata = NotebookNode(
        title=read_lesson(places.lesson(slug)).title,
        kernelspec={"name": "python", "display_name": "Python (Pyodide)", "language": "python"},
    )
    return lesson


def _explanation() -> str:
    return (
        "> Python runs in this page; the first cell takes about ten seconds. What you change is kept in this browser "
        "only; *Help › Clear Browser Data* brings the lesson back as it was. Cells that need more than Python's "
        "standard library are shown as listings; open the lesson on the campus to run them."
    )


def _read(lesson: NotebookNode, known: Provided) -> list[tuple[NotebookNode, Cell]]:
    code = [cell for cell in lesson.cells if cell.cell_type == "code"]
    return list(zip(code, runnable([cell.source for cell in code], known), strict=True))


def _is_hidden(cell: NotebookNode) -> bool:
    return bool(NOT_SHOWN & set(cell.metadata.get("tags", [])))


def _provided(places: Places) -> Provided | None:
    base = current(places)
    if base is None:
        return None
    lock = json.loads((base / "static" / "pyodide" / LOCK).read_text(encoding="utf-8"))
    return lite_packages.provided(lock, lite_packages.lab_modules(places, lock))


def _link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)


def _write(path: Path, value: object) -> None:
    """Write a file anew: the old one may be shared with other editions."""
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def _list_contents(files: Path, api: Path) -> None:
    """Write what Jupyter's contents service would answer for each folder."""
    for folder in [files, *(path for path in files.rglob("*") if path.is_dir())]:
        name = folder.relative_to(files).as_posix().removeprefix(".")
        entries = [_entry(path, files) for path in sorted(folder.iterdir())]
        _write(api / name / "all.json", {**_about(name, "directory"), "format": "json", "content": entries})


def _entry(path: Path, files: Path) -> dict[str, Any]:
    kind = "directory" if path.is_dir() else "notebook"
    size = None if path.is_dir() else path.stat().st_size
    return {**_about(path.relative_to(files).as_posix(), kind), "size": size}


def _about(path: str, kind: str) -> dict[str, Any]:
    return {
        "name": path.rpartition("/")[2],
        "path": path,
        "type": kind,
        "format": None,
        "content": None,
        "mimetype": None,
        "writable": True,
        "created": NO_DATE,
        "last_modified": NO_DATE,
        "size": None,
    }
