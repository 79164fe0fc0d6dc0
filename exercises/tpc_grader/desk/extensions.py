"""More time for one student: the instructor's words, the audit log, and the penalty that follows."""

from __future__ import annotations

import datetime as dt

from tpc_courses.base.local_time import Unclear, moment_of
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import Course

from tpc_grader.database import audit
from tpc_grader.database import engine as database
from tpc_grader.database.engine import ExtensionRow
from tpc_grader.grades.late import due_of, newest_extension
from tpc_grader.submissions.archive import Refused


def moment_in(course: Course, text: str) -> dt.datetime:
    """Return the moment that a date and time in a course's zone names; raises Unclear, or Refused."""
    try:
        return moment_of(text, course.zone)
    except Unclear:
        raise
    except ValueError as e:
        raise Refused(f"{e}.", field="until") from e


def give_time(
    places: Places, course: Course, exercise: str, student: str, until: dt.datetime, reason: str, by: str
) -> None:
    """Give a student more time for an exercise and log it; raises Refused."""
    course.unit_of(exercise)
    before = newest_extension(places, course.id, exercise, student)
    grant(places, course, exercise, student, until, reason, by)
    entry = audit.Entry(
        by,
        "extension",
        course=course.id,
        exercise=exercise,
        student=student,
        before=before.until.isoformat() if before else "",
        after=until.astimezone(dt.UTC).isoformat(),
        note=reason,
    )
    audit.log(places, entry)


def grant(
    places: Places, course: Course, exercise: str, student: str, until: dt.datetime, reason: str, by: str
) -> None:
    """Give a student more time, also after grading: the penalty follows at once. Raises Refused."""
    due = due_of(course, exercise)
    if due is None:
        raise Refused(f"{exercise} has no due date, so there is nothing to extend.", field="exercise")
    if until < due:
        raise Refused(
            f"The new time is before the due date of {exercise}. Choose a later one.", field="until"
        )
    row = ExtensionRow(
        course=course.id,
        exercise=exercise,
        student=student,
        until=until,
        reason=" ".join(reason.split())[:300],
        granted_by=by,
        granted_at=database.utcnow(),
    )
    with database.transaction(places) as session:
        session.add(row)
    if places.gradebook(course.id).exists():
        # nbgrader takes a second to import, so only when something was graded.
        from tpc_grader.gradebook.penalties import settle

        settle(places, course.id, exercise, student)
