"""What late work costs, in nbgrader's own gradebook, with and without more time."""

from __future__ import annotations

import datetime as dt

import pytest
from class_tree import COURSE, EXERCISE, manifest_with, result_of, shift_clock, work
from nbgrader.api import Gradebook
from tpc_grader import coursework, grading
from tpc_grader.intake import Intake
from tpc_grader.late import grant
from tpc_grader.records import standing
from tpc_grader.results import CellScore

DUE = dt.datetime(2099, 1, 29, 17, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def course(tree):
    course = manifest_with(tree, COURSE, late={"per_day": 0.25, "days": 10})
    coursework.prepare_course(tree, course)
    return course


def grade(tree, course, student: str, monkeypatch, at: dt.datetime):
    """Hand in at a time and record full marks."""
    shift_clock(monkeypatch, at)
    submission = Intake(tree, {COURSE: course}).receive(COURSE, EXERCISE, student, work())
    score = CellScore("test-double", 2.0, 2.0, True)
    grading.record(tree, course, submission, result_of(tree, submission, score))
    return submission


def test_the_gradebook_knows_due_dates_from_the_manifest(tree, course):
    with Gradebook(f"sqlite:///{tree.nbgrader(COURSE) / 'gradebook.db'}", COURSE) as book:
        assert book.find_assignment(EXERCISE).duedate == DUE.replace(tzinfo=None)


def test_late_work_costs_what_the_manifest_says(tree, course, monkeypatch):
    grade(tree, course, "ada", monkeypatch, DUE)
    grade(tree, course, "bob", monkeypatch, DUE + HOUR)
    grade(tree, course, "eve", monkeypatch, DUE + 25 * HOUR)
    assert [standing(tree, course, EXERCISE, name).score for name in ("ada", "bob", "eve")] == [2.0, 1.5, 1.0]


def test_an_extension_before_grading_counts(tree, course, monkeypatch):
    grant(tree, course, EXERCISE, "ada", DUE + 2 * HOUR, "was ill", "teacher")
    grade(tree, course, "ada", monkeypatch, DUE + HOUR)
    assert standing(tree, course, EXERCISE, "ada").score == 2.0
    grade(tree, course, "ada", monkeypatch, DUE + 3 * HOUR)
    assert standing(tree, course, EXERCISE, "ada").score == 1.5


def test_an_extension_after_grading_counts_at_once(tree, course, monkeypatch):
    grade(tree, course, "ada", monkeypatch, DUE + HOUR)
    grant(tree, course, EXERCISE, "ada", DUE + 2 * HOUR, "was ill", "teacher")
    assert standing(tree, course, EXERCISE, "ada").score == 2.0


def test_nbgraders_own_command_takes_the_same_off(tree, course, monkeypatch):
    grade(tree, course, "ada", monkeypatch, DUE + HOUR)
    grant(tree, course, EXERCISE, "bob", DUE + 100 * HOUR, "was ill", "teacher")
    grade(tree, course, "bob", monkeypatch, DUE + 101 * HOUR)
    for student in ("ada", "bob"):
        with Gradebook(f"sqlite:///{tree.nbgrader(COURSE) / 'gradebook.db'}", COURSE) as book:
            assert book.find_submission_notebook(EXERCISE, EXERCISE, student).late_submission_penalty == 0.5
    coursework.grade(tree, course, EXERCISE, force=True)
    for student in ("ada", "bob"):
        with Gradebook(f"sqlite:///{tree.nbgrader(COURSE) / 'gradebook.db'}", COURSE) as book:
            notebook = book.find_submission_notebook(EXERCISE, EXERCISE, student)
            assert notebook.late_submission_penalty == min(0.5, notebook.score)
