"""Exercises: the solution is the source. Tags in the Markdown expand to nbgrader's cell metadata.

tag `exercise`   code the student writes (solution between nbgrader's BEGIN/END SOLUTION marks)
tag `grade`      tests worth `points` (hidden part between BEGIN/END HIDDEN TESTS)
tag `answer`     a written answer worth `points`, graded by a person
"""

from __future__ import annotations

from pathlib import Path

from nbformat import NotebookNode
from pydantic import Field, ValidationError

from tpc_courses.lesson import FOREIGN_KEYS, front_matter, front_matter_problems, notebook_from
from tpc_courses.manifest import Frozen, Slug
from tpc_courses.problems import Problem, SourceError

ROLES = ("exercise", "grade", "answer")


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
        raise SourceError(front_matter_problems(name, e, ExerciseFacts)) from e
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
        for key in ("name", "points"):
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


def _is_points(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
