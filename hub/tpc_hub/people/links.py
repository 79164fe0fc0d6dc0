"""Links by which a student sets a password once: handed out by an instructor, kept as a hash, over after a day.

They also prove who takes a place that a roster announced.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets

from sqlalchemy import ForeignKey, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from tpc_grader.database import audit
from tpc_grader.database import engine as database
from tpc_grader.database.engine import Base, Utc

from tpc_hub.people.people import PeopleError, Person, checked_password, roles_of, set_password
from tpc_hub.settings.profile import Settings

HOURS = 24
_OVER = (
    "This link was used, is older than a day, or was replaced by another. Ask your instructor for a new one."
)


class PasswordLink(Base):
    """The link that a person has; only what it hashes to is kept."""

    __tablename__ = "password_link"
    digest: Mapped[str] = mapped_column(primary_key=True)
    person: Mapped[str] = mapped_column(ForeignKey("person.name", ondelete="CASCADE"))
    until: Mapped[dt.datetime] = mapped_column(Utc)


def make_link(
    session: Session, settings: Settings, person: Person, course: str = ""
) -> tuple[str, audit.Entry]:
    """Return a new link for a student, in the place of an earlier one, and what the log keeps of it."""
    _check(session, settings, person)
    token = secrets.token_urlsafe(32)
    session.execute(delete(PasswordLink).where(PasswordLink.person == person.name))
    until = database.utcnow() + dt.timedelta(hours=HOURS)
    session.add(PasswordLink(digest=_digest(token), person=person.name, until=until))
    entry = audit.Entry("", "password link", course=course, student=person.name)
    return f"{settings.url}/hub/reset?token={token}", entry


def holder(session: Session, token: str) -> Person:
    """Return whose link it is; raises PeopleError where it is over."""
    query = select(PasswordLink.person).where(
        PasswordLink.digest == _digest(token), PasswordLink.until > database.utcnow()
    )
    name = session.scalar(query)
    if name is None:
        raise PeopleError(_OVER)
    return session.get_one(Person, name)


def use_link(session: Session, token: str, password: str) -> tuple[Person, audit.Entry]:
    """Set the password of whose link it is, once; raises PeopleError."""
    person = holder(session, token)
    _check_student(session, person)
    checked_password(password)
    # Of two who use it at once, one deletes it.
    used = session.execute(
        delete(PasswordLink).where(PasswordLink.digest == _digest(token)).returning(PasswordLink.person)
    )
    if used.first() is None:
        raise PeopleError(_OVER)
    set_password(session, person.name, password)
    person.sign_in, person.approved = person.sign_in or person.name, True
    return person, audit.Entry(person.name, "password set by link", student=person.name)


def _check(session: Session, settings: Settings, person: Person) -> None:
    if settings.sign_in.method != "campus":
        raise PeopleError(
            f"People sign in by {settings.sign_in.method} here. Passwords are set there, not on the campus."
        )
    _check_student(session, person)


def _check_student(session: Session, person: Person) -> None:
    if "instructor" in roles_of(session, person.name).values():
        raise PeopleError(
            "Links are for students. The operator gives instructors a password: "
            f"`campus user password {person.name}`."
        )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
