"""The page of one person of a class, and what an instructor may do with their part in the course.

An instructor acts on students of the own course. Where something is about the whole person, not this course, all of
their courses must be the instructor's; else it is the operator's, on the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from tpc_courses.manifest import Course
from tpc_grader import audit

from tpc_hub import leaving, people
from tpc_hub.campus.forms import asked, back, in_thread, notices
from tpc_hub.campus.identity import PREFIX, FormVisitor, SignedInVisitor, Visitor
from tpc_hub.campus.state import Campus
from tpc_hub.campus.student import page
from tpc_hub.following import tell
from tpc_hub.links import HOURS, make_link
from tpc_hub.people import Enrolment, PeopleError, Person, roles_of

router = APIRouter(prefix="/course/{course_id}/person/{name}")
Entries = audit.Entry | Iterable[audit.Entry]


@router.get("", response_class=HTMLResponse, include_in_schema=False)
async def person_page(request: Request, who: SignedInVisitor, course_id: str, name: str) -> Response:
    """Show a person of the class, with what can be done."""
    campus, course = asked(request, who, course_id)
    return await _shown(campus, course, who, name)


@router.post("/shown-name", include_in_schema=False)
async def rename(
    request: Request, who: FormVisitor, course_id: str, name: str, shown: Annotated[str, Form()] = ""
) -> Response:
    """Give a student another shown name."""
    campus, course = asked(request, who, course_id)

    def work(session: Session, person: Person) -> Entries:
        _check_student(session, course, person)
        return leaving.show_as(session, person, shown)

    person = await in_thread(_do, campus, course, who, name, work)
    notices.say((who.name, course.id), f"{name} is now shown as {person}")
    return RedirectResponse(f"{PREFIX}/course/{course.id}/person/{name}", status_code=303)


@router.post("/sign-in-name", include_in_schema=False)
async def rename_sign_in(
    request: Request, who: FormVisitor, course_id: str, name: str, sign_in: Annotated[str, Form()] = ""
) -> Response:
    """Give a student another name to sign in with; that is about the whole person."""
    campus, course = asked(request, who, course_id)

    def work(session: Session, person: Person) -> Entries:
        _check_student(session, course, person)
        check_whole(session, who, person)
        return leaving.sign_in_as(session, person, sign_in, campus.settings.sign_in.method)

    shown = await in_thread(_do, campus, course, who, name, work)
    notices.say(
        (who.name, course.id), f"{shown} signs in with the name {sign_in.strip().lower()} from now on"
    )
    return RedirectResponse(f"{PREFIX}/course/{course.id}/person/{name}", status_code=303)


@router.post("/leave", include_in_schema=False)
async def leave(
    request: Request, who: FormVisitor, course_id: str, name: str, typed: Annotated[str, Form()] = ""
) -> Response:
    """Take a student out of the course; their work is kept."""
    campus, course = asked(request, who, course_id)

    def work(session: Session, person: Person) -> Entries:
        check_typed(person, typed)
        return leaving.leave(session, course.id, person)

    shown = await in_thread(_do, campus, course, who, name, work)
    notices.say(
        (who.name, course.id), f"{shown} is out of the course. The work is kept: enrol them again below"
    )
    return back(course)


@router.post("/enrol-again", include_in_schema=False)
async def enrol_again(request: Request, who: FormVisitor, course_id: str, name: str) -> Response:
    """Bring somebody back who left."""
    campus, course = asked(request, who, course_id)

    def work(session: Session, person: Person) -> Entries:
        return leaving.enrol_again(session, course.id, person)

    shown = await in_thread(_do, campus, course, who, name, work)
    notices.say((who.name, course.id), f"{shown} is in the course again, with the work of before")
    return back(course)


@router.post("/move", include_in_schema=False)
async def move(
    request: Request,
    who: FormVisitor,
    course_id: str,
    name: str,
    target: Annotated[str, Form()] = "",
    typed: Annotated[str, Form()] = "",
) -> Response:
    """Move a student to another course that the instructor teaches."""
    campus, course = asked(request, who, course_id)
    into = campus.courses.get(target)
    if into is None or who.roles.get(target) != "instructor":
        raise PeopleError(f"You teach no course {target!r}. Choose one of the list.", "target", 404)

    def work(session: Session, person: Person) -> Entries:
        check_typed(person, typed)
        return leaving.move(session, course.id, into.id, person)

    shown = await in_thread(_do, campus, course, who, name, work)
    notices.say((who.name, course.id), f"{shown} is in {into.title} now. What they handed in here is kept")
    return back(course)


@router.post("/demote", include_in_schema=False)
async def demote(
    request: Request, who: FormVisitor, course_id: str, name: str, typed: Annotated[str, Form()] = ""
) -> Response:
    """Make an instructor of the course a student of it: another, or oneself."""
    campus, course = asked(request, who, course_id)

    def work(session: Session, person: Person) -> Entries:
        check_typed(person, typed)
        return leaving.demote(session, course.id, person)

    shown = await in_thread(_do, campus, course, who, name, work)
    if name == who.name:
        return RedirectResponse(f"{PREFIX}/", status_code=303)
    notices.say((who.name, course.id), f"{shown} is a student of the course now")
    return back(course)


@router.post("/password-link", response_class=HTMLResponse, include_in_schema=False)
async def password_link(request: Request, who: FormVisitor, course_id: str, name: str) -> Response:
    """Make a link by which a student of the course sets a password, and show it this once."""
    campus, course = asked(request, who, course_id)
    made = list[str]()

    def work(session: Session, person: Person) -> Entries:
        _check_student(session, course, person)
        link, entry = make_link(session, campus.settings, person, course.id)
        made.append(link)
        return entry

    await in_thread(_do, campus, course, who, name, work)
    return await _shown(campus, course, who, name, link=made[0])


@router.post("/approve", include_in_schema=False)
async def approve(request: Request, who: FormVisitor, course_id: str, name: str) -> Response:
    """Let somebody in who signed up, or asked to join, and waits."""
    campus, course = asked(request, who, course_id)

    await in_thread(approve_person, campus, course, who, name)
    notices.say((who.name, course.id), f"Approved {name}")
    return back(course)


@router.post("/refuse", include_in_schema=False)
async def refuse(request: Request, who: FormVisitor, course_id: str, name: str) -> Response:
    """Do not let somebody in who waits."""
    campus, course = asked(request, who, course_id)

    def work(session: Session, person: Person) -> Entries:
        return leaving.turn_away(session, course.id, person)

    await in_thread(_do, campus, course, who, name, work)
    notices.say((who.name, course.id), f"Refused {name}")
    return back(course)


def approve_person(campus: Campus, course: Course, who: Visitor, name: str) -> None:
    """Let somebody in who waits for it."""
    _do(campus, course, who, name, lambda session, person: leaving.let_in(session, course.id, person))


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


def _check_student(session: Session, course: Course, person: Person) -> None:
    held = session.get(Enrolment, (course.id, person.name))
    if held is None or held.role != "student":
        raise PeopleError(f"{leaving.called(person)} is no student of this course. Nothing was changed.")


def found(session: Session, course: Course, name: str) -> Person:
    """Return somebody who is or was in the course; 404 for anybody else."""
    if session.get(Enrolment, (course.id, name)) is None:
        raise HTTPException(404, f"{name} is not in this course.")
    return session.get_one(Person, name)


def _do(
    campus: Campus, course: Course, who: Visitor, name: str, work: Callable[[Session, Person], Entries]
) -> str:
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


async def _shown(campus: Campus, course: Course, who: Visitor, name: str, **values: Any) -> Response:
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
