"""More time for one student: the instructor's words, the audit log, and the penalty that follows."""

from __future__ import annotations

import datetime as dt

from tpc_courses.base.local_time import Unclear, moment_of
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import Course

from tpc_grader.database import audit
from tpc_grader.grades.late import grant, newest_extension
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
