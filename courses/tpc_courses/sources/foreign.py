"""Exercises that nbgrader's own extension wrote: a notebook whose cells say themselves what is graded.

It is accepted as it is. Metadata of the schemas 0 to 2 become schema 3 as `nbgrader update` makes them; what nbgrader
would refuse, or would grade otherwise than its author meant, is a problem with its cell.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from nbformat import NotebookNode

from tpc_courses.base.problems import Problem

SCHEMA = 3
# As nbgrader's schema has it.
_GRADE_ID = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.+?)[ \t]*#*[ \t]*$|^ {0,3}(\S.*)\n {0,3}(?:=+|-+)[ \t]*$", re.M)
_HTML_HEADING = re.compile(r"<h[1-6][^>]*>(.*?)</h[1-6]>", re.S | re.I)
_FENCE = re.compile(r"^ {0,3}(```|~~~).*?^ {0,3}\1", re.M | re.S)
_MARKS = ("SOLUTION", "HIDDEN TESTS", "MARK SCHEME")
_AUTOTEST = re.compile(r"^\s*#+\s*(HASHED\s+)?AUTOTEST\b", re.M)
_PYTHON = ("python", "ipython", "python3", "python2")
MAXIMUM_POINTS = 1000
_TITLE = 80


def is_foreign(notebook: NotebookNode) -> bool:
    """Return whether cells carry nbgrader's own metadata."""
    return any("nbgrader" in cell.metadata for cell in notebook.cells)


def upgraded(name: str, notebook: NotebookNode) -> tuple[NotebookNode, list[Problem]]:
    """Return a copy with metadata of schema 3 and ids that follow the content, and what is wrong with it.

    `name` is the file's, as problems give it. What is wrong is left as it is.
    """
    problems = [*_kernel_problems(name, notebook.metadata)]
    cells: list[NotebookNode] = []
    for number, cell in enumerate(notebook.cells, 1):
        facts, found = _facts(cell)
        where = f"cell {number}" + (f" ({facts['grade_id']})" if facts.get("grade_id") else "")
        problems += [Problem(name, where, *each) for each in (*found, *_mark_problems(cell, facts))]
        cells.append(_copy(cell, facts))
    problems += _id_problems(name, cells)
    if not any(is_part(cell) for cell in cells):
        remedy = "Mark tests or written answers with nbgrader's Create Assignment, and give them points"
        problems.append(Problem(name, "", "no cell is graded, nothing would get points", remedy))
    _set_ids(cells)
    made = NotebookNode(cells=cells, metadata=_metadata(), nbformat=4, nbformat_minor=5)
    return made, problems


def facts_of(cell: NotebookNode) -> NotebookNode:
    """Return nbgrader's metadata of an upgraded cell, empty where it has none."""
    return cell.metadata.get("nbgrader", NotebookNode())


def is_part(cell: NotebookNode) -> bool:
    """Return whether an upgraded cell is worth points."""
    points = facts_of(cell).get("points", 0)
    return isinstance(points, float) and points > 0


def is_manual(cell: NotebookNode) -> bool:
    """Return whether a person gives the points of a part."""
    facts = facts_of(cell)
    return bool(facts.get("solution") or facts.get("task"))


def is_test(cell: NotebookNode) -> bool:
    """Return whether an upgraded cell holds tests."""
    return bool(facts_of(cell).get("grade")) and not is_manual(cell)


def title_of(notebook: NotebookNode, slug: str) -> str:
    """Return the first heading, without its marks; without one, what the name of the folder says."""
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        text = _FENCE.sub("", cell.source)
        found = min((*_HEADING.finditer(text), *_HTML_HEADING.finditer(text)), key=_start, default=None)
        title = _plain(next(each for each in found.groups() if each)) if found else ""
        if len(title) >= 3:
            return title if len(title) <= _TITLE else title[: _TITLE - 1].rstrip() + "…"
    return slug.replace("-", " ").capitalize() if len(slug) >= 3 else f"Exercise {slug}"


def _start(match: re.Match[str]) -> int:
    return match.start()


