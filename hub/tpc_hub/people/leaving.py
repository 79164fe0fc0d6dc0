"""How people leave a course, change their part in it, or are called otherwise. Nothing is lost by it.

Each change is a line of the audit log. Whoever calls sees to it that the hub follows (`tpc_hub.people.following`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy.orm import Session
from tpc_grader.database import audit

from tpc_hub.people.directory import LONGEST, find_person, tidy
from tpc_hub.people.people import LEFT, Enrolment, PeopleError, Person, checked_name, enrol, members


def called(person: Person) -> str:
    """Return how a person is named to others: as shown, with the name that nobody else has."""
    return (
        person.display_name
        if person.display_name == person.name
        else f"{person.display_name} ({person.name})"
    )


def leave(session: Session, course: str, person: Person) -> audit.Entry:
    """Take a student out of a course; their work is kept, and a later enrolment brings it back."""
    held = _enrolment(session, course, person)
    if held.role == "instructor":
        raise PeopleError(f"{called(person)} teaches {course}. Make them a student first.")
    held.role = LEFT
    return _entry("left course", person, course, "student", "")


def demote(session: Session, course: str, person: Person) -> audit.Entry:
    """Make an instructor a student of the course; a course keeps at least one instructor."""
    held = _enrolment(session, course, person)
    if held.role != "instructor":
        raise PeopleError(f"{called(person)} does not teach {course}. Nothing was changed.")
    if members(session, course, "instructor") == [person.name]:
        raise PeopleError(
            f"{called(person)} is the only instructor of {course}. Let somebody else teach it first: "
            f"`campus user add NAME --teaches {course}`."
        )
    held.role = "student"
    return _entry("role", person, course, "instructor", "student")


def move(session: Session, source: str, target: str, person: Person) -> list[audit.Entry]:
    """Take a student from one course to another; the work in each is kept."""
    if source == target:
        raise PeopleError(f"{called(person)} is in {target} already. Choose another course.", "target")
    held = session.get(Enrolment, (target, person.name))
    if held is not None and held.role != LEFT:
        raise PeopleError(
            f"{called(person)} is {held.role} of {target} already. Take them out of {source} instead."
        )
    entry = leave(session, source, person)
    enrol(session, target, person.name)
    return [entry, _entry("joined course", person, target, "", "student")]


def enrol_again(session: Session, course: str, person: Person) -> audit.Entry:
    """Bring somebody back who left a course, with their work."""
    held = session.get(Enrolment, (course, person.name))
    if held is None or held.role != LEFT:
        raise PeopleError(f"{called(person)} did not leave {course}. Nothing was changed.")
    enrol(session, course, person.name)
    return _entry("joined course", person, course, LEFT, "student")


def show_as(session: Session, person: Person, shown: str) -> audit.Entry:
    """Give a person another shown name."""
    name = tidy(shown)[: LONGEST["display_name"]]
    if not name:
        raise PeopleError("The shown name is empty. Write how the person is called.", "shown")
    person.display_name = name
    # Neither name is told: the log outlives the person's wish to be called so.
    return _entry("shown name", person, "", "", "")


def sign_in_as(session: Session, person: Person, sign_in: str, method: str) -> audit.Entry:
    """Give a person another name to sign in with, where the campus owns sign-in names."""
    if method != "campus":
        raise PeopleError(
            f"People sign in by {method} here, and are called as it calls them. Change it there."
        )
    name = checked_name(sign_in)
    holder = find_person(session, name)
    if holder is not None and holder.name != person.name:
        raise PeopleError(f"The name {name} is taken. Choose another.", "sign_in")
    person.sign_in = name
    return _entry("sign-in name", person, "", "", "")


def let_in(session: Session, course: str, person: Person) -> audit.Entry:
    """Approve a sign-up, or that somebody joins a course."""
    _enrolment(session, course, person).approved = True
    person.approved = True
    return _entry("approved", person, course, "", "student")


def turn_away(session: Session, course: str, person: Person) -> audit.Entry:
    """Refuse a sign-up: the place that a roster announced waits for the right person again."""
    held = _enrolment(session, course, person)
    if held.approved and person.approved:
        raise PeopleError(f"{called(person)} was approved before. Take them out of the course instead.")
    if held.approved:
        # A place of the roster: what was chosen by who took it goes.
        person.password_hash, person.seen, person.approved = "", None, True
    else:
        held.role = LEFT
    return _entry("refused", person, course, "", "")


def log(session: Session, by: str, entries: audit.Entry | Iterable[audit.Entry]) -> None:
    """Keep what was done, and who did it, with the change."""
    found = [entries] if isinstance(entries, audit.Entry) else entries
    audit.write(session, *(replace(each, who=by) for each in found))


def _enrolment(session: Session, course: str, person: Person) -> Enrolment:
    held = session.get(Enrolment, (course, person.name))
    if held is None or held.role == LEFT:
        raise PeopleError(f"{called(person)} is not in {course}. Nothing was changed.")
    return held


def _entry(what: str, person: Person, course: str, before: str, after: str) -> audit.Entry:
    return audit.Entry("", what, course=course, student=person.name, before=before, after=after)
