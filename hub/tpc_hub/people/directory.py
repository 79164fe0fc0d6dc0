"""Who is who: people by all that they are known by, however they sign in and whoever names them first.

A person is one row. Its `name` is made once, in a form that a host, a folder, the hub and nbgrader all take. What a
sign-in calls the person (`sign_in`), e-mail and student number are kept beside it as they are. A roster may name
somebody by any of them before the first sign-in; the row then waits, and the first sign-in that fits takes it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from tpc_grader.database.engine import utcnow

from tpc_hub.people.people import (
    LEFT,
    LONGEST_NAME,
    NAME,
    Enrolment,
    Person,
    checked_name,
    course_of_code,
    enrol,
    hashed,
    roles_of,
)
from tpc_hub.people.refusal import PeopleError

LONGEST = {"sign_in": 255, "email": 254, "number": 60, "display_name": 100}
# Hosts and users of the campus itself.
RESERVED = frozenset({"campus", "hub", "book", "www", "admin", "root", "localhost", "formgrader"})
# Where providers tell of a student number: OpenID for universities (eduPerson, SCHAC), and LTI's course lists.
NUMBERS = (
    "student_number",
    "matriculation_number",
    "employeeNumber",
    "https://purl.imsglobal.org/spec/lti/claim/lis",
)


@dataclass(frozen=True)
class Claims:
    """What a sign-in says of a person: the name it knows, and perhaps more. `verified`: the e-mail is theirs."""

    sign_in: str
    display_name: str = ""
    email: str = ""
    number: str = ""
    verified: bool | None = None


def claims_of(sign_in: str, told: Mapping[str, Any]) -> Claims:
    """Return the claims in what an OpenID or LTI provider told."""
    number = next((told[name] for name in NUMBERS if told.get(name)), "")
    if isinstance(number, Mapping):
        number = number.get("person_sourcedid", "")
    number, email = tidy(number), tidy(told.get("email") or "").lower()
    verified = told.get("email_verified")
    return Claims(
        sign_in=sign_in,
        display_name=tidy(told.get("name") or "")[: LONGEST["display_name"]],
        email=email if len(email) <= LONGEST["email"] else "",
        number=number if len(number) <= LONGEST["number"] else "",
        verified=verified if isinstance(verified, bool) else None,
    )


def tidy(text: object) -> str:
    """Return text of others as it is kept: composed, one line, without characters that nobody sees."""
    composed = unicodedata.normalize("NFC", str(text))
    shown = (" " if each.isspace() else each for each in composed if each.isprintable() or each.isspace())
    return " ".join("".join(shown).split())


def add_person(
    session: Session, *, sign_in: str = "", display_name: str = "", email: str = "", number: str = ""
) -> Person:
    """Add somebody who is known by at least one of sign-in name, e-mail and student number; raises PeopleError."""
    facts = {"sign_in": sign_in, "email": email.lower(), "number": number, "display_name": display_name}
    for kind, value in facts.items():
        if len(value) > LONGEST[kind]:
            raise PeopleError(f"{value[:40]!r}... is longer than {LONGEST[kind]} characters. Shorten it.")
    known_by = sign_in or email or number
    if not known_by:
        raise PeopleError("A person needs a sign-in name, an e-mail address or a student number.")
    person = Person(
        name=free_name(session, known_by),
        display_name=display_name or known_by,
        sign_in=sign_in or None,
        email=email.lower() or None,
        number=number or None,
    )
    session.add(person)
    flush_new(session, known_by)
    return person


def flush_new(session: Session, called: str) -> None:
    """Write a new person; raises PeopleError where somebody took the name at the same moment."""
    try:
        session.flush()
    except IntegrityError as e:
        raise PeopleError(
            f"The name {called} was taken a moment ago. Choose another, or sign in if it is yours."
        ) from e


def free_name(session: Session, text: str) -> str:
    """Return a name for somebody known as `text` that nobody has and that every user of names takes."""
    base = _label(text)
    taken = set(session.scalars(select(Person.name).where(Person.name.startswith(base[: LONGEST_NAME - 6]))))
    return next(name for name in _candidates(base) if name not in taken and name not in RESERVED)


def find_person(session: Session, text: str, kind: str = "") -> Person | None:
    """Return the one person who is known by a sign-in name, e-mail, student number or name; letters' case is minor.

    `kind` says what the text is: then it is looked for there only, since people choose names that are others' numbers.
    Many sign in by their e-mail address, so that one is looked for among sign-in names too.
    Raises PeopleError when two people fit.
    """
    text = tidy(text)
    exact = {
        "sign_in": Person.sign_in == text,
        "email": Person.email == text.lower(),
        "number": Person.number == text,
        "name": Person.name == text,
    }
    folded = or_(func.lower(Person.sign_in) == text.lower(), Person.name == text.lower())
    conditions = [*exact.values(), folded]
    if kind == "number":
        conditions = [exact["number"]]
    elif kind:
        address = [exact["email"], exact["sign_in"]] if "@" in text else []
        conditions = [exact[kind], *address, *([exact["name"], folded] if kind == "sign_in" else [])]
    for condition in conditions:
        found = list(session.scalars(select(Person).where(condition).limit(2)))
        if len(found) > 1:
            names = " and ".join(person.sign_in or person.name for person in found)
            raise PeopleError(f"{text!r} may be {names}. Name the person by e-mail or student number.")
        if found:
            return found[0]
    return None


def check_may_teach(person: Person, known: Mapping[str, str]) -> None:
    """Refuse to let somebody teach whom nothing that they are known by names for sure; raises PeopleError.

    `known` is sign_in, email, number -> what the operator calls them. Some providers let people write any address into
    their profile: whoever claimed an instructor's would become one by the next roster.
    """
    called = {value.lower() for value in known.values()}
    by_name = known.get("sign_in", "").lower() in {person.name, (person.sign_in or person.name).lower()}
    by_number = person.number is not None and known.get("number") == person.number
    if by_name or by_number or (person.email in called and person.email_proven):
        return
    raise PeopleError(
        f"{' '.join(dict.fromkeys(known.values()))} fits {person.display_name}, whose sign-in did not prove it. "
        f"Give the login of who is to teach; theirs is {person.sign_in or person.name}."
    )


def signed_in(session: Session, claims: Claims) -> Person:
    """Return who signs in: known, announced by a roster, or new. Raises PeopleError."""
    person = session.scalar(select(Person).where(Person.sign_in == claims.sign_in))
    if person is None and (announced := _announced(session, claims)):
        person, sure = announced
        if not sure:
            _await_approval(session, person)
    if person is None:
        person = add_person(session, sign_in=claims.sign_in, display_name=claims.display_name)
    if person.seen is None:
        person.seen = utcnow()
    person.sign_in = claims.sign_in
    if claims.display_name and person.display_name in (
        person.name,
        person.sign_in,
        person.email,
        person.number,
    ):
        person.display_name = claims.display_name
    if (
        claims.email
        and claims.verified is not False
        and not _held(session, Person.email == claims.email, person)
    ):
        person.email = claims.email
    person.email_proven = claims.verified is True and claims.email == person.email
    if claims.number and not _held(session, Person.number == claims.number, person):
        person.number = claims.number
    session.flush()
    return person


def sign_up(
    session: Session, name: str, display_name: str, password: str, code: str, approval: Iterable[str]
) -> Person:
    """Create an account, or complete one that a roster announced, and enrol it by class code.

    `approval` names the courses whose instructors approve sign-ups. They also approve whoever comes by a name that a
    roster announced: the class knows its code and its names, so neither proves who signs up. Raises PeopleError.
    """
    course = course_of_code(session, code)
    # Whom a roster announced by e-mail or number may sign up by that, and keeps the place.
    announced = find_person(session, name)
    name = announced.name if announced else checked_name(name)
    person = session.get(Person, name)
    if person is not None and person.password_hash:
        raise PeopleError(f"The name {name} is taken. Choose another, or sign in if it is yours.")
    others = person is not None and set(roles_of(session, name).items()) - {(course, "student")}
    if person is not None and (others or person.seen is not None):
        # A class code is known to the whole class: it must not open what a roster reserved for somebody else, nor
        # the account of somebody who signed in by a provider before.
        raise PeopleError(
            f"The name {name} is reserved. Ask for its password (`campus user password {name}`)."
        )
    if person is None:
        person = Person(
            name=name, display_name=display_name.strip()[:100] or name, approved=course not in set(approval)
        )
        session.add(person)
    else:
        person.approved = False
    person.password_hash = hashed(password)
    person.sign_in, person.seen = person.sign_in or name, utcnow()
    flush_new(session, name)
    join(session, course, name, approval)
    return person


def join(session: Session, course: str, name: str, approval: Iterable[str]) -> bool:
    """Enrol somebody who has the class code; returns whether they are in, or wait for an instructor's approval.

    Who left, or was made to, comes back by approval: they know the code.
    """
    held = session.get(Enrolment, (course, name))
    if held is None or held.role == LEFT:
        enrol(session, course, name, approved=held is None and course not in set(approval))
    return course in roles_of(session, name)


def _announced(session: Session, claims: Claims) -> tuple[Person, bool] | None:
    """Return whom a roster announced by something that this sign-in says, and whether that is sure.

    None when nobody, or more than one, fits. What nobody vouches for (an e-mail that is not known to be verified, a
    name in other letters) opens a student's place after approval, never an instructor's.
    """
    sure: list[ColumnElement[bool]] = [Person.number == claims.number] if claims.number else []
    unsure = [func.lower(Person.sign_in) == claims.sign_in.lower()]
    if claims.email and claims.verified is not False:
        kinds = (Person.email == claims.email, func.lower(Person.sign_in) == claims.email)
        (sure if claims.verified else unsure).extend(kinds)
    waiting = select(Person).where(Person.seen.is_(None), Person.password_hash == "").limit(2)
    teaches = select(Enrolment.person).where(Enrolment.role == "instructor")
    for is_sure, query in (
        (True, waiting.where(or_(*sure)) if sure else None),
        (False, waiting.where(or_(*unsure), Person.name.not_in(teaches))),
    ):
        found = list(session.scalars(query)) if query is not None else []
        if len(found) == 1:
            return found[0], is_sure
    return None


def _await_approval(session: Session, person: Person) -> None:
    """Let the instructors of a person's courses say whether it is who the roster announced."""
    for enrolment in session.scalars(select(Enrolment).where(Enrolment.person == person.name)):
        enrolment.approved = False


def _held(session: Session, condition: ColumnElement[bool], person: Person) -> bool:
    return session.scalar(select(Person.name).where(condition, Person.name != person.name)) is not None


def _label(text: str) -> str:
    """Return the beginning of a name: letters a-z, digits and single dashes, a letter first."""
    own = text.partition("@")[0] if "@" in text else text
    plain = unicodedata.normalize("NFKD", own).encode("ascii", "ignore").decode().lower()
    label = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    if label and not label[0].isalpha():
        label = f"p{label}"
    label = label[:LONGEST_NAME].rstrip("-") or "person"
    assert NAME.fullmatch(label)
    return label


def _candidates(base: str) -> Iterator[str]:
    yield base
    number = 2
    while True:
        end = f"-{number}"
        yield base[: LONGEST_NAME - len(end)].rstrip("-") + end
        number += 1
