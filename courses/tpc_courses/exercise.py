"""Exercises: the solution is the source. Tags in the Markdown expand to nbgrader's cell metadata.

tag `exercise`   code the student writes (solution between nbgrader's BEGIN/END SOLUTION marks)
tag `grade`      tests worth `points` (hidden part between BEGIN/END HIDDEN TESTS); `show` says what feedback tells
tag `answer`     a written answer worth `points`, graded by a person

A `grade` cell may say at which `level` it is trusted: `oracle` (the default) and `artefact` run the tests where no
student's code is, `kernel` beside it; see CONTRIBUTING.md.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from nbformat import NotebookNode
from pydantic import Field, ValidationError

from tpc_courses.lesson import FOREIGN_KEYS, front_matter, front_matter_problems, notebook_from
from tpc_courses.levels import DEFAULT_LEVEL, LEVELS, bound_names, needs_kernel
from tpc_courses.manifest import Frozen, Slug
from tpc_courses.partial_credit import gives_partial_credit
from tpc_courses.problems import Problem, SourceError

ROLES = ("exercise", "grade", "answer")
# What feedback says of a test: points only, its message too, or also what was expected where students can read it.
SHOWN = ("score", "message", "difference")
ARTEFACT_ENDINGS = (".json", ".npy", ".safetensors")
# Under this key of a cell's metadata a release says what nbgrader's own metadata has no place for.
OURS = "tpc"


class Part(Frozen):
    """One graded cell: `manual` parts are read by a person."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,59}$")
    points: float = Field(gt=0, le=100)
    manual: bool = False


class ExerciseFacts(Frozen):
    """What the front matter of an exercise may say."""

    title: str = Field(min_length=3, max_length=80)
    description: str = Field(default="", max_length=300)
    minutes: int = Field(default=45, ge=5, le=600)


class Exercise(ExerciseFacts):
    """An exercise as its source declares it."""

    slug: Slug
    parts: tuple[Part, ...]

    @property
    def points(self) -> float:
        """Return the maximum score."""
        return sum(part.points for part in self.parts)

    @property
    def automatic_points(self) -> float:
        """Return the part of the maximum that tests award."""
        return sum(part.points for part in self.parts if not part.manual)


def read_exercise(path: Path) -> Exercise:
    """Return what an exercise declares; raises SourceError with every problem in its cells."""
    name = f"exercises/{path.parent.name}/{path.name}"
    declared = {key: value for key, value in front_matter(path).items() if key not in FOREIGN_KEYS}
    try:
        facts = ExerciseFacts.model_validate(declared)
    except ValidationError as e:
        raise SourceError(front_matter_problems(path, name, e, ExerciseFacts)) from e
    notebook = notebook_from(path)
    problems = list(_cell_problems(name, notebook))
    if problems:
        raise SourceError(problems)
    parts = tuple(
        Part(name=cell.metadata.name, points=cell.metadata.points, manual=role_of(cell) == "answer")
        for cell in notebook.cells
        if role_of(cell) in {"grade", "answer"}
    )
    return Exercise(slug=path.stem, parts=parts, **facts.model_dump())


def role_of(cell: NotebookNode) -> str | None:
    """Return which of our roles a cell has, or None."""
    return next((role for role in ROLES if role in cell.metadata.get("tags", [])), None)


def source_notebook(path: Path) -> NotebookNode:
    """Return the instructor's notebook with nbgrader metadata, ready for `generate_assignment`."""
    read_exercise(path)
    notebook = notebook_from(path)
    for cell in notebook.cells:
        role = role_of(cell)
        if role is None:
            continue
        cell.metadata["nbgrader"] = _nbgrader_metadata(cell, role)
        cell["id"] = cell.metadata.name
        cell.metadata[OURS] = {
            key: cell.metadata[key] for key in ("level", "artefacts") if key in cell.metadata
        }
        for key in ("name", "points", "level", "artefacts"):
            cell.metadata.pop(key, None)
    return notebook


def _nbgrader_metadata(cell: NotebookNode, role: str) -> dict[str, object]:
    kind = "markdown" if cell.cell_type == "markdown" else "code"
    metadata: dict[str, object] = {
        "schema_version": 3,
        "grade_id": cell.metadata.name,
        "grade": role != "exercise",
        "solution": role != "grade",
        "locked": role == "grade",
        "task": False,
        "cell_type": kind,
    }
    if role != "exercise":
        metadata["points"] = cell.metadata.points
    return metadata


