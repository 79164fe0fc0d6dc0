"""What late work costs, in nbgrader's own gradebook, with and without more time."""

from __future__ import annotations

import datetime as dt

import pytest
from class_tree import COURSE, EXERCISE, manifest_with, result_of, shift_clock, work
from click.testing import CliRunner
from nbgrader.api import Gradebook
from tpc_grader.coursework import coursework
from tpc_grader.coursework.recording import record
from tpc_grader.desk.extensions import grant
from tpc_grader.desk.intake import Intake
from tpc_grader.feedback.records import standing
from tpc_grader.grades.late import deadline, extensions
from tpc_grader.results.results import CellScore
from tpc_grader.submissions.archive import Refused
from tpc_hub.cli import main

DUE = dt.datetime(2099, 1, 29, 17, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def course(tree):
    course = manifest_with(tree, COURSE, late={"per_day": 0.25, "days": 10})
    coursework.prepare_course(tree, course)
    return course


def grade(tree, course, student: str, monkeypatch, at: dt.datetime):
    """Hand in at a time and record full marks."""
    shift_clock(monkeypatch, at.astimezone(dt.UTC))
    submission = Intake(tree, {COURSE: course}).receive(COURSE, EXERCISE, student, work())
    score = CellScore("test-double", 2.0, 2.0, True)
    record(tree, course, submission, result_of(tree, submission, score))
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


# A due date before the night of a change, and the hand-ins of the day after by the clock there.
NIGHTS = [
    ("Europe/Berlin", "2099-10-24T18:00:00+02:00", "2099-10-25T18:00:00+01:00"),
    ("Europe/Berlin", "2099-03-28T18:00:00+01:00", "2099-03-29T18:00:00+02:00"),
    ("America/St_Johns", "2099-10-31T23:59:00-02:30", "2099-11-01T23:59:00-03:30"),
    ("Australia/Lord_Howe", "2099-10-03T17:00:00+10:30", "2099-10-04T17:00:00+11:00"),
    ("Australia/Lord_Howe", "2099-04-04T17:00:00+11:00", "2099-04-05T17:00:00+10:30"),
    ("Pacific/Auckland", "2099-09-26T17:00:00+12:00", "2099-09-27T17:00:00+13:00"),
    ("Asia/Kathmandu", "2099-10-24T18:00:00+05:45", "2099-10-25T18:00:00+05:45"),
]


@pytest.mark.parametrize(("zone", "due", "day_later"), NIGHTS)
def test_a_day_late_is_a_day_by_the_clocks_of_the_course(tree, monkeypatch, zone, due, day_later):
    path = tree.courses / f"{COURSE}.yml"
    text = path.read_text().replace("Europe/Berlin", zone).replace("2099-01-29T18:00:00+01:00", due)
    path.write_text(text)
    course = manifest_with(tree, COURSE, late={"per_day": 0.25, "days": 1})
    coursework.prepare_course(tree, course)
    day_later = dt.datetime.fromisoformat(day_later)
    second = dt.timedelta(seconds=1)
    for student, at, points in (
        ("ada", dt.datetime.fromisoformat(due), 2.0),
        ("bob", dt.datetime.fromisoformat(due) + second, 1.5),
        ("eve", day_later, 1.5),
    ):
        grade(tree, course, student, monkeypatch, at)
        assert standing(tree, course, EXERCISE, student).score == points
    assert deadline(tree, course, EXERCISE, "ada").closes == day_later
    clock = day_later.astimezone(course.zone)
    with pytest.raises(Refused, match=f"closed on {clock:%a %d %b %Y %H:%M} "):
        grade(tree, course, "fay", monkeypatch, day_later + second)
    grant(tree, course, EXERCISE, "eve", day_later - second, "was ill", "teacher")
    assert standing(tree, course, EXERCISE, "eve").score == 1.5
    grant(tree, course, EXERCISE, "eve", day_later, "was ill", "teacher")
    assert standing(tree, course, EXERCISE, "eve").score == 2.0


@pytest.mark.parametrize("until", ["2100-10-31T02:30", "2100-03-28T02:30"])
def test_the_command_asks_an_unclear_time_back(tree, course, monkeypatch, until):
    monkeypatch.setenv("CAMPUS_ROOT", str(tree.root))
    monkeypatch.setenv("CAMPUS_STATE", str(tree.state))
    done = CliRunner().invoke(main, ["extend", COURSE, EXERCISE, "ada", "--until", until])
    assert done.exit_code != 0
    said = done.output + str(done.exception)
    for reading in ("+01:00)", "+02:00)", "give --until with the offset that is meant"):
        assert reading in said
    assert extensions(tree, COURSE) == []
