"""Every exercise: the release scores 0, the source full, right ones full, wrong ones lose their part.

Everything is graded in the sandbox; release and source in stock nbgrader too, as a fixed point of both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import nbformat
import pytest
from campus_tree import REPOSITORY
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from tpc_courses.base.places import Places
from tpc_courses.checks.check import exercise_paths
from tpc_courses.sources.attempts import Attempt, read_attempts
from tpc_courses.sources.exercise import read_exercise
from tpc_courses.sources.manifest import Course
from tpc_grader.coursework.coursework import course_config, prepare_course
from tpc_grader.grading.submission import grade_files, score_notebook
from tpc_grader.results.results import Graded
from tpc_grader.trial.trial import Exercise
from tpc_grader.versions import sources

SLUGS = [path.stem for path in exercise_paths(Places(REPOSITORY, REPOSITORY / ".campus"))]


@dataclass
class Class:
    """A course with one exercise, to grade solutions and read their scores by part."""

    places: Places
    course: Course
    slug: str

    def scores(self, notebook: nbformat.NotebookNode) -> dict[str, float]:
        """Return part -> score, of the parts that tests award, as the sandbox gives them."""
        source = sources.current(self.places, self.course.id, self.slug)
        verdict = score_notebook(source, nbformat.writes(notebook).encode())
        assert verdict.outcome == "graded", verdict.detail
        return {cell.name: cell.points for cell in verdict.cells if not cell.manual}

    def grade(self, notebook: nbformat.NotebookNode, seed: str | None = None) -> Graded:
        """Grade a notebook in the sandbox, drawing what the version or a seed says."""
        source = sources.current(self.places, self.course.id, self.slug)
        graded = grade_files(source, nbformat.writes(notebook).encode(), {}, seed=seed)
        assert graded.outcome == "graded", graded.detail
        return graded

    def stock_scores(self, student: str, notebook: nbformat.NotebookNode) -> dict[str, float]:
        """Return the same as stock nbgrader gives it, which runs the notebook in a kernel as we are."""
        folder = self.places.nbgrader(self.course.id) / "submitted" / student / self.slug
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / f"{self.slug}.ipynb")
        config = course_config(self.places, self.course)
        del config["Autograde"]
        result = NbGraderAPI(coursedir=CourseDirectory(config=config), config=config).autograde(
            self.slug, student
        )
        assert result["success"], result.get("log")
        with Gradebook(config.CourseDirectory.db_url, self.course.id) as gradebook:
            grades = gradebook.find_submission(self.slug, student).notebooks[0].grades
            return {grade.name: grade.auto_score for grade in grades if grade.name in automatic(self)}

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


def attempts(graded: Class) -> tuple[list[Attempt], list[Attempt]]:
    """Return the wrong solutions and the right ones."""
    every, _ = read_attempts(graded.places.exercise(graded.slug).parent)
    return [each for each in every if each.parts], [each for each in every if not each.parts]


def answers(notebook: nbformat.NotebookNode) -> dict[str, nbformat.NotebookNode]:
    """Return name -> cell, of the code cells that students write."""
    facts = [(cell.metadata.get("nbgrader", {}), cell) for cell in notebook.cells if cell.cell_type == "code"]
    return {each.grade_id: cell for each, cell in facts if each.get("solution")}


def with_attempt(notebook: nbformat.NotebookNode, attempt: Attempt) -> nbformat.NotebookNode:
    """Put a solution in place of the cells that it changes; the others stay right."""
    cells = answers(notebook)
    for name, code in attempt.applied({name: cell.source for name, cell in cells.items()}).items():
        cells[name].source = code
    return notebook


def lost_in_both(graded: Class, attempt: Attempt) -> list[str]:
    """Return the parts that a solution loses in the sandbox, which are those it loses in `campus try`."""
    full = automatic(graded)
    scores = graded.scores(with_attempt(graded.notebook("source"), attempt))
    lost = sorted(part for part, score in scores.items() if score < full[part])
    exercise = Exercise(graded.places, graded.slug)
    authors = {name: exercise.cells[index].source for name, index in exercise.answers.items()}
    changed = {exercise.answers[name]: code for name, code in attempt.applied(authors).items()}
    assert sorted(exercise.lost(changed)) == lost, f"{attempt.name}: the sandbox and `campus try` disagree"
    return lost


@pytest.mark.timeout(600)
def test_the_untouched_release_scores_nothing(graded):
    nothing = dict.fromkeys(automatic(graded), 0)
    assert graded.scores(graded.notebook("release")) == nothing
    assert graded.stock_scores("untouched", graded.notebook("release")) == nothing


@pytest.mark.timeout(600)
def test_the_source_scores_everything(graded):
    assert graded.scores(graded.notebook("source")) == automatic(graded)
    assert graded.stock_scores("author", graded.notebook("source")) == automatic(graded)


def test_the_release_shows_neither_solutions_nor_hidden_tests(graded):
    text = nbformat.writes(graded.notebook("release"))
    for mark in ("BEGIN SOLUTION", "END SOLUTION", "BEGIN HIDDEN", "END HIDDEN"):
        assert mark not in text


@pytest.mark.timeout(900)
def test_every_wrong_solution_loses_its_part_and_no_other(graded):
    """Also where other parts build on it: those are graded with the author's version."""
    wrong, _ = attempts(graded)
    assert len(wrong) >= 5, "an exercise is tried with five plausible mistakes"
    for attempt in wrong:
        assert lost_in_both(graded, attempt) == sorted(attempt.parts), attempt.name


@pytest.mark.timeout(900)
def test_every_right_solution_scores_everything(graded):
    _, right = attempts(graded)
    for attempt in right:
        assert lost_in_both(graded, attempt) == [], attempt.name


@pytest.mark.timeout(600)
def test_stock_nbgrader_gives_the_same_scores(graded):
    """But for parts that say they were graded with the author's version of an earlier answer: stock knows none."""
    wrong, right = attempts(graded)
    for attempt in (right[0], wrong[0]):
        notebook = with_attempt(graded.notebook("source"), attempt)
        stock = graded.stock_scores(re.sub(r"\W", "-", attempt.name), notebook)
        cells = [cell for cell in graded.grade(notebook).cells if not cell.manual]
        helped = {cell.name for cell in cells if "the author's version" in cell.message}
        assert {cell.name: cell.points for cell in cells if cell.name not in helped} == {
            name: points for name, points in stock.items() if name not in helped
        }, attempt.name
        assert all(cell.points >= stock[cell.name] for cell in cells)
