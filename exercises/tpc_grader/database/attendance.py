"""Who left a course: their work is kept, and counts in no list or number of the class until they are back."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.exc import OperationalError, ProgrammingError
from tpc_courses.base.places import Places

from tpc_grader.database import engine as database

# The table of the hub (`tpc_hub.people.people`), which lies in the same database; nbgrader without a hub has none.
_LEFT = text("select person from enrolment where course = :course and role = 'left'")


def gone(places: Places, course: str) -> frozenset[str]:
    """Return the names of those who left a course."""
    with database.session(places) as session:
        try:
            return frozenset(session.scalars(_LEFT, {"course": course}))
        except (OperationalError, ProgrammingError):
            return frozenset()