def _cell_problems(name: str, notebook: NotebookNode) -> list[Problem]:
    problems, seen = [], set[str]()
    known = given_names(notebook.cells)
    for index, cell in enumerate(notebook.cells):
        role = role_of(cell)
        if role is None:
            continue
        where = f"cell {index + 1} ({role})"
        label = cell.metadata.get("name")
        if not label:
            problems.append(Problem(name, where, "no :name:", "Give the cell a name of its own"))
        elif label in seen:
            problems.append(Problem(name, where, f"name {label!r} is used twice", "Rename one of the cells"))
        seen.add(label or "")
        if role != "exercise" and not _is_points(cell.metadata.get("points")):
            problems.append(
                Problem(name, where, "no :points:, or not a number above 0", "Say what the part is worth")
            )
        problems += _level_problems(name, where, role, cell.metadata)
        problems += _trust_problems(name, where, role, cell, known)
        if role == "grade" and "AUTOTEST" in cell.source:
            remedy = "Write the tests as assertions"
            problems.append(
                Problem(name, where, "uses nbgrader's AUTOTEST, which tests nothing here", remedy)
            )
        shown = cell.metadata.get("show", "message")
        if role == "grade" and shown not in SHOWN:
            found = f"show is {shown!r}"
            problems.append(Problem(name, where, found, f"Remove it or use one of: {', '.join(SHOWN)}"))
        if role == "exercise" and "### BEGIN SOLUTION" not in cell.source:
            remedy = "Put the solution between `### BEGIN SOLUTION` and `### END SOLUTION`"
            problems.append(
                Problem(name, where, "no solution marks, the release would show the answer", remedy)
            )
    if not any(role_of(cell) == "grade" for cell in notebook.cells):
        problems.append(
            Problem(name, "", "no cell is tagged grade, nothing can be graded", "Add a test cell")
        )
    return problems


def _level_problems(name: str, where: str, role: str, metadata: NotebookNode) -> list[Problem]:
    level, artefacts = metadata.get("level"), metadata.get("artefacts")
    if level is None and artefacts is None:
        return []
    if role != "grade":
        return [Problem(name, where, "only a cell tagged grade has :level: and :artefacts:", "Remove them")]
    if level not in LEVELS:
        return [Problem(name, where, f"level {level!r}", f"Use one of: {', '.join(LEVELS)}")]
    names = artefacts if isinstance(artefacts, list) else []
    good = names and all(isinstance(each, str) and _is_artefact(each) for each in names)
    if level == "artefact" and not good:
        endings = " or ".join(ARTEFACT_ENDINGS)
        return [
            Problem(name, where, "no list of :artefacts:", f"Name files like [predictions.npy], {endings}")
        ]
    if level != "artefact" and artefacts is not None:
        return [Problem(name, where, f":artefacts: at level {level}", "Set :level: artefact, or remove them")]
    return []


def _trust_problems(name: str, where: str, role: str, cell: NotebookNode, known: set[str]) -> list[Problem]:
    level = cell.metadata.get("level", DEFAULT_LEVEL)
    if role == "grade" and level == "kernel" and gives_partial_credit(cell.source):
        found = "the last line is a value, which is the score (partial credit), and the student's code could forge it"
        return [Problem(name, where, found, "Set :level: oracle, or end the cell with an assertion")]
    reason = needs_kernel(cell.source, known) if role == "grade" and level == "oracle" else ""
    if not reason:
        return []
    remedy = (
        "Write it otherwise; or set :level: kernel, where code that walks Python's frames can beat the tests"
    )
    return [Problem(name, where, f"{reason}, which tests at level oracle (the default) cannot", remedy)]


def kernel_cells(path: Path) -> list[str]:
    """Return the names of the tests of an exercise that run beside the student's code."""
    cells = notebook_from(path).cells
    return [
        str(cell.metadata.name)
        for cell in cells
        if role_of(cell) == "grade" and cell.metadata.get("level") == "kernel"
    ]


def given_names(cells: Iterable[NotebookNode]) -> set[str]:
    """Return the names that the exercise's own code gives a meaning to."""
    found = set[str]()
    for cell in cells:
        if cell.cell_type == "code" and role_of(cell) is None:
            with suppress(SyntaxError):
                found |= bound_names(ast.parse(cell.source))
    return found


def _is_artefact(name: str) -> bool:
    return name.endswith(ARTEFACT_ENDINGS) and not name.startswith("/") and ".." not in name.split("/")


def _is_points(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
