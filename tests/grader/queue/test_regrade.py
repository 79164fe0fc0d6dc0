"""A corrected exercise: released beside old grades, tried without writing, applied once; people's scores stay."""

from __future__ import annotations

import nbformat
import pytest
from click.testing import CliRunner
from nbgrader.api import Gradebook
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import Course, load_courses
from tpc_grader.coursework.coursework import prepare_course
from tpc_grader.database import audit
from tpc_grader.desk import regrade
from tpc_grader.desk.appeals import set_by_hand
from tpc_grader.gradebook import penalties
from tpc_grader.grades.scores import cell_scores, class_scores
from tpc_grader.queue import queue
from tpc_grader.submissions.archive import Refused
from tpc_grader.submissions.store import Store
from tpc_grader.versions.releases import released
from tpc_grader.worker.classwork import grade_class, run_until_done
from tpc_hub.cli import main

EXERCISE = "double-scaling"
RIGHT = {"ada": "return 2 * x", "bob": "return abs(2 * x)", "eve": "return x"}
NEW_PART = """
```{code-cell} ipython3
:tags: [grade]
:name: test-zero
:points: 1
assert double(0) == 0
```
"""


@pytest.fixture
def course(tree: Places, monkeypatch: pytest.MonkeyPatch) -> Course:
    """A course whose class handed in and was graded, under the sandbox and nbgrader as they are."""
    monkeypatch.setenv("CAMPUS_ROOT", str(tree.root))
    monkeypatch.setenv("CAMPUS_STATE", str(tree.state))
    course = next(course for course in load_courses(tree) if course.id == "scaling")
    prepare_course(tree, course)
    for student, body in RIGHT.items():
        hand_in(tree, student, body)
    assert grade_class(tree, course, EXERCISE, again=False, say=print).failed == ()
    return course


def hand_in(places: Places, student: str, body: str) -> None:
    """Hand in the released notebook with an answer."""
    release = released(places.intake, "scaling", EXERCISE)
    notebook = nbformat.reads(release.files()[f"{EXERCISE}.ipynb"].decode(), 4)
    for cell in notebook.cells:
        if "raise NotImplementedError" in cell.source:
            cell.source = f"def double(x):\n    {body}"
    files = {f"{EXERCISE}.ipynb": nbformat.writes(notebook).encode()}
    queue.submitted(places, Store(places).add("scaling", EXERCISE, student, release.version, files))


def correct(places: Places, old: str, new: str, more: str = "") -> None:
    """Correct the exercise's source."""
    path = places.exercise(EXERCISE)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new) + more)


def points(places: Places) -> dict[str, float]:
    """Return student -> points."""
    return {student: total.points for (student, _), total in class_scores(places, "scaling").items()}


@pytest.mark.slow
def test_whose_submission_left_the_gradebook_meanwhile_is_told_so_and_stops_nothing(
    tree, course, monkeypatch
):
    stale = penalties.class_marks(tree, "scaling")
    with Gradebook(tree.gradebook_url("scaling"), "scaling") as book:
        book.remove_submission(EXERCISE, "ada")
    monkeypatch.setattr(penalties, "class_marks", lambda *_: stale)
    monkeypatch.setattr(penalties, "penalty_told", lambda _: 0.5)
    penalties.settle(tree, "scaling")
    with Gradebook(tree.gradebook_url("scaling"), "scaling") as book:
        (notebook,) = book.find_submission(EXERCISE, "bob").notebooks
        assert notebook.late_submission_penalty == 0.5, "the others are told"
    with pytest.raises(Refused, match="ada has no score for test-double any more"):
        set_by_hand(tree, course, EXERCISE, "ada", "test-double", 1.0)


@pytest.mark.slow
def test_a_correction_with_new_points_and_a_new_part_is_tried_and_then_applied_once(tree, course):
    assert points(tree) == {"ada": 2, "bob": 0, "eve": 0}
    set_by_hand(tree, course, EXERCISE, "eve", "test-double", 1.0)
    # The hidden test asked for more than the text says; and there is a part more.
    correct(tree, "assert double(-1.5) == -3.0", "assert double(1.5) == 3.0", NEW_PART)
    assert prepare_course(tree, course) == [EXERCISE]
    assert points(tree) == {"ada": 2, "bob": 0, "eve": 1}, "a release alone changes no score"

    done = CliRunner().invoke(main, ["regrade", "scaling", EXERCISE])
    assert done.exit_code == 0, done.output
    assert "bob" in done.output
    assert "0 -> 2" in done.output
    assert "nothing was written" in done.output
    assert points(tree) == {"ada": 2, "bob": 0, "eve": 1}, "a trial writes nothing"

    done = CliRunner().invoke(main, ["regrade", "scaling", EXERCISE, "--apply"])
    assert "applied" in done.output
    assert points(tree) == {"ada": 3, "bob": 3, "eve": 2}
    eve = cell_scores(tree, "scaling", EXERCISE, "eve")
    assert (eve["test-double"].manual, eve["test-zero"].auto) == (1.0, 1.0)
    again = CliRunner().invoke(main, ["regrade", "scaling", EXERCISE, "--apply"])
    assert "regraded 0 submissions" in again.output
    told = [row.what for row in audit.entries(tree, "scaling") if row.what.startswith("regrade")]
    assert told == ["regrade trial", "regrade trial", "regrade applied"]
    hand_in(tree, "fay", "return x + x")
    grade_class(tree, course, EXERCISE, again=False, say=print)
    assert points(tree)["fay"] == 3, "new work is graded under the new version"


@pytest.mark.slow
def test_a_part_that_is_gone_keeps_its_grades_until_the_regrade(tree, course):
    correct(tree, "test-double", "test-doubling")
    prepare_course(tree, course)
    assert points(tree) == {"ada": 2, "bob": 0, "eve": 0}
    assert cell_scores(tree, "scaling", EXERCISE, "ada")["test-double"].max_score == 0
    trial = regrade.start_trial(tree, course, EXERCISE, "test")
    run_until_done(tree, trial.jobs, print)
    found = [(change.student, change.cell, change.before, change.after) for change in trial.changes(tree)]
    assert ("ada", "test-double", 2.0, None) in found
    assert ("ada", "test-doubling", None, 2.0) in found
    run_until_done(tree, regrade.apply_trial(tree, trial, "test"), print)
    ada = cell_scores(tree, "scaling", EXERCISE, "ada")
    assert {name: score.points for name, score in ada.items()} == {"test-double": 0.0, "test-doubling": 2.0}
    with Gradebook(f"sqlite:///{tree.nbgrader('scaling') / 'gradebook.db'}", "scaling") as book:
        assert book.find_submission(EXERCISE, "ada").score == 2


def test_an_exercise_that_is_not_released_cannot_be_regraded(tree, monkeypatch):
    tree.state.mkdir()
    course = next(course for course in load_courses(tree) if course.id == "scaling")
    with pytest.raises(Refused, match="not released"):
        regrade.start_trial(tree, course, EXERCISE, "test")
    with pytest.raises(KeyError, match="no exercise 'other'"):
        regrade.start_trial(tree, course, "other", "test")
