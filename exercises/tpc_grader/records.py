"""Where a student's exercise stands, read from the store and the gradebook without changing them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from tpc_courses.manifest import Course
from tpc_courses.places import Places

from tpc_grader.feedback import released_feedback, shown_feedback
from tpc_grader.scores import class_marks
from tpc_grader.store import Store, Submission


@dataclass(frozen=True)
class Standing:
    """What is known of one student and one exercise; `score` is None before grading, late work costs included."""

    submitted: dt.datetime | None = None
    score: float | None = None
    max_score: float | None = None
    needs_person: bool = False
    feedback: bool = False
    penalty: float = 0.0


def standing(places: Places, course: Course, exercise: str, student: str) -> Standing:
    """Return where a student's exercise stands."""
    submitted = last_submission(places, course, exercise, student)
    marks = class_marks(places, course.id, exercise, student).get((student, exercise))
    feedback = any(released_feedback(places, each.id) for each in _all(places, course, exercise, student))
    if marks is None:
        return Standing(submitted, feedback=feedback)
    total = marks.total
    return Standing(submitted, total.points, total.max_score, total.by_hand > 0, feedback, total.penalty)


def last_submission(places: Places, course: Course, exercise: str, student: str) -> dt.datetime | None:
    """Return when a student last submitted, by the server's clock."""
    newest = Store(places).newest(course.id, exercise, student)
    return newest.received_at if newest else None


def newest_feedback(
    places: Places, course: Course, exercise: str, student: str
) -> tuple[Submission, str] | None:
    """Return the newest submission that has released feedback, with its pages as one HTML text, or None."""
    for submission in _all(places, course, exercise, student):
        if pages := shown_feedback(places, submission.id):
            return submission, "\n".join(page.decode() for page in pages.values())
    return None


def _all(places: Places, course: Course, exercise: str, student: str) -> list[Submission]:
    return Store(places).all(course.id, exercise, student)
