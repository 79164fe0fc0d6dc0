"""Rosters: a table that says who is in a course, compared with who is, before anything is written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from tpc_hub.people.directory import LONGEST, add_person, check_may_teach, find_person, tidy
from tpc_hub.people.people import LEFT, ROLES, Enrolment, PeopleError, Person, enrol, members, roles_of
from tpc_hub.people.roster_table import Line, lines_of, text_of

# Headings as platforms write them, in small letters, with a space for any other sign.
SYNONYMS = {
    "sign_in": (
        "sign in|sign in name|login|login id|sis login id|user|user id|user name|username|account|netid|uid"
    ),
    "email": "email|e mail|mail|email address|e mail address",
    "number": (
        "number|student number|student no|student id|sis id|sis user id|id|id number|matriculation number"
        "|matrikelnummer|orgdefinedid|org defined id"
    ),
    "display_name": "display name|full name|student name",
    "first": "first name|given name|firstname",
    "last": "last name|surname|family name|lastname",
    "role": "role|roles",
}
KINDS = {heading: kind for kind, headings in SYNONYMS.items() for heading in headings.split("|")}
# A name of the person, or what they sign in with: the other columns say which.
EITHER = ("name", "student")
IDENTIFIERS = ("sign_in", "email", "number")


@dataclass(frozen=True)
class Change:
    """What a roster changes for one person."""

    person: str
    what: str
    name: str
    # What the table says otherwise and that stays as it is.
    kept: bool = False

    def __str__(self) -> str:
        return f"{self.person}: {self.what}"


@dataclass(frozen=True)
class Roster:
    """What importing a table changes, and columns that were left alone."""

    people: int
    changes: tuple[Change, ...]
    ignored: tuple[str, ...]
    # The names of those of whom something changed.
    moved: tuple[str, ...] = ()


def import_roster(session: Session, course: str, data: bytes, complete: bool = False) -> Roster:
    """Make a course's people, their roles and what they are known by what a table says; returns what changed.

    Students who are not in a `complete` table leave the course; instructors stay. All problems are told in one
    PeopleError; the caller then rolls back, as it does to see what would change.
    """
    lines = list(lines_of(text_of(data)))
    if not lines:
        raise PeopleError(
            "line 1: the file is empty. Write a heading such as e-mail, and a line for each person."
        )
    columns, ignored = _columns(lines[0])
    problems: list[str] = []
    changes: list[Change] = []
    seen: dict[str, int] = {}
    for line in lines[1:]:
        try:
            facts = _facts(line, columns, len(lines[0].cells))
            changes += _take(session, course, facts, seen, line.number)
        except PeopleError as e:
            problems.append(f"line {line.number}: {e}")
    if problems:
        raise PeopleError("\n".join(problems))
    changes += _missing(session, course, seen) if complete else []
    return Roster(len(seen), tuple(changes), ignored, tuple(dict.fromkeys(each.name for each in changes)))


def _missing(session: Session, course: str, seen: Mapping[str, int]) -> Iterator[Change]:
    """Take the students out of the course whom a complete table does not name."""
    for name in members(session, course, "student"):
        if name not in seen:
            person = session.get_one(Person, name)
            session.get_one(Enrolment, (course, name)).role = LEFT
            yield Change(_called(person), "leaves the course; the work is kept", name)


def _columns(head: Line) -> tuple[dict[int, str], tuple[str, ...]]:
    """Return position -> what stands there, and the headings that mean nothing here; raises PeopleError."""
    headings = [" ".join(re.findall(r"\w+", cell.lower().replace("_", " "))) for cell in head.cells]
    columns = {place: KINDS[heading] for place, heading in enumerate(headings) if heading in KINDS}
    for place, heading in enumerate(headings):
        if heading in EITHER:
            named = {*columns.values()} & {"display_name", "first", "last"}
            known = {*columns.values()} & {*IDENTIFIERS}
            columns[place] = "display_name" if known and not named else "sign_in"
    kinds = list(columns.values())
    for kind in kinds:
        if kinds.count(kind) > 1:
            twice = " and ".join(repr(head.cells[place]) for place, each in columns.items() if each == kind)
            raise PeopleError(f"line {head.number}: {twice} say the same. Remove one of the columns.")
    if not {*kinds} & {*IDENTIFIERS}:
        found = ", ".join(filter(None, head.cells))
        raise PeopleError(
            f"line {head.number}: no column says who people are; the headings are {found}. "
            "Name one of them login, e-mail or student number."
        )
    return columns, tuple(cell for place, cell in enumerate(head.cells) if cell and place not in columns)


def _facts(line: Line, columns: Mapping[int, str], width: int) -> dict[str, str]:
    """Return what a row says of a person; raises PeopleError with the column."""
    surplus = [cell for cell in line.cells[width:] if cell]
    if surplus:
        raise PeopleError(
            f"{len(line.cells)} cells under {width} headings ({surplus[0][:30]!r}). "
            "Put quotes around what holds commas."
        )
    facts = {kind: tidy(line.cells[place]) for place, kind in columns.items() if place < len(line.cells)}
    if not any(facts.get(kind) for kind in IDENTIFIERS):
        raise PeopleError("nothing says who this is. Give a login, e-mail or student number.")
    if (email := facts.get("email", "")) and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
        raise PeopleError(f"column e-mail: {email!r} is no address. Correct it.")
    names = [facts.pop("first", ""), facts.pop("last", "")]
    if not facts.get("display_name") and any(names):
        facts["display_name"] = " ".join(filter(None, names))
    facts["role"] = _role(facts.get("role", ""))
    for kind, value in facts.items():
        if len(value) > LONGEST.get(kind, 100):
            raise PeopleError(f"column {kind}: {value[:30]!r}... is too long. Shorten it.")
    return facts


def _role(text: str) -> str:
    """Return a role from what platforms call it; nothing is a student. Raises PeopleError."""
    word = text.lower()
    role = {"": "student", "learner": "student", "teacher": "instructor", "ta": "instructor"}.get(word, word)
    if role not in ROLES:
        raise PeopleError(f"column role: {text!r} is no role. Use one of: {', '.join(ROLES)}.")
    return role


def _take(
    session: Session, course: str, facts: Mapping[str, str], seen: dict[str, int], line: int
) -> Iterator[Change]:
    """Make one person what the roster says."""
    known = {kind: facts[kind] for kind in IDENTIFIERS if facts.get(kind)}
    fitting = (find_person(session, value, kind) for kind, value in known.items())
    found = {person.name: person for person in fitting if person}
    if len(found) > 1:
        both = " and ".join(found)
        raise PeopleError(f"{', '.join(known.values())} are two people here ({both}). Correct one of them.")
    person, new = next(iter(found.values()), None), not found
    if person is None:
        person = add_person(session, **known, display_name=facts.get("display_name", ""))
    if person.name in seen:
        raise PeopleError(f"{person.display_name} appears in line {seen[person.name]} too. Keep one line.")
    if facts["role"] == "instructor" != roles_of(session, person.name).get(course):
        check_may_teach(person, known)
    seen[person.name] = line
    return iter([*_updates(session, course, person, facts, new)])


def _updates(
    session: Session, course: str, person: Person, facts: Mapping[str, str], new: bool
) -> Iterator[Change]:
    who = _called(person, facts.get("display_name", ""))
    kinds = {"display_name": "name", "email": "e-mail", "number": "student number"}
    if not person.sign_in or person.seen is None:
        kinds["sign_in"] = "login"
    elif facts.get("sign_in", "").lower() not in ("", *_names(person)):
        # Who signs in already does so by this name, whatever another platform says.
        yield Change(who, f"login stays {person.sign_in}, by which they have signed in", person.name, True)
    for kind, word in kinds.items():
        old, value = getattr(person, kind) or "", facts.get(kind, "")
        value = value.lower() if kind == "email" else value
        if value and value != old:
            setattr(person, kind, value)
            if not new:
                yield Change(who, f"{word} {old or 'none'} -> {value}", person.name)
    before, role = session.get(Enrolment, (course, person.name)), facts["role"]
    held = before.role if before else None
    if held is None:
        yield Change(who, f"joins as {role}" + (", new on this campus" if new else ""), person.name)
    elif held == LEFT:
        yield Change(who, f"joins again as {role}, with the work of before", person.name)
    elif held != role:
        yield Change(who, f"{held} -> {role}", person.name)
    # Whether somebody is who they say, a table does not prove: who waits for approval still does.
    enrol(session, course, person.name, role, demote=True, approved=before is None or held == LEFT)


def _names(person: Person) -> Iterator[str]:
    return (each.lower() for each in (person.name, person.sign_in, person.email) if each)


def _called(person: Person, shown: str = "") -> str:
    return (
        f"{shown or person.display_name} ({person.sign_in or person.email or person.number or person.name})"
    )
