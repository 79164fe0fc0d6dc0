"""Due dates, extensions and what late work costs, all by the server's clock; days are those of the course's zone.

The manifest says when an exercise is due and what a late day costs; an instructor may give one student more
time. What it costs, `tpc_grader.gradebook.penalties` tells nbgrader.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction

from sqlalchemy import select
from tpc_courses.base.local_time import begun_days, days_later
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import Course

from tpc_grader.database import engine as database
from tpc_grader.database.engine import ExtensionRow
from tpc_grader.results.points import exact


@dataclass(frozen=True)
class Deadline:
    """Until when one student may hand in: on time until `due`, late until `closes`; None is never."""

    due: dt.datetime | None
    closes: dt.datetime | None
    extended: bool = False


def deadline(places: Places, course: Course, exercise: str, student: str) -> Deadline:
    """Return until when a student may hand in an exercise."""
    times = due_times(places, course, exercise, student)
    until = times.get((student, exercise), times.get(("", exercise)))
    if until is None:
        return Deadline(None, None)
    closes = days_later(until, course.late.days, course.zone)
    return Deadline(until, closes, (student, exercise) in times)


def due_times(
    places: Places, course: Course, exercise: str = "", student: str = ""
) -> dict[tuple[str, str], dt.datetime]:
    """Return ("", exercise) -> when it is due for everybody, and (student, exercise) -> later, by extension.

    Of one exercise or of one student only, where they are named.
    """
    times = {
        ("", unit.exercise): unit.due
        for unit in course.units
        if unit.exercise and unit.due and exercise in ("", unit.exercise)
    }
    for extension in extensions(places, course.id, exercise, student) if times else ():
        due = times.get(("", extension.exercise))
        if due is not None and extension.until > due:
            times[extension.student, extension.exercise] = extension.until
    return times


def late_share(course: Course, due: dt.datetime, handed_in: dt.datetime) -> Fraction:
    """Return which share of the maximum late work costs: as much for each begun day in the course's zone."""
    return exact(course.late.per_day) * begun_days(due, handed_in, course.zone)


def due_of(course: Course, exercise: str) -> dt.datetime | None:
    """Return when the manifest says an exercise is due."""
    return next((unit.due for unit in course.units if unit.exercise == exercise), None)


def newest_extension(places: Places, course: str, exercise: str, student: str) -> ExtensionRow | None:
    """Return the extension that counts, or None."""
    return next(iter(extensions(places, course, exercise, student)), None)


def extensions(places: Places, course: str, exercise: str = "", student: str = "") -> list[ExtensionRow]:
    """Return the extensions that count in a course, newest first, of one exercise or student where named."""
    query = select(ExtensionRow).where(ExtensionRow.course == course).order_by(ExtensionRow.number.desc())
    query = query.where(ExtensionRow.exercise == exercise) if exercise else query
    query = query.where(ExtensionRow.student == student) if student else query
    with database.session(places) as session:
        rows = list(session.scalars(query))
    newest = dict[tuple[str, str], ExtensionRow]()
    for row in rows:
        newest.setdefault((row.exercise, row.student), row)
    return list(newest.values())