def _plain(heading: str) -> str:
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)|<[^>]+>", "", heading)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return " ".join(re.sub(r"\*+|`|(?<!\w)_+|_+(?!\w)|\\(?=\W)", "", text).split())


def _facts(cell: NotebookNode) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return the metadata of a cell as schema 3, empty for a cell that nbgrader leaves alone, and its problems."""
    raw = cell.metadata.get("nbgrader")
    if raw is None:
        return {}, []
    if not isinstance(raw, dict):
        return {}, [("its nbgrader metadata are no keys with values", "Remove them, or mark the cell again")]
    version = raw.get("schema_version", 0)
    if not isinstance(version, int) or version > SCHEMA:
        found = (
            f"schema_version {version!r}, of a newer nbgrader" if isinstance(version, int) else f"{version!r}"
        )
        return {}, [(found, f"Write it with an nbgrader of schema {SCHEMA}")]
    flags = {key: raw.get(key, False) for key in ("grade", "solution", "locked", "task")}
    problems = [
        (f"{key} is {value!r}, not true or false", "Mark the cell again")
        for key, value in flags.items()
        if not isinstance(value, bool)
    ]
    facts: dict[str, Any] = {"schema_version": SCHEMA, **flags}
    if not any(value is True for value in flags.values()):
        return {}, problems
    graded = flags["grade"] is True or flags["task"] is True or flags["solution"] is True
    label = raw.get("grade_id")
    if not graded and not (isinstance(label, str) and _GRADE_ID.fullmatch(label)):
        return {}, problems  # given text that is only locked: it needs no name here
    facts["grade_id"] = label if isinstance(label, str) else ""
    problems += [*_label_problems(label), *_kind_problems(cell, flags)]
    if flags["grade"] is True or flags["task"] is True:
        points, wrong = _points(raw, version)
        facts["points"] = points
        problems += wrong
    return facts, problems


def _label_problems(label: object) -> Iterator[tuple[str, str]]:
    if not label:
        yield "no grade_id", "Give the cell an id of its own"
    elif not isinstance(label, str) or not _GRADE_ID.fullmatch(label):
        yield f"grade_id {label!r}", "Use letters, digits, _ and -, as nbgrader wants them"


def _kind_problems(cell: NotebookNode, flags: dict[str, Any]) -> Iterator[tuple[str, str]]:
    kind = cell.cell_type
    if flags["task"]:
        if kind != "markdown":
            yield f"a task in a {kind} cell", "Make it a Markdown cell"
    elif kind == "raw" and (flags["grade"] or flags["solution"]):
        yield "a raw cell that is graded or answered", "Make it a code or Markdown cell"
    elif kind == "markdown" and flags["grade"] != flags["solution"]:
        found = "tests in a Markdown cell" if flags["grade"] else "a written answer that nobody grades"
        yield found, "Mark it as manually graded answer (grade and solution), with points"


def _points(raw: dict[str, Any], version: int) -> tuple[float, list[tuple[str, str]]]:
    """Return what a cell is worth; in schema 0 nbgrader counts no points, and those below 0, as 0."""
    value = raw.get("points")
    if version == 0 and value in (None, ""):
        return 0.0, []
    try:
        points = float("nan") if isinstance(value, bool) or value is None else float(value)
    except (TypeError, ValueError):
        points = float("nan")
    if version == 0 and points < 0:
        return 0.0, []
    if 0 <= points <= MAXIMUM_POINTS:
        return points, []
    found = "no points" if value in (None, "") else f"points are {value!r}"
    return 0.0, [(found, f"Say what the cell is worth, from 0 to {MAXIMUM_POINTS}")]


def _mark_problems(cell: NotebookNode, facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield marks that nbgrader refuses: not closed, or in a cell of another kind."""
    for mark in _MARKS:
        begins = [line for line in cell.source.splitlines() if f"BEGIN {mark}" in line]
        lines = [
            begin
            for line in cell.source.splitlines()
            for begin in (True, False)
            if f"{'BEGIN' if begin else 'END'} {mark}" in line
        ]
        if lines != [True, False] * len(begins):
            yield f"BEGIN {mark} and END {mark} do not follow each other", "Close each region before the next"
    solution, test = facts.get("solution"), facts.get("grade") or facts.get("task")
    if "BEGIN SOLUTION" in cell.source and not solution:
        yield "a solution in a cell that is no answer", "Mark the cell as answer; students would see it"
    if "BEGIN HIDDEN TESTS" in cell.source and not test:
        yield "hidden tests in a cell that is not graded", "Mark the cell as tests; students would see them"
    if "BEGIN MARK SCHEME" in cell.source and not (facts.get("task") or (solution and facts.get("grade"))):
        yield "a mark scheme in a cell that nobody reads", "Mark the cell as manually graded"
    if cell.cell_type == "code" and _AUTOTEST.search(cell.source) and not facts.get("grade"):
        yield "an AUTOTEST line in a cell without tests", "Mark the cell as autograder tests, with points"


def _id_problems(name: str, cells: list[NotebookNode]) -> Iterator[Problem]:
    """Yield ids that several cells have; of cells that are only locked the later ones lose theirs."""
    seen = dict[str, int]()
    by_weight = sorted(enumerate(cells, 1), key=lambda each: not _is_graded(each[1]))
    for number, cell in by_weight:
        label = facts_of(cell).get("grade_id")
        if not label:
            continue
        if label not in seen:
            seen[label] = number
        elif not _is_graded(cell):
            cell.metadata.pop("nbgrader")
        else:
            found = f"grade_id {label!r} is that of cell {seen[label]} too"
            yield Problem(name, f"cell {number}", found, "Give one of them another id")


def _is_graded(cell: NotebookNode) -> bool:
    facts = facts_of(cell)
    return bool(facts.get("grade") or facts.get("solution") or facts.get("task"))


def _kernel_problems(name: str, metadata: NotebookNode) -> Iterator[Problem]:
    spec, info = metadata.get("kernelspec"), metadata.get("language_info")
    spec, info = (each if isinstance(each, dict) else {} for each in (spec, info))
    language = str(spec.get("language") or info.get("name") or metadata.get("language") or "python").lower()
    kernel = str(spec.get("name") or language)
    if kernel in ("ir", "julia", "octave", "bash") or kernel.startswith(("julia-", "ir-")):
        language = {"ir": "R"}.get(kernel, kernel) if language == "python" else language
    elif language in _PYTHON:
        return
    remedy = "Write it in Python; what runs other languages is not here"
    yield Problem(name, "kernelspec", f"kernel {kernel!r} for {language}", remedy)


def _copy(cell: NotebookNode, facts: dict[str, Any]) -> NotebookNode:
    metadata = NotebookNode({key: value for key, value in cell.metadata.items() if key != "nbgrader"})
    if facts:
        metadata["nbgrader"] = NotebookNode({**facts, "cell_type": cell.cell_type})
    made = NotebookNode(cell_type=cell.cell_type, metadata=metadata, source=cell.source)
    if cell.cell_type == "code":
        made.update(outputs=[], execution_count=None)
    elif isinstance(cell.get("attachments"), dict) and cell.attachments:
        made["attachments"] = cell.attachments
    return made


def _set_ids(cells: Iterable[NotebookNode]) -> None:
    """Give graded cells their grade_id, the others one of their content: the same file always gives the same."""
    cells, seen = list(cells), Counter[str]()
    taken = {label for cell in cells if len(label := str(facts_of(cell).get("grade_id", ""))) <= 64}
    for cell in cells:
        label = str(facts_of(cell).get("grade_id", ""))
        if label in taken and label and not seen[label]:
            seen[label] += 1
            cell["id"] = label
            continue
        digest = hashlib.sha1(cell.source.encode("utf-8", "replace")).hexdigest()[:10]
        seen[digest] += 1
        cell["id"] = f"{digest}-{seen[digest]}"


def _metadata() -> NotebookNode:
    spec = NotebookNode(name="python3", display_name="Python 3", language="python")
    return NotebookNode(kernelspec=spec, language_info=NotebookNode(name="python"))
