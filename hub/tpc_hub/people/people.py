"""People: accounts, enrolments and class codes. Who teaches what is decided here only."""

from __future__ import annotations

import datetime as dt
import functools
import re
import secrets
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import Engine, ForeignKey, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from tpc_courses.base.places import Places
from tpc_grader.database import engine as database
from tpc_grader.database.engine import Base, Utc, utcnow

from tpc_hub.people.refusal import PeopleError as PeopleError

LONGEST_NAME = 30
NAME = re.compile(r"[a-z][a-z0-9-]{0,29}")
ROLES = ("student", "instructor")
# What stands in the place of a role after somebody left: their work is kept, and nobody of the course sees it.
LEFT = "left"
MINIMUM_PASSWORD = 10
# No 0/O or 1/l: codes are read aloud and written on boards.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_hasher = PasswordHasher()


class Person(Base):
    """A person. `name` is made once: the hub's user, the folder, nbgrader's student, the first part of a host.

    What others call the person stands beside it: the name at the sign-in, e-mail (small letters), student number.
    `password_hash` is empty for people who sign in elsewhere, or came by roster and have not signed up yet; `seen`
    is the first sign-in. `email_proven` is false where a sign-in elsewhere did not prove that the address is theirs.
    `signed_out`: sign-ins of before are over, since the password is another.
    """

    __tablename__ = "person"
    name: Mapped[str] = mapped_column(primary_key=True)
    display_name: Mapped[str]
    sign_in: Mapped[str | None] = mapped_column(unique=True)
    email: Mapped[str | None] = mapped_column(unique=True)
    email_proven: Mapped[bool] = mapped_column(default=True)
    number: Mapped[str | None] = mapped_column(unique=True)
    seen: Mapped[dt.datetime | None]
    signed_out: Mapped[dt.datetime | None]
    password_hash: Mapped[str] = mapped_column(default="")
    approved: Mapped[bool] = mapped_column(default=True)
    created: Mapped[dt.datetime] = mapped_column(default=utcnow)


class Enrolment(Base):
    """A person's role in a course, LEFT after they left. Until it is approved it opens nothing."""

    __tablename__ = "enrolment"
    course: Mapped[str] = mapped_column(primary_key=True)
    person: Mapped[str] = mapped_column(ForeignKey("person.name", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str] = mapped_column(default="student")
    approved: Mapped[bool] = mapped_column(default=True)


class ClassCode(Base):
    """The code that lets people sign up for a course."""

    __tablename__ = "class_code"
    course: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)


class LessonVisit(Base):
    """That a person opened a lesson, and whether they marked it done."""

    __tablename__ = "lesson_visit"
    person: Mapped[str] = mapped_column(ForeignKey("person.name", ondelete="CASCADE"), primary_key=True)
    lesson: Mapped[str] = mapped_column(primary_key=True)
    opened: Mapped[dt.datetime] = mapped_column(default=utcnow)
    done: Mapped[bool] = mapped_column(default=False)


class KeptServer(Base):
    """That a person asked on the campus page for their server to be kept, and when."""

    __tablename__ = "kept_server"
    person: Mapped[str] = mapped_column(ForeignKey("person.name", ondelete="CASCADE"), primary_key=True)
    since: Mapped[dt.datetime] = mapped_column(Utc)


@functools.cache
def open_database(url: str) -> Engine:
    """Return the campus database with the hub's tables too; raises RuntimeError for a newer version's."""
    engine = database.open_database(url)
    database.bring_up_to_date(engine, Path(__file__).parent / "migrations", "alembic_version")
    return engine


def session(places: Places) -> Session:
    """Return a session that reads; its rows may be used after it."""
    open_database(places.database_url)
    return database.session(places)


def transaction(places: Places) -> AbstractContextManager[Session]:
    """Return a session whose changes are kept at its end, all or none."""
    open_database(places.database_url)
    return database.transaction(places)


