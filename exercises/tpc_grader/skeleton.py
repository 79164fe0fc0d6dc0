"""Rebuilds a submission: the structure is the release's, only answers and added cells are the student's.

A notebook is read as plain JSON, never trusted to be one. What is damaged is repaired where the exercise says
how it was; what is no notebook at all is `Unusable`, with the reason for the student.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import nbformat
from tpc_courses.exercise import OURS
from tpc_courses.levels import DEFAULT_LEVEL, LEVELS
from tpc_courses.partial_credit import gives_partial_credit

from tpc_grader.autotests import uses_autotest
from tpc_grader.bounded_json import TooMuch, read_json
from tpc_grader.names import bound_in

Role = Literal["given", "answer", "test", "written", "text", "added"]
Level = Literal["kernel", "oracle", "artefact"]
MAX_SOURCE_BYTES = 256 * 2**10
MAX_ADDED_CELLS = 200
MAX_ADDED_BYTES = 2**20


class Unusable(ValueError):
    """A submission that is no notebook of the exercise; the message is for the student."""


@dataclass(frozen=True)
class Cell:
    """One cell of the exercise. `source` is the author's, hidden tests included; `public` is the student's view.

    given: code of the exercise; answer: the student's code; test: scored code; written: an answer that a person
    reads; text: prose; added: a cell that the student added.
    """

    role: Role
    kind: Literal["code", "markdown", "raw"]
    source: str
    public: str
    id: str
    name: str = ""
    points: float = 0.0
    level: Level = "oracle"
    artefacts: tuple[str, ...] = ()
    # Of an answer: what the author's solution imports, which no student may put another thing in the place of.
    imports: str = ""
    # Names that the author's code of a cell binds.
    binds: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    # What a student pasted into text of theirs, as it was in the file.
    attachments: Any = None

    @property
    def manual(self) -> bool:
        """Return whether a person gives the points."""
        return self.points > 0 and self.role != "test"


@dataclass(frozen=True)
class Skeleton:
    """The cells of one version of an exercise."""

    cells: tuple[Cell, ...]
    metadata: dict[str, Any]


@dataclass(frozen=True)
class Rebuilt:
    """A submission as it is run: `cells` in order, answers filled in; `notes` say what was repaired."""

    cells: tuple[Cell, ...]
    metadata: dict[str, Any]
    notes: tuple[str, ...] = ()


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
    submitted = [_submitted(cell) for cell in _cells_in(data)]
    own = {cell.name: cell for cell in skeleton.cells if cell.name}
    by_id = {cell.id: cell for cell in skeleton.cells}
    if not any(each.name in own or each.id in by_id for each in submitted):
        raise Unusable(
            "None of the exercise's cells is in this notebook. Fetch it again and copy your answers in."
        )
    last = {each.name: position for position, each in enumerate(submitted) if each.name in own}
    answers, added, notes, place = dict[str, _Submitted](), dict[str, list[Cell]](), list[str](), ""
    for position, each in enumerate(submitted):
        cell = own.get(each.name) or by_id.get(each.id)
        if cell is not None and not (each.name in own and last[each.name] != position):
            place = cell.id
            if cell.role in ("answer", "written"):
                answers[cell.name] = _checked_size(each, cell.name)
                continue
            if cell.role != "given" or each.kind != "code" or each.source.strip() == cell.public.strip():
                continue
        elif cell is not None and cell.role == "test":
            notes.append(f"{cell.name}: a copy of this test was left out")
            continue
        if each.source.strip():
            added.setdefault(place, []).append(_added(each, position))
    _check_added(added)
    missing = [cell.name for cell in skeleton.cells if cell.name and cell.name not in last]
    notes += [f"{name}: missing, put back as released" for name in missing]
    cells = list(added.get("", []))
    for cell in skeleton.cells:
        cells += [_filled(cell, answers.get(cell.name)), *added.get(cell.id, [])]
    return Rebuilt(tuple(cells), skeleton.metadata, tuple(notes))


def empty(skeleton: Skeleton, note: str) -> Rebuilt:
    """Return the exercise as released: what stands for a submission that cannot be read."""
    return Rebuilt(tuple(_filled(cell, None) for cell in skeleton.cells), skeleton.metadata, (note,))


@dataclass(frozen=True)
class _Submitted:
    name: str
    id: str
    kind: Literal["code", "markdown", "raw"]
    source: str
    attachments: Any


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


def _cells_in(data: bytes) -> list[Any]:
    try:
        notebook = read_json(data)
    except TooMuch as e:
        raise Unusable(f"The notebook is too large to be read: {e}. Clear its outputs.") from e
    except (ValueError, MemoryError) as e:
        raise Unusable(
            "The notebook is not valid JSON: it cannot be opened. Fetch the exercise again."
        ) from e
    if not isinstance(notebook, dict):
        raise Unusable("The file is not a notebook.")
    sheets = notebook.get("worksheets")
    if isinstance(sheets, list) and sheets and isinstance(sheets[0], dict):
        notebook = sheets[0]  # format 3
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        raise Unusable("The file is not a notebook: it has no list of cells.")
    return [cell for cell in cells if isinstance(cell, dict)]


def _submitted(cell: dict[str, Any]) -> _Submitted:
    metadata = cell.get("metadata")
    facts = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = facts.get("grade_id") if isinstance(facts, dict) else None
    source = cell.get("source") or cell.get("input")  # as format 3 calls it
    lines = source if isinstance(source, list) else [source]
    text = "".join(line for line in lines if isinstance(line, str))
    kind = cell.get("cell_type")
    return _Submitted(
        name=name if isinstance(name, str) else "",
        id=str(cell.get("id", ""))[:64],
        kind="code" if kind == "code" else "markdown" if kind == "markdown" else "raw",
        # Half a surrogate pair is no text: no file could hold it.
        source=text.encode("utf-8", "replace").decode(),
        attachments=cell.get("attachments"),
    )


def _checked_size(each: _Submitted, name: str) -> _Submitted:
    if len(each.source) > MAX_SOURCE_BYTES:
        raise Unusable(f"The cell {name} is longer than {MAX_SOURCE_BYTES // 2**10} KiB. Shorten it.")
    return each


def _check_added(added: dict[str, list[Cell]]) -> None:
    cells = [cell for group in added.values() for cell in group]
    if len(cells) > MAX_ADDED_CELLS or sum(len(cell.source) for cell in cells) > MAX_ADDED_BYTES:
        raise Unusable(
            f"The notebook has more than {MAX_ADDED_CELLS} cells, or {MAX_ADDED_BYTES // 2**20} MiB, of its own. "
            "Remove what the exercise does not ask for."
        )


def _added(each: _Submitted, position: int) -> Cell:
    return Cell(
        "added", each.kind, each.source, each.source, f"added-{position}", attachments=each.attachments
    )


def _filled(cell: Cell, answer: _Submitted | None) -> Cell:
    """Return a cell with the student's answer, or as it was released."""
    if cell.role not in ("answer", "written"):
        return cell
    if answer is None:
        return replace(cell, source=cell.public)
    return replace(cell, source=answer.source, public=answer.source, attachments=answer.attachments)


def code_cells(rebuilt: Rebuilt) -> Iterator[tuple[int, Cell]]:
    """Return the cells that are executed, with their index."""
    return ((index, cell) for index, cell in enumerate(rebuilt.cells) if cell.kind == "code")
