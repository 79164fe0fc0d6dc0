"""Due dates, extensions and what late work costs, all by the server's clock; days are those of the course's zone.

The manifest says when an exercise is due and what a late day costs; an instructor may give one student more
time. What it costs, `tpc_grader.penalties` tells nbgrader.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session
from tpc_courses.local_time import days_later
from tpc_courses.manifest import Course
from tpc_courses.places import Places

from tpc_grader import database
from tpc_grader.archive import Refused
from tpc_grader.database import ExtensionRow, open_database


@dataclass(frozen=True)
class Deadline:
    """Until when one student may hand in: on time until `due`, late until `closes`; None is never."""

    due: dt.datetime | None
    closes: dt.datetime | None
    extended: bool = False


def deadline(places: Places, course: Course, exercise: str, student: str) -> Deadline:
    """Return until when a student may hand in an exercise."""
    due = due_of(course, exercise)
    extension = newest_extension(places, course.id, exercise, student)
    if due is None:
        return Deadline(None, None)
    extended = extension is not None and extension.until > due
    until = extension.until if extension is not None and extended else due
    return Deadline(until, days_later(until, course.late.days, course.zone), extended)


def due_of(course: Course, exercise: str) -> dt.datetime | None:
    """Return when the manifest says an exercise is due."""
    return next((unit.due for unit in course.units if unit.exercise == exercise), None)


def newest_extension(places: Places, course: str, exercise: str, student: str) -> ExtensionRow | None:
    """Return the extension that counts, or None."""
    query = (
        select(ExtensionRow)
        .where(
            ExtensionRow.course == course,
            ExtensionRow.exercise == exercise,
            ExtensionRow.student == student,
        )
        .order_by(ExtensionRow.number.desc())
        .limit(1)
    )
    with Session(open_database(places.database_url), expire_on_commit=False) as session:
        return session.scalar(query)


def extensions(places: Places, course: str) -> list[ExtensionRow]:
    """Return the extensions that count in a course, newest first."""
    query = select(ExtensionRow).where(ExtensionRow.course == course).order_by(ExtensionRow.number.desc())
    with Session(open_database(places.database_url), expire_on_commit=False) as session:
        rows = list(session.scalars(query))
    newest = dict[tuple[str, str], ExtensionRow]()
    for row in rows:
        newest.setdefault((row.exercise, row.student), row)
    return list(newest.values())


def grant(
    places: Places, course: Course, exercise: str, student: str, until: dt.datetime, reason: str, by: str
) -> None:
    """Give a student more time, also after grading: the penalty follows at once. Raises Refused."""
    due = due_of(course, exercise)
    if due is None:
        raise Refused(f"{exercise} has no due date, so there is nothing to extend.")
    if until < due:
        raise Refused(f"The new time is before the due date of {exercise}. Choose a later one.")
    row = ExtensionRow(
        course=course.id,
        exercise=exercise,
        student=student,
        until=until,
        reason=" ".join(reason.split())[:300],
        granted_by=by,
        granted_at=database.utcnow(),
    )
    with Session(open_database(places.database_url)) as session, session.begin():
        session.add(row)
    gradebook = places.nbgrader(course.id) / "gradebook.db"
    if gradebook.exists():
        # nbgrader takes a second to import, so only when something was graded.
        from tpc_grader.penalties import settle

        settle(places, course, exercise, student)