def checked_name(raw: str) -> str:
    """Return a user name in its stored form; raises PeopleError when it cannot be a host name label."""
    name = raw.strip().lower()
    if not NAME.fullmatch(name):
        raise PeopleError(
            f"{raw!r} cannot be a user name. Use a letter, then letters a-z, digits or dashes, at most 30."
        )
    return name


def checked_password(password: str) -> str:
    """Return the password; raises PeopleError when it is too short."""
    if len(password) < MINIMUM_PASSWORD:
        raise PeopleError(
            f"The password is too short. Use at least {MINIMUM_PASSWORD} characters; a few words are fine."
        )
    return password


def course_of_code(session: Session, code: str) -> str:
    """Return the course that a class code opens, typed with or without its dash; raises PeopleError."""
    letters = "".join(each for each in code.lower() if each.isalnum())
    course = session.scalar(select(ClassCode.course).where(func.replace(ClassCode.code, "-", "") == letters))
    if course is None:
        raise PeopleError("That class code is not known. Ask your instructor for the code of your course.")
    return course


def is_password(person: Person | None, password: str) -> bool:
    """Return whether the password is right; takes as long for a person who does not exist."""
    stored = person.password_hash if person and person.password_hash else _DUMMY_HASH
    try:
        return _hasher.verify(stored, password) and person is not None and bool(person.password_hash)
    except VerifyMismatchError:
        return False


def hashed(password: str) -> str:
    """Return the hash to keep of a password; raises PeopleError when it is too short."""
    return _hasher.hash(checked_password(password))


def set_password(session: Session, name: str, password: str) -> None:
    """Give a person a new password; raises PeopleError when there is no such person."""
    person = session.get(Person, name)
    if person is None:
        raise PeopleError(f"There is no person called {name}. Add them with `campus user add {name}`.")
    person.password_hash, person.signed_out = hashed(password), utcnow()


def enrol(
    session: Session,
    course: str,
    name: str,
    role: str = "student",
    demote: bool = False,
    approved: bool = True,
) -> None:
    """Give a person a role in a course. A student may become instructor, the other way only with `demote`."""
    if role not in ROLES:
        raise PeopleError(f"{role!r} is no role. Use one of: {', '.join(ROLES)}.")
    found = session.get(Enrolment, (course, name))
    if found is None:
        session.add(Enrolment(course=course, person=name, role=role, approved=approved))
    elif found.role == LEFT:
        found.role, found.approved = role, approved
    else:
        found.approved = found.approved or approved
        if role == "instructor" or demote:
            found.role = role
    session.flush()


def members(session: Session, course: str, role: str) -> list[str]:
    """Return the names of those who have a role in a course, sorted."""
    query = select(Enrolment.person).where(Enrolment.course == course, Enrolment.role == role)
    return sorted(session.scalars(query))


def roles_of(session: Session, name: str) -> dict[str, str]:
    """Return course -> role for one person, where the enrolment is approved and they did not leave."""
    query = select(Enrolment.course, Enrolment.role).where(
        Enrolment.person == name, Enrolment.role != LEFT, Enrolment.approved
    )
    return {course: role for course, role in session.execute(query)}


def ensure_class_codes(session: Session, courses: Iterable[str]) -> dict[str, str]:
    """Return course -> class code, drawing a code for each course that has none."""
    codes = {row.course: row.code for row in session.scalars(select(ClassCode))}
    for course in courses:
        if course not in codes:
            codes[course] = "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(2))
            session.add(ClassCode(course=course, code=codes[course]))
    return codes


def random_password() -> str:
    """Return a password of four groups, about 79 bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))


# What no password has: put together, since to make one would cost each process that imports this 0.2 s. To compare
# with it takes as long as with one that was made.
_DUMMY_HASH = (
    f"$argon2id$v=19$m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    f"${'A' * 22}${'A' * 43}"
)
