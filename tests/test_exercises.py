"""Every exercise in the real nbgrader: the release scores 0, the source full, wrong ones lose points."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from campus_tree import REPOSITORY
from nbgrader.api import Gradebook
from tpc_courses.check import exercise_paths
from tpc_courses.exercise import read_exercise
from tpc_courses.manifest import Course
from tpc_courses.places import Places
from tpc_grader.coursework import _api, course_config, prepare_course

SLUGS = [path.stem for path in exercise_paths(Places(REPOSITORY, REPOSITORY / ".campus"))]


@dataclass
class Class:
    """A course with one exercise, to hand in solutions and read their scores by part."""

    places: Places
    course: Course
    slug: str

    def scores(self, student: str, notebook: nbformat.NotebookNode) -> dict[str, float]:
        """Submit a notebook and return part -> score, of the parts that tests award."""
        folder = self.places.nbgrader(self.course.id) / "submitted" / student / self.slug
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / f"{self.slug}.ipynb")
        result = _api(self.places, self.course).autograde(self.slug, student)
        assert result["success"], result.get("log")
        with Gradebook(
            course_config(self.places, self.course).CourseDirectory.db_url, self.course.id
        ) as gradebook:
            grades = gradebook.find_submission(self.slug, student).notebooks[0].grades
            exercise = read_exercise(self.places.exercise(self.slug))
            tested = {part.name for part in exercise.parts if not part.manual}
            return {grade.name: grade.auto_score for grade in grades if grade.name in tested}

    def notebook(self, step: str) -> nbformat.NotebookNode:
        path = self.places.nbgrader(self.course.id) / step / self.slug / f"{self.slug}.ipynb"
        return nbformat.read(path, as_version=4)


@pytest.fixture(scope="module", params=SLUGS)
def graded(request, tmp_path_factory) -> Class:
    places = Places(REPOSITORY, tmp_path_factory.mktemp("state"))
    course = Course(
        id="gate", title="The gate", summary="One exercise at a time.", units=[{"exercise": request.param}]
    )
    prepare_course(places, course)
    return Class(places, course, request.param)


def automatic(graded: Class) -> dict[str, float]:
    exercise = read_exercise(graded.places.exercise(graded.slug))
    return {part.name: part.points for part in exercise.parts if not part.manual}


def solutions(graded: Class, kind: str) -> list[Path]:
    return sorted((graded.places.exercises / graded.slug / kind).glob("*.py"))


def with_solution(notebook: nbformat.NotebookNode, text: str) -> nbformat.NotebookNode:
    """Put a solution in place of the cells that define its functions; the others stay right."""
    ours = {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
    placed = False
    for cell in notebook.cells:
        facts = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and facts.get("solution") and ours & defined(cell.source):
            cell.source, placed = ("" if placed else text), True
    assert placed, "the solution defines no function of the exercise"
    return notebook


def defined(source: str) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}


@pytest.mark.timeout(600)
def test_the_untouched_release_scores_nothing(graded):
    scores = graded.scores("untouched", graded.notebook("release"))
    assert scores == dict.fromkeys(automatic(graded), 0)


@pytest.mark.timeout(600)
def test_the_source_scores_everything(graded):
    assert graded.scores("author", graded.notebook("source")) == automatic(graded)


def test_the_release_shows_neither_solutions_nor_hidden_tests(graded):
    text = nbformat.writes(graded.notebook("release"))
    for mark in ("BEGIN SOLUTION", "END SOLUTION", "BEGIN HIDDEN", "END HIDDEN"):
        assert mark not in text


@pytest.mark.timeout(900)
def test_every_wrong_solution_loses_its_part(graded):
    survivors = []
    for path in solutions(graded, "wrong"):
        text = path.read_text(encoding="utf-8")
        scores = graded.scores(f"wrong-{path.stem}", with_solution(graded.notebook("source"), text))
        parts = claimed_parts(text)
        assert parts, f"{path.name} does not say which PART it must lose"
        survivors += [f"{path.name}: {part}" for part in parts if scores[part] >= automatic(graded)[part]]
    assert survivors == []


@pytest.mark.timeout(900)
def test_every_right_solution_scores_everything(graded):
    for path in solutions(graded, "right"):
        notebook = with_solution(graded.notebook("source"), path.read_text(encoding="utf-8"))
        scores = graded.scores(f"right-{path.stem}", notebook)
        assert claimed_parts(path.read_text()) == [], "a right solution loses nothing, so it names no PART"
        missed = {part: score for part, score in scores.items() if score < automatic(graded)[part]}
        assert missed == {}, path.name


def claimed_parts(text: str) -> list[str]:
    """Return the parts that a solution names in `PART`."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "PART":
            value = ast.literal_eval(node.value)
            return [value] if isinstance(value, str) else list(value)
    return []
