"""What an instructor does to one person of a class: each form of the person's page, and approval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.orm import Session
from tpc_courses.sources.manifest import Course

from tpc_hub.people import leaving
from tpc_hub.people.links import make_link
from tpc_hub.people.people import PeopleError, Person
from tpc_hub.web.instructor.person import (
    Entries,
    Work,
    change,
    check_student_of,
    check_typed,
    check_whole,
    shown_page,
)
from tpc_hub.web.session.forms import authorised, back, in_thread, notices
from tpc_hub.web.session.identity import PREFIX, FormVisitor, Visitor
from tpc_hub.web.session.state import Campus

router = APIRouter(prefix="/course/{course_id}/person/{name}")


@dataclass(frozen=True)
class Deed:
    """A form that an instructor sent about a person of a course."""

    campus: Campus
    course: Course
    who: Visitor
    name: str

    async def do(self, work: Work, typed: str | None = None) -> str:
        """Change something about the person, once their name was typed where that is asked; returns the shown name."""

        def checked(session: Session, person: Person) -> Entries:
            if typed is not None:
                check_typed(person, typed)
            return work(session, person)

        return await in_thread(change, self.campus, self.course, self.who, self.name, checked)

    def told(self, what: str) -> Response:
        """Tell what was done, on the class page."""
        notices.say((self.who.name, self.course.id), what)
        return back(self.course)

    def told_there(self, what: str) -> Response:
        """Tell what was done, on the person's page."""
        self.told(what)
        return RedirectResponse(f"{PREFIX}/course/{self.course.id}/person/{self.name}", status_code=303)


def deed(request: Request, who: FormVisitor, course_id: str, name: str) -> Deed:
    """Return what an instructor of the course sent."""
    return Deed(*authorised(request, who, course_id), who, name)


Sent = Annotated[Deed, Depends(deed)]
Text = Annotated[str, Form()]


@router.post("/shown-name", include_in_schema=False)
async def rename(sent: Sent, shown: Text = "") -> Response:
    """Give a student another shown name."""

    def work(session: Session, person: Person) -> Entries:
        check_student_of(session, sent.course, person)
        return leaving.show_as(session, person, shown)

    return sent.told_there(f"{sent.name} is now shown as {await sent.do(work)}")


@router.post("/sign-in-name", include_in_schema=False)
async def rename_sign_in(sent: Sent, sign_in: Text = "") -> Response:
    """Give a student another name to sign in with; that is about the whole person."""

    def work(session: Session, person: Person) -> Entries:
        check_student_of(session, sent.course, person)
        check_whole(session, sent.who, person)
        return leaving.sign_in_as(session, person, sign_in, sent.campus.settings.sign_in.method)

    shown = await sent.do(work)
    return sent.told_there(f"{shown} signs in with the name {sign_in.strip().lower()} from now on")


@router.post("/leave", include_in_schema=False)
async def leave(sent: Sent, typed: Text = "") -> Response:
    """Take a student out of the course; their work is kept."""
    shown = await sent.do(lambda session, person: leaving.leave(session, sent.course.id, person), typed)
    return sent.told(f"{shown} is out of the course. The work is kept: enrol them again below")


@router.post("/enrol-again", include_in_schema=False)
async def enrol_again(sent: Sent) -> Response:
    """Bring somebody back who left."""
    shown = await sent.do(lambda session, person: leaving.enrol_again(session, sent.course.id, person))
    return sent.told(f"{shown} is in the course again, with the work of before")


@router.post("/move", include_in_schema=False)
async def move(sent: Sent, target: Text = "", typed: Text = "") -> Response:
    """Move a student to another course that the instructor teaches."""
    into = sent.campus.courses.get(target)
    if into is None or sent.who.roles.get(target) != "instructor":
        raise PeopleError(f"You teach no course {target!r}. Choose one of the list.", "target", 404)
    source = sent.course.id
    shown = await sent.do(lambda session, person: leaving.move(session, source, into.id, person), typed)
    return sent.told(f"{shown} is in {into.title} now. What they handed in here is kept")


@router.post("/demote", include_in_schema=False)
async def demote(sent: Sent, typed: Text = "") -> Response:
    """Make an instructor of the course a student of it: another, or oneself."""
    shown = await sent.do(lambda session, person: leaving.demote(session, sent.course.id, person), typed)
    if sent.name == sent.who.name:
        return RedirectResponse(f"{PREFIX}/", status_code=303)
    return sent.told(f"{shown} is a student of the course now")


@router.post("/password-link", response_class=HTMLResponse, include_in_schema=False)
async def password_link(sent: Sent) -> Response:
    """Make a link by which a student of the course sets a password, and show it this once."""
    made = list[str]()

    def work(session: Session, person: Person) -> Entries:
        check_student_of(session, sent.course, person)
        link, entry = make_link(session, sent.campus.settings, person, sent.course.id)
        made.append(link)
        return entry

    await sent.do(work)
    return await shown_page(sent.campus, sent.course, sent.who, sent.name, link=made[0])


@router.post("/approve", include_in_schema=False)
async def approve(sent: Sent) -> Response:
    """Let somebody in who signed up, or asked to join, and waits."""
    shown = await in_thread(approve_person, sent.campus, sent.course, sent.who, sent.name)
    return sent.told(f"Approved {shown}")


@router.post("/refuse", include_in_schema=False)
async def refuse(sent: Sent) -> Response:
    """Do not let somebody in who waits."""
    shown = await sent.do(lambda session, person: leaving.turn_away(session, sent.course.id, person))
    return sent.told(f"Refused {shown}")


def approve_person(campus: Campus, course: Course, who: Visitor, name: str) -> str:
    """Let somebody in who waits for it; returns the shown name."""
    return change(
        campus, course, who, name, lambda session, person: leaving.let_in(session, course.id, person)
    )
