"""Every problem in the sources, found in one run: manifests, front matter, exercises, notebooks."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from tpc_courses.base.places import Places
from tpc_courses.base.problems import Problem, SourceError
from tpc_courses.base.reading import short
from tpc_courses.checks.budgets import budget_problems
from tpc_courses.checks.quotations import exercise_number_problems, quotation_problems
from tpc_courses.sources.attempts import Attempt, claimed_parts, read_edits
from tpc_courses.sources.exercise import is_foreign, kernel_cells, read_exercise
from tpc_courses.sources.lesson import notebook_from, read_lesson
from tpc_courses.sources.levels import KERNEL_RISK
from tpc_courses.sources.manifest import load_courses

MINIMUM_WRONG, MINIMUM_RIGHT = 5, 2


def check(places: Places) -> list[Problem]:
    """Return all problems in the sources, sorted."""
    problems: list[Problem] = []
    try:
        load_courses(places)
    except SourceError as e:
        problems += e.problems
    for path in lesson_paths(places):
        problems += _found(path, _lesson_problems(places, path))
    for path in exercise_paths(places):
        problems += _found(path, _exercise_problems(places, path))
    problems += _lost_notebooks(places)
    return sorted(set(problems))


def _found(path: Path, problems: Iterator[Problem]) -> Iterator[Problem]:
    """Yield the problems of one file; what nobody foresaw in it is one of them, and hides no other file's."""
    try:
        yield from problems
    except SourceError as e:
        yield from e.problems
    except Exception as e:  # whatever a file from elsewhere holds
        found = f"cannot be read ({type(e).__name__}: {' '.join(str(e).split())[:200]})"
        yield Problem(short(path), "", found, "Open it in JupyterLab and save it again")


def _lost_notebooks(places: Places) -> Iterator[Problem]:
    """Yield folders with notebooks of which none is taken for the exercise."""
    for folder in sorted(folder for folder in places.exercises.iterdir() if folder.is_dir()):
        names = sorted(each.name for each in folder.glob("[!.]*.ipynb"))
        if names and not places.exercise(folder.name).exists():
            found = f"{', '.join(names)}, and an exercise is one notebook"
            remedy = f"Give each a folder of its own, or call the exercise {folder.name}.ipynb and remove the others"
            yield Problem(f"exercises/{folder.name}", "", found, remedy)


def notes(places: Places) -> list[str]:
    """Return what is no fault but should be known: tests that can be beaten. The sources have no problems."""
    return [
        f"{path.relative_to(places.root).as_posix()}: {name} is at level kernel: {KERNEL_RISK}; use oracle if you can"
        for path in exercise_paths(places)
        for name in kernel_cells(path)
    ]


def lesson_paths(places: Places) -> list[Path]:
    """Return the sources of all lessons, in a course or not."""
    found = [path for path in places.notebooks.glob("*/*") if path.suffix in {".md", ".ipynb"}]
    return sorted(path for path in found if path.parent.name not in {"tpc_lab", "experiments"})


def exercise_paths(places: Places) -> list[Path]:
    """Return the sources of all exercises, assigned or not."""
    slugs = sorted(folder.name for folder in places.exercises.iterdir() if folder.is_dir())
    return [path for slug in slugs if (path := places.exercise(slug)).exists()]


def _lesson_problems(places: Places, path: Path) -> Iterator[Problem]:
    name = f"notebooks/{path.parent.name}/{path.name}"
    try:
        lesson = read_lesson(path)
    except SourceError as e:
        yield from e.problems
        return
    notebook = notebook_from(path)
    yield from budget_problems(name, notebook, lesson.minutes)
    yield from quotation_problems(places, path, notebook, lesson.minutes)
    for index, prerequisite in enumerate(lesson.prerequisites):
        if prerequisite.lesson and not places.lesson(prerequisite.lesson).exists():
            found = f"no notebooks/{prerequisite.lesson}.md"
            where = f"front matter prerequisites.{index}.lesson"
            yield Problem(name, where, found, "Create it, or name a lesson that exists")


def _exercise_problems(places: Places, path: Path) -> Iterator[Problem]:
    name, parts, ours = path.parent.relative_to(places.root).as_posix(), None, path.suffix == ".md"
    edits: tuple[Attempt, ...] = ()
    try:
        ours = not is_foreign(path)
        parts = {part.name for part in read_exercise(path).parts if not part.manual}
        if ours:
            yield from exercise_number_problems(places, path, notebook_from(path))
        edits, _ = read_edits(path.parent)
    except SourceError as e:
        yield from e.problems
    for edit in edits:
        yield from _unknown_parts(f"{name}/wrong.toml", edit.name, edit.parts, parts)
    for kind, minimum in (("wrong", MINIMUM_WRONG), ("right", MINIMUM_RIGHT)):
        solutions = sorted((path.parent / kind).glob("*.py"))
        # A notebook from elsewhere comes without; the author's own solution is tried when it is generated.
        known = len(solutions) + (len(edits) if kind == "wrong" else 0)
        if ours and known < minimum:
            remedy = (
                "Add solutions: `make test` grades them, wrong ones must lose points, right ones must not"
            )
            yield Problem(f"{name}/{kind}", "", f"{known} solutions, fewer than {minimum}", remedy)
        for solution in solutions:
            yield from _solution_problems(f"{name}/{kind}/{solution.name}", kind, solution, parts)


def _solution_problems(name: str, kind: str, path: Path, parts: set[str] | None) -> Iterator[Problem]:
    """Yield what keeps the gate from grading a solution: `parts` are the tests of its exercise, if known."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as e:
        yield Problem(name, f"line {e.lineno}", f"not Python ({e.msg})", "Correct it")
        return
    claimed = claimed_parts(tree)
    if not ast.get_docstring(tree):
        yield Problem(name, "line 1", "no docstring", "Say in one what is wrong here, or how it is written")
    if kind == "wrong" and not claimed:
        yield Problem(name, "PART", "missing", 'Say which test it must fail: PART = "<name of the test>"')
    if kind == "right" and claimed:
        yield Problem(name, "PART", "set, though a right solution loses nothing", "Remove it")
    yield from _unknown_parts(name, "PART", claimed, parts)


def _unknown_parts(
    name: str, where: str, claimed: Iterable[str], parts: set[str] | None
) -> Iterator[Problem]:
    """Yield a problem for each part that the exercise has not; `parts` is None when it could not be read."""
    for part in claimed if parts is not None else ():
        if part not in (parts or ()):
            known = ", ".join(sorted(parts or ()))
            yield Problem(name, where, f"the exercise has no test {part!r}", f"Use one of: {known}")
