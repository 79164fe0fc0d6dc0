"""Every problem in the sources, found in one run: manifests, front matter, exercises, notebooks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tpc_courses.exercise import read_exercise
from tpc_courses.lesson import notebook_from, read_lesson
from tpc_courses.manifest import load_courses
from tpc_courses.places import Places
from tpc_courses.problems import Problem, SourceError

MAXIMUM_CELL_LINES = 15
MINIMUM_WRONG, MINIMUM_RIGHT = 5, 2


def check(places: Places) -> list[Problem]:
    """Return all problems in the sources, sorted."""
    problems: list[Problem] = []
    try:
        load_courses(places)
    except SourceError as e:
        problems += e.problems
    for path in lesson_paths(places):
        problems += _lesson_problems(path)
    for path in exercise_paths(places):
        problems += _exercise_problems(places, path)
    return sorted(set(problems))


def lesson_paths(places: Places) -> list[Path]:
    """Return the sources of all lessons, in a course or not."""
    found = [path for path in places.notebooks.glob("*/*") if path.suffix in {".md", ".ipynb"}]
    return sorted(path for path in found if path.parent.name not in {"tpc_lab", "experiments"})


def exercise_paths(places: Places) -> list[Path]:
    """Return the sources of all exercises, assigned or not."""
    slugs = sorted(folder.name for folder in places.exercises.iterdir() if folder.is_dir())
    return [path for slug in slugs if (path := places.exercise(slug)).exists()]


def _lesson_problems(path: Path) -> Iterator[Problem]:
    name = f"notebooks/{path.parent.name}/{path.name}"
    try:
        read_lesson(path)
    except SourceError as e:
        yield from e.problems
        return
    for index, cell in enumerate(notebook_from(path).cells):
        lines = cell.source.count("\n") + 1
        if cell.cell_type == "code" and lines > MAXIMUM_CELL_LINES:
            found = f"{lines} lines, more than {MAXIMUM_CELL_LINES}"
            yield Problem(
                name, f"cell {index + 1}", found, "Split it, or move the code to tpc_lab with a test"
            )


def _exercise_problems(places: Places, path: Path) -> Iterator[Problem]:
    try:
        read_exercise(path)
    except SourceError as e:
        yield from e.problems
    name = path.parent.relative_to(places.root).as_posix()
    for kind, minimum in (("wrong", MINIMUM_WRONG), ("right", MINIMUM_RIGHT)):
        count = len(list((path.parent / kind).glob("*.py")))
        if count < minimum:
            remedy = (
                "Add solutions: `make test` grades them, wrong ones must lose points, right ones must not"
            )
            yield Problem(f"{name}/{kind}", "", f"{count} solutions, fewer than {minimum}", remedy)
