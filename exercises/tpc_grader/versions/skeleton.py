"""Rebuilds a submission: the structure is the release's, only answers and added cells are the student's.

A notebook is read as plain JSON, never trusted to be one. What is damaged is repaired where the exercise says
how it was; what is no notebook at all is `Unusable`, with the reason for the student.
"""

from __future__ import annotations

import ast
import functools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
from tpc_courses.sources.exercise import OURS
from tpc_courses.sources.levels import DEFAULT_LEVEL, LEVELS
from tpc_courses.sources.partial_credit import gives_partial_credit

from tpc_grader.submissions.submitted import Submitted, Unusable, submitted_cells
from tpc_grader.versions.autotests import uses_autotest
from tpc_grader.versions.cells import Cell, Level, Rebuilt, Role, Skeleton
from tpc_grader.versions.matching import is_same, matched
from tpc_grader.versions.names import bound_in

MAX_SOURCE_BYTES = 256 * 2**10
MAX_ADDED_CELLS = 200
MAX_ADDED_BYTES = 2**20
_WORD, _COMMENT = re.compile(r"\w+"), re.compile(r"#.*")


def read_skeleton(source: Path, release: Path) -> Skeleton:
    """Return the skeleton in two notebooks of the instructor's that have the same cells."""
    return _read_skeleton(source, release, source.stat().st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _read_skeleton(source: Path, release: Path, _: int) -> Skeleton:
    full, public = (nbformat.read(path, as_version=4) for path in (source, release))
    if len(full.cells) != len(public.cells):
        raise ValueError(f"{release}: not the release of {source}: it has another number of cells")
    if uses_autotest(full):
        # As they stand these lines would let everything pass.
        raise ValueError(f"{source}: its AUTOTEST lines are no tests yet. Generate the exercise again.")
    return Skeleton(skeleton_cells(full, public), dict(public.metadata))


def skeleton_cells(full: nbformat.NotebookNode, public: nbformat.NotebookNode) -> tuple[Cell, ...]:
    """Return the cells of two notebooks of the instructor's that have the same cells; raises ValueError."""
    pairs = enumerate(zip(full.cells, public.cells, strict=True))
    return tuple(_cell(index, one, other) for index, (one, other) in pairs)


def rebuild(skeleton: Skeleton, data: bytes) -> Rebuilt:
    """Return the submission in the bytes of a notebook; raises Unusable."""
    submitted, own = submitted_cells(data), skeleton.cells
    found = matched(own, submitted)
    if not found:
        raise Unusable(
            "None of the exercise's cells is in this notebook. Fetch it again and copy your answers in."
        )
    filled, added, notes, told = dict[int, Cell](), dict[int, list[Cell]](), list[str](), list[str]()
    tests = {cell.name for cell in own if cell.role == "test"}
    pieces = Counter(index for each in found.values() for index in each)
    place = -1
    for position, each in enumerate(submitted):
        if position in found:
            place = max(found[position])
            if len(found[position]) == pieces[place] == 1:
                filled[place], left = _filled(own[place], each)
                if left:
                    added.setdefault(place, []).append(_added(each, position))
        elif each.name in tests:
            notes.append(f"{each.name}: a copy of this test was left out")
        elif each.source.strip():
            added.setdefault(place, []).append(_added(each, position))
    _check_added(added)
    for index, said in _copied(own, submitted, found).items():
        filled[index] = replace(filled[index], said=said)
        notes.append(said)
        told.append(said)
    missing = {cell.name for cell in own if cell.name} - {
        own[i].name for each in found.values() for i in each
    }
    notes += [f"{cell.name}: missing, put back as released" for cell in own if cell.name in missing]
    cells = list(added.get(-1, []))
    for index, cell in enumerate(own):
        cells += [filled.get(index) or _unanswered(cell), *added.get(index, [])]
    return Rebuilt(tuple(cells), skeleton.metadata, tuple(notes), tuple(told))


def empty(skeleton: Skeleton, note: str) -> Rebuilt:
    """Return the exercise as released: what stands for a submission that cannot be read."""
    return Rebuilt(tuple(map(_unanswered, skeleton.cells)), skeleton.metadata, (note,))


def _cell(index: int, full: Any, public: Any) -> Cell:
    facts = dict(full.metadata.get("nbgrader", {}))
    ours = full.metadata.get(OURS, {})
    name = str(facts.get("grade_id", ""))
    role = _role(full.cell_type, facts)
    return Cell(
        role=role,
        kind=full.cell_type,
        source=full.source,
        public=public.source,
        id=str(public.get("id") or full.get("id") or f"cell-{index}"),
        name=name,
        points=float(facts.get("points", 0)) if facts.get("grade") or facts.get("task") else 0.0,
        level=_level(name, role, full.source, ours.get("level", DEFAULT_LEVEL)),
        artefacts=tuple(ours.get("artefacts", ())),
        asked=tuple(ours.get("dtypes", ())),
        released=public.source if role == "answer" else "",
        solution=full.source if role == "answer" else "",
        imports=_imports(full.source) if role == "answer" else "",
        binds=tuple(sorted(bound_in(full.source))) if full.cell_type == "code" else (),
        metadata=dict(public.metadata),
    )


def _role(kind: str, facts: dict[str, Any]) -> Role:
    if facts.get("solution"):
        return "written" if kind == "markdown" else "answer"
    if facts.get("task"):
        return "written"
    if facts.get("grade"):
        return "test" if kind == "code" else "written"
    return "given" if kind == "code" else "text"


def _level(name: str, role: Role, source: str, wanted: Any) -> Level:
    """Return where a cell runs: a score that is shown, not asserted, is never taken from the student's process."""
    if wanted not in LEVELS:
        raise ValueError(f"{name}: level {wanted!r}. Use one of: {', '.join(LEVELS)}.")
    return "oracle" if role == "test" and wanted == "kernel" and gives_partial_credit(source) else wanted


def _imports(source: str) -> str:
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return ""
    return "\n".join(ast.unparse(each) for each in body if isinstance(each, ast.Import | ast.ImportFrom))


def _check_size(each: Submitted, name: str) -> None:
    if len(each.source) > MAX_SOURCE_BYTES:
        raise Unusable(f"The cell {name} is longer than {MAX_SOURCE_BYTES // 2**10} KiB. Shorten it.")


def _check_added(added: dict[int, list[Cell]]) -> None:
    cells = [cell for group in added.values() for cell in group]
    if len(cells) > MAX_ADDED_CELLS or sum(len(cell.source) for cell in cells) > MAX_ADDED_BYTES:
        raise Unusable(
            f"The notebook has more than {MAX_ADDED_CELLS} cells, or {MAX_ADDED_BYTES // 2**20} MiB, of its own. "
            "Remove what the exercise does not ask for."
        )


def _added(each: Submitted, position: int) -> Cell:
    return Cell(
        "added", each.kind, each.source, each.source, f"added-{position}", attachments=each.attachments
    )


def _copied(
    own: Sequence[Cell], submitted: Sequence[Submitted], found: Mapping[int, tuple[int, ...]]
) -> dict[int, str]:
    """Return by index what to say of answers that came in more than once."""
    times = Counter(each.name for each in submitted)
    return {
        index: f"{own[index].name} is in the notebook {times[own[index].name]} times. The last one, cell "
        f"{position + 1} of the file, was graded; the others ran before it."
        for position, (index, *_) in found.items()
        if own[index].role in ("answer", "written") and times[own[index].name] > 1
    }


def _unanswered(cell: Cell) -> Cell:
    """Return a cell as it was released."""
    return replace(cell, source=cell.public) if cell.role in ("answer", "written") else cell


def _filled(cell: Cell, each: Submitted) -> tuple[Cell, bool]:
    """Return a cell with what the student wrote into it, and whether that is to run after it as well.

    A given cell that was edited runs as it was edited, if it still binds every name that ours does; beside tests that
    run elsewhere ours runs in any case, and one that is locked is always ours.
    """
    if cell.role in ("answer", "written"):
        _check_size(each, cell.name)
        return replace(cell, source=each.source, public=each.source, attachments=each.attachments), False
    edited = each.kind == "code" and bool(each.source.strip()) and not is_same(each.source, cell.public)
    if cell.role != "given" or not edited or cell.metadata.get("nbgrader", {}).get("locked"):
        return cell, False
    _check_size(each, "that you changed")
    if set(cell.binds) <= set(_WORD.findall(_COMMENT.sub("", each.source))):
        return replace(cell, public=each.source), False
    return cell, True


def code_cells(rebuilt: Rebuilt) -> Iterator[tuple[int, Cell]]:
    """Return the cells that are executed, with their index."""
    return ((index, cell) for index, cell in enumerate(rebuilt.cells) if cell.kind == "code")
