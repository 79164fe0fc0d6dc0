"""Where a student's exercise stands, read from the store and the gradebook without changing them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import Course

from tpc_grader.feedback.publish import released_feedback, shown_feedback
from tpc_grader.grades.scores import class_marks, scored_at
from tpc_grader.grades.visibility import may_see
from tpc_grader.submissions.store import Store, Submission


@dataclass(frozen=True)
class Standing:
    """What is known of one student and one exercise; `score` is None before grading, late work costs included.

    `scored` is when the work that the score is of was received, which need not be the newest.
    """

    submitted: dt.datetime | None = None
    score: float | None = None
    max_score: float | None = None
    needs_person: bool = False
    feedback: bool = False
    penalty: float = 0.0
    scored: dt.datetime | None = None

    @property
    def of_newest(self) -> bool:
        """Return whether the score is of the newest work, as far as the gradebook says."""
        return self.scored in (None, self.submitted)


def standing(places: Places, course: Course, exercise: str, student: str) -> Standing:
    """Return where a student's exercise stands."""
    submitted = last_submission(places, course, exercise, student)
    marks = class_marks(places, course.id, exercise, student).get((student, exercise))
    feedback = any(released_feedback(places, each.id) for each in _all(places, course, exercise, student))
    if marks is None:
        return Standing(submitted, feedback=feedback)
    total, scored, waits = marks.total, marks.handed_in, marks.total.by_hand > 0
    return Standing(submitted, total.points, total.max_score, waits, feedback, total.penalty, scored)


def may_see_score(places: Places, course: Course, exercise: str, student: str) -> bool:
    """Return whether a student may see the score that is in the gradebook now: by the course's policy, or since
    feedback on that very work was released to them."""
    if may_see(places, course, exercise, student):
        return True
    moment = scored_at(places, course.id, exercise, student)
    scored = (each for each in Store(places).all(course.id, exercise, student) if each.received_at == moment)
    return any(released_feedback(places, each.id) for each in scored)


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
