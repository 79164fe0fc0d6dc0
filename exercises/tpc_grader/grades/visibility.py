"""When students see results: what the manifest says, until an instructor decides otherwise for a course.

Every decision is a row and an entry of the audit log; of several the newest counts. No row is ever changed.
"""

from __future__ import annotations

import datetime as dt
from typing import get_args

from sqlalchemy import select
from sqlalchemy.orm import Mapped, mapped_column
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import Course, Results

from tpc_grader.database import audit
from tpc_grader.database import engine as database
from tpc_grader.database.engine import Base, Utc
from tpc_grader.grades.late import deadline
from tpc_grader.submissions.archive import Refused


class PolicyRow(Base):
    """One decision: `results` of a course, or that an exercise was `released`."""

    __tablename__ = "policy"
    number: Mapped[int] = mapped_column(primary_key=True)
    course: Mapped[str]
    exercise: Mapped[str] = mapped_column(default="")
    name: Mapped[str]
    value: Mapped[str]
    by: Mapped[str]
    at: Mapped[dt.datetime] = mapped_column(Utc)


def results_policy(places: Places, course: Course) -> Results:
    """Return when students of a course see their results."""
    decided = _newest(places, course.id, "", "results")
    return next((each for each in get_args(Results) if each == decided), course.results)


def set_results_policy(places: Places, course: Course, value: str, by: str) -> None:
    """Decide when students of a course see their results; raises Refused."""
    if value not in get_args(Results):
        raise Refused(
            f"{value!r} is no policy for results. Use one of: {', '.join(get_args(Results))}.", field="policy"
        )
    before = results_policy(places, course)
    _decide(places, course.id, "", "results", value, by, before)


def release(places: Places, course: Course, exercise: str, by: str) -> None:
    """Let students see their results of an exercise from now on, whatever the policy says."""
    if not is_released(places, course.id, exercise):
        _decide(places, course.id, exercise, "released", "yes", by, "no")


def is_released(places: Places, course: str, exercise: str) -> bool:
    """Return whether an instructor released the results of an exercise."""
    return _newest(places, course, exercise, "released") == "yes"


def may_see(places: Places, course: Course, exercise: str, student: str) -> bool:
    """Return whether a student may see the score of an exercise now."""
    policy = results_policy(places, course)
    if policy == "now" or is_released(places, course.id, exercise):
        return True
    if policy == "on-release":
        return False
    # With an extension the student's own due date counts: until then they may still hand in.
    due = deadline(places, course, exercise, student).due
    return due is None or database.utcnow() > due


def _newest(places: Places, course: str, exercise: str, name: str) -> str | None:
    query = (
        select(PolicyRow.value)
        .where(PolicyRow.course == course, PolicyRow.exercise == exercise, PolicyRow.name == name)
        .order_by(PolicyRow.number.desc())
        .limit(1)
    )
    with database.session(places) as session:
        return session.scalar(query)


def _decide(places: Places, course: str, exercise: str, name: str, value: str, by: str, before: str) -> None:
    with database.transaction(places) as session:
        session.add(
            PolicyRow(course=course, exercise=exercise, name=name, value=value, by=by, at=database.utcnow())
        )
        audit.write(
            session,
            audit.Entry(by, f"policy {name}", course=course, exercise=exercise, before=before, after=value),
        )
    audit.export(places)
