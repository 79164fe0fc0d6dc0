"""What instructors tell their course: a few lines of plain text on the home page of its students."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from tpc_grader.database.engine import Base, Utc, utcnow

from tpc_hub.people.people import PeopleError

LONGEST = 1000
# Older ones stay in the database; nobody reads a long list.
SHOWN = 3


class Announcement(Base):
    """One announcement, shown until it is taken down or three newer ones are there."""

    __tablename__ = "announcement"
    number: Mapped[int] = mapped_column(primary_key=True)
    course: Mapped[str]
    text: Mapped[str]
    by: Mapped[str]
    at: Mapped[dt.datetime] = mapped_column(Utc, default=utcnow)


def announce(session: Session, course: str, text: str, by: str) -> None:
    """Tell a course something; raises PeopleError for what is empty or too long."""
    text = text.replace("\0", "").strip()
    if not 0 < len(text) <= LONGEST:
        raise PeopleError(f"An announcement has 1 to {LONGEST} characters, this one has {len(text)}.")
    session.add(Announcement(course=course, text=text, by=by))


def announcements(session: Session, course: str) -> list[Announcement]:
    """Return what a course is told now, newest first."""
    query = select(Announcement).where(Announcement.course == course)
    return list(session.scalars(query.order_by(Announcement.number.desc()).limit(SHOWN)))


def take_down(session: Session, course: str, number: int) -> None:
    """Remove an announcement of a course, if it is still there."""
    session.execute(delete(Announcement).where(Announcement.course == course, Announcement.number == number))
