"""What nbgrader's gradebook is told of our scores, so that all that nbgrader shows and exports agrees with them.

nbgrader adds up points and takes a late penalty off. The points it has; whatever else makes a score (late work, and
that nothing counts beyond the maximum) it learns as the penalty, together with due dates and extensions.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from pathlib import Path
from typing import Any

from nbgrader.api import Assignment, Gradebook, MissingEntry, SubmittedAssignment, SubmittedNotebook
from nbgrader.plugins import LateSubmissionPlugin
from sqlalchemy import func, select
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import Course
from traitlets.config import Config

from tpc_grader.gradebook.gradebook import open_gradebook
from tpc_grader.grades.late import due_times
from tpc_grader.grades.scores import Marks, class_marks
from tpc_grader.results.points import exact, number


class LatePolicy(LateSubmissionPlugin):
    """What nbgrader asks for the penalty of late work, whichever door the grading came through."""

    def late_submission_penalty(
        self, student_id: str, score: float, total_seconds_late: float
    ) -> float | None:
        """Return the points to take off: by the course's due dates, not by what the gradebook has heard of them."""
        places, course = course_at_the_door(self.config)
        exercise = self.parent.assignment_id
        marks = class_marks(places, course, exercise, student_id).get((student_id, exercise))
        return penalty_told(marks) or 0.0 if marks else None


def course_at_the_door(config: Config) -> tuple[Places, str]:
    """Return the campus and the course that a configuration of nbgrader was written for."""
    found = config.Rebuild
    return Places(Path(found.root), Path(found.state)), str(found.course)


def set_late_policy(config: Config) -> None:
    """Let nbgrader ask for the penalty, and write exports with points and names as ours."""
    config.AssignLatePenalties.plugin_class = "tpc_grader.gradebook.penalties.LatePolicy"
    config.ExportApp.plugin_class = "tpc_grader.gradebook.export.ToldExport"


def penalty_told(marks: Marks) -> float | None:
    """Return what nbgrader has to take off its own sum to come to our score; None for nothing."""
    return number(marks.stock - exact(marks.total.points)) or None


def announce_due_dates(book: Gradebook, course: Course) -> None:
    """Tell the gradebook when each exercise is due."""
    for unit in course.units:
        if unit.exercise:
            due = _naive(unit.due) if unit.due else None
            book.update_or_create_assignment(unit.exercise, duedate=due)


def settle(places: Places, course: str, exercise: str = "", student: str = "") -> int:
    """Tell the gradebook what our scores are, of one exercise or student only; returns how many changed.

    Whoever changes what a score depends on calls this; for whom nobody calls, the grader's look at the gradebook.
    """
    marks = class_marks(places, course, exercise, student)
    if not marks:
        return 0
    with open_gradebook(places, course) as book:
        told = _told(book, func.coalesce(func.sum(SubmittedNotebook.late_submission_penalty), 0.0))
        changed = [key for key, each in marks.items() if (told.get(key) or None) != penalty_told(each)]
        for who, what in changed:
            wanted = penalty_told(marks[who, what])
            # Whose submission was taken out of the gradebook meanwhile has nothing to be told.
            with contextlib.suppress(MissingEntry):
                # All of it in the first notebook: exercises of ours have one.
                for notebook in book.find_submission(what, who).notebooks:
                    notebook.late_submission_penalty, wanted = wanted, None
        book.db.commit()
    return len(changed)


def settle_course(places: Places, course: Course) -> int:
    """Tell the gradebook due dates, extensions and scores of a course; returns how many scores changed."""
    times = due_times(places, course)
    with open_gradebook(places, course.id) as book:
        announce_due_dates(book, course)
        for (who, what), known in _told(book, SubmittedAssignment.extension).items():
            due, until = times.get(("", what)), times.get((who, what))
            more = until - due if due and until else None
            if known != more:
                with contextlib.suppress(MissingEntry):
                    book.find_submission(what, who).extension = more
        book.db.commit()
    return settle(places, course.id)


def _told(book: Gradebook, fact: Any) -> dict[tuple[str, str], Any]:
    """Return (student, exercise) -> what the gradebook has heard of a fact, by one query for a class."""
    query = (
        select(SubmittedAssignment.student_id, Assignment.name, fact)
        .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
        .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .group_by(SubmittedAssignment.id)
    )
    return {(who, what): value for who, what, value in book.db.execute(query)}


def _naive(moment: dt.datetime) -> dt.datetime:
    """Return a moment as nbgrader keeps it, naive UTC."""
    return moment.astimezone(dt.UTC).replace(tzinfo=None)
