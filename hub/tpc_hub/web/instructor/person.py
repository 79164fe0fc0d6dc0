"""The page of one person of a class, and by what rules an instructor acts on their part in the course.

An instructor acts on students of the own course. Where something is about the whole person, not this course, all of
their courses must be the instructor's; else it is the operator's, on the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from tpc_courses.sources.manifest import Course
from tpc_grader.database import audit

from tpc_hub.people import leaving, people
from tpc_hub.people.following import tell
from tpc_hub.people.links import HOURS
from tpc_hub.people.people import Enrolment, PeopleError, Person, roles_of
from tpc_hub.web.session.forms import authorised, in_thread, notices
from tpc_hub.web.session.identity import SignedInVisitor, Visitor
from tpc_hub.web.session.state import Campus
from tpc_hub.web.student.pages import page

router = APIRouter(prefix="/course/{course_id}/person/{name}")
Entries = audit.Entry | Iterable[audit.Entry]
Work = Callable[[Session, Person], Entries]


@router.get("", response_class=HTMLResponse, include_in_schema=False)
async def person_page(request: Request, who: SignedInVisitor, course_id: str, name: str) -> Response:
    """Show a person of the class, with what can be done."""
    campus, course = authorised(request, who, course_id)
    return await shown_page(campus, course, who, name)


def check_typed(person: Person, typed: str) -> None:
    """Refuse what is not confirmed by typing the person's name."""
    if typed.strip() != person.name:
        raise PeopleError(f"Type {person.name} to confirm. Nothing was changed.", "typed")


def check_whole(session: Session, who: Visitor, person: Person) -> None:
    """Refuse what is about the whole person to whom not all of the person's courses belong."""
    query = select(Enrolment.course).where(Enrolment.person == person.name)
    taught = {course for course, role in who.roles.items() if role == "instructor"}
    if "instructor" in roles_of(session, person.name).values():
        raise PeopleError(
            f"{leaving.called(person)} teaches. The operator does this: see `campus user --help`."
        )
    if set(session.scalars(query)) - taught:
        raise PeopleError(
            f"{leaving.called(person)} is, or was, in courses that you do not teach, and this is about all of "
            "them. The operator does this: see `campus user --help`."
        )


def check_student_of(session: Session, course: Course, person: Person) -> None:
    held = session.get(Enrolment, (course.id, person.name))
    if held is None or held.role != "student":
        raise PeopleError(f"{leaving.called(person)} is no student of this course. Nothing was changed.")


def found(session: Session, course: Course, name: str) -> Person:
    """Return somebody who is or was in the course; 404 for anybody else."""
    if session.get(Enrolment, (course.id, name)) is None:
        raise PeopleError(f"{name} is not in this course.", status=404)
    return session.get_one(Person, name)


def change(campus: Campus, course: Course, who: Visitor, name: str, work: Work) -> str:
    """Change something about a person, log it, and let the hub follow; returns how the person is called."""
    with people.transaction(campus.places) as session:
        person = found(session, course, name)
        leaving.log(session, who.name, work(session, person))
        shown = person.display_name
    audit.export(campus.places)
    try:
        tell(campus.hub_api, campus.token, name)
    except RuntimeError as e:
        # The campus's own pages, the intake and the formgrader go by the database, which is right already.
        raise PeopleError(f"It is done, but the hub has not heard of it yet. {e}") from e
    return shown


async def shown_page(campus: Campus, course: Course, who: Visitor, name: str, **values: Any) -> Response:
    def facts() -> dict[str, Any]:
        with people.session(campus.places) as session:
            person = found(session, course, name)
            role = session.get_one(Enrolment, (course.id, name)).role
            try:
                check_whole(session, who, person)
                not_whole = ""
            except PeopleError as e:
                not_whole = str(e)
            session.expunge_all()
        others = [
            each
            for each in campus.courses.values()
            if who.roles.get(each.id) == "instructor" and each != course
        ]
        notes, _ = notices.take(campus.places, (who.name, course.id))
        return {"person": person, "role": role, "not_whole": not_whole, "others": others, "notes": notes}

    method = campus.settings.sign_in.method
    known = await in_thread(facts)
    return page(campus, who, "person.html", course=course, method=method, hours=HOURS, **known, **values)
