"""Lessons as the book shows them: the notebook with its last good outputs, and what stands around it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any

import nbformat
from nbformat import NotebookNode
from tpc_courses.base.places import Places
from tpc_courses.sources.lesson import notebook_from, read_lesson

from tpc_book.data.glossary import mark_notebook
from tpc_book.data.outreach import Term
from tpc_book.lessons import lite_notebooks
from tpc_book.lessons.execution import executed, is_current, record_of
from tpc_book.render.widgets import STATE

# The engine makes a citation of such a link, with author and year; in a list of works they stand before it already.
# A title marks it, and the page shows the DOI.
DOI_LINK = re.compile(r"\[(doi:10\.\d+/[^\]\s]+)\]\((https://doi\.org/[^)\s]+)\)")
# Cells that steer papermill, not readers.
HIDDEN = {"parameters", "injected-parameters", "remove-cell"}


def presentable(places: Places, slug: str, terms: Mapping[str, Term]) -> NotebookNode:
    """Return a lesson as a page: titled, with outputs, its words marked, without the cells that steer papermill."""
    notebook = _with_outputs(places, slug)
    notebook.cells = [cell for cell in notebook.cells if not HIDDEN & set(cell.metadata.get("tags", []))]
    for cell in notebook.cells:
        # Ids come from the content: an equal cell in two lessons would have the same one twice in the book.
        cell["id"] = f"{slug.replace('/', '-')}-{cell['id']}"[:64]
        if cell.cell_type == "markdown":
            cell.source = DOI_LINK.sub(r'[\1](\2 "\1")', cell.source)
        for output in cell.get("outputs", []):
            output.pop("metadata", None) if output.output_type == "stream" else None
    widgets = notebook.metadata.get("widgets")
    notebook.metadata = NotebookNode(
        title=read_lesson(places.lesson(slug)).title,
        kernelspec={"name": "python3", "display_name": "Python 3", "language": "python"},
    )
    if widgets and STATE in widgets:
        notebook.metadata["widgets"] = widgets
    mark_notebook(notebook, terms)
    return notebook


def sources(places: Places, slug: str) -> tuple[bytes, bytes, bool]:
    """Return all that `presentable` reads of a lesson: its source, its last run, whether that was of this source."""
    run = executed(places, slug)
    return (
        places.lesson(slug).read_bytes(),
        run.read_bytes() if run.exists() else b"",
        is_current(places, slug),
    )


def _with_outputs(places: Places, slug: str) -> NotebookNode:
    """Return the notebook of the last run; after a change, the new text with the outputs of cells that stayed."""
    source, run = notebook_from(places.lesson(slug)), executed(places, slug)
    if not run.exists():
        return source
    last = nbformat.read(run, as_version=4)
    if is_current(places, slug):
        return last
    known = {cell["id"]: cell for cell in last.cells if cell.cell_type == "code"}
    for cell in source.cells:
        if cell.cell_type == "code" and cell["id"] in known:
            cell.outputs = known[cell["id"]].outputs
    source.metadata["widgets"] = last.metadata.get("widgets", {})
    return source


def student_notebook(places: Places, slug: str) -> str:
    """Return the notebook that readers download, as text: what a student gets, without outputs."""
    return str(nbformat.writes(notebook_from(places.lesson(slug)))) + "\n"


def about(places: Places, slugs: Sequence[str], campus_url: str, book_url: str) -> dict[str, dict[str, Any]]:
    """Return slug -> what a page says around a lesson, as JSON can hold it."""
    return {slug: _about(places, slug, campus_url, book_url) for slug in slugs}


def _about(places: Places, slug: str, campus_url: str, book_url: str) -> dict[str, Any]:
    lesson, record = read_lesson(places.lesson(slug)), record_of(places, slug)
    state = "none" if not record else "failed" if record["status"] == "failed" else "ok"
    if state == "ok" and not is_current(places, slug):
        state = "stale"
    return {
        "slug": slug,
        "topic": lesson.topic,
        "description": lesson.description,
        "objectives": list(lesson.objectives),
        "minutes": lesson.minutes,
        "open_url": f"{campus_url}/open/{slug}",
        "try": lite_notebooks.try_address(places, slug),
        "code": lite_notebooks.code_to_run(places, slug),
        "bibtex": bibtex(slug, lesson.title, record, f"{book_url}/lessons/{slug}/"),
        "record": record,
        "state": state,
    }


def bibtex(slug: str, title: str, record: Mapping[str, Any], address: str) -> str:
    """Return how to cite a lesson."""
    year = str(record.get("date") or dt.datetime.now(dt.UTC).date())[:4]
    key = "tpc-campus-" + re.sub(r"[^a-z0-9]+", "-", slug.lower())
    return (
        f"@misc{{{key},\n  author = {{{{TPC Campus contributors}}}},\n  title = {{{title}}},\n"
        f"  year = {{{year}}},\n  howpublished = {{TPC Campus, Trillion Parameter Consortium}},\n"
        f"  url = {{{address}}}\n}}"
    )


def runs_page(places: Places, slugs: Sequence[str]) -> str:
    """Return the page with time, memory and versions of every lesson's last run."""
    rows = [_row(places, slug) for slug in slugs]
    records = [record_of(places, slug) for slug in slugs]
    measured = [record for record in records if record.get("peak_memory_mib") is not None]
    total = sum(float(record["seconds"]) for record in measured)
    versions: dict[str, str] = next((record["versions"] for record in measured), {})
    with_versions = ", ".join(f"{name} {number}" for name, number in versions.items())
    lines = [
        "---\ntitle: How the lessons ran\ndescription: Time, memory and date of the last run of every lesson.\n---",
        "# How the lessons ran",
        "Does every lesson still run? Each is run from the first to the last cell before it appears here. "
        "A lesson that fails keeps the outputs of its last good run, and says so.",
        f"{len(measured)} of {len(slugs)} lessons have run, in {total:.0f} s of computing"
        + (f" with {with_versions}." if with_versions else "."),
        "| lesson | state | time (s) | memory (MiB) | date |\n|---|---|--:|--:|---|\n" + "\n".join(rows),
        "Memory is the most that the kernel held at once. Times are from the machine that built this book.",
    ]
    return "\n\n".join(lines) + "\n"


def _row(places: Places, slug: str) -> str:
    record = record_of(places, slug)
    title = read_lesson(places.lesson(slug)).title
    state = "not run yet" if not record else "failed" if record["status"] == "failed" else "ran"
    numbers = [str(record.get(key, "")) for key in ("seconds", "peak_memory_mib")]
    numbers.append(str(record.get("date", "")).replace("-", "\N{NON-BREAKING HYPHEN}"))
    return f"| [{title}](/lessons/{slug}.ipynb) | {state} | {' | '.join(numbers)} |"
