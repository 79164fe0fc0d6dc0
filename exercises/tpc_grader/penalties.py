"""What late work costs, told to nbgrader: it stays the authority for scores.

Its gradebook learns due dates and extensions from us, and it asks `LatePolicy` whenever it grades.
"""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.plugins import LateSubmissionPlugin
from tpc_courses.manifest import Course
from tpc_courses.places import Places
from traitlets import Float
from traitlets.config import Config

from tpc_grader.late import newest_extension

DAY_SECONDS = 86_400


def penalty(per_day: float, max_score: float, score: float, seconds_late: float) -> float:
    """Return the points taken off: a share of the maximum for each begun day, never more than the score.

    >>> penalty(0.1, max_score=20, score=15, seconds_late=86_401)
    4.0
    """
    days = math.ceil(seconds_late / DAY_SECONDS) if seconds_late > 0 else 0
    return min(score, per_day * days * max_score)


class LatePolicy(LateSubmissionPlugin):
    """What nbgrader asks for the penalty of late work, whichever door the grading came through."""

    per_day = Float(0.0, config=True, help="Share of the maximum score taken off for each begun day.")

    def late_submission_penalty(
        self, student_id: str, score: float, total_seconds_late: float
    ) -> float | None:
        """Return the points to take off; the maximum is that of the notebook being graded."""
        asking = self.parent
        book, exercise = asking.gradebook, asking.assignment_id
        # A command line in the course folder knows the intake by the exchange's configuration.
        intake = self.config.get("Exchange", {}).get("root")
        if intake:
            state = Path(intake).resolve().parent
            course = str(self.config.CourseDirectory.course_id)
            tell_extension(book, Places(state, state), course, exercise, student_id)
            total_seconds_late = book.find_submission(exercise, student_id).total_seconds_late
        notebook = book.find_submission_notebook(asking.notebook_id, exercise, student_id)
        return penalty(self.per_day, notebook.max_score, score, total_seconds_late)


def set_late_policy(config: Config, course: Course) -> None:
    """Let nbgrader take off what the manifest says."""
    config.AssignLatePenalties.plugin_class = "tpc_grader.penalties.LatePolicy"
    config.LatePolicy.per_day = course.late.per_day


def announce_due_dates(book: Gradebook, course: Course) -> None:
    """Tell the gradebook when each exercise is due."""
    for unit in course.units:
        if unit.exercise:
            book.update_or_create_assignment(unit.exercise, duedate=_naive(unit.due) if unit.due else None)


def settle(places: Places, course: Course, exercise: str, student: str) -> None:
    """Bring a submission's extension and penalty in the gradebook up to date, if it has one."""
    with Gradebook(f"sqlite:///{places.nbgrader(course.id) / 'gradebook.db'}", course.id) as book:
        try:
            submission = book.find_submission(exercise, student)
        except MissingEntry:
            return
        tell_extension(book, places, course.id, exercise, student)
        for notebook in submission.notebooks:
            late = penalty(
                course.late.per_day, notebook.max_score, notebook.score, submission.total_seconds_late
            )
            notebook.late_submission_penalty = late or None
        book.db.commit()


def tell_extension(book: Gradebook, places: Places, course: str, exercise: str, student: str) -> None:
    """Tell the gradebook how much more time a student has for an exercise."""
    extension = newest_extension(places, course, exercise, student)
    due = book.find_assignment(exercise).duedate
    if extension is not None and due is not None:
        more = max(_naive(extension.until) - due, dt.timedelta(0))
        book.update_or_create_submission(exercise, student, extension=more)


def _naive(moment: dt.datetime) -> dt.datetime:
    """Return a moment as nbgrader keeps it, naive UTC."""
    return moment.astimezone(dt.UTC).replace(tzinfo=None)
