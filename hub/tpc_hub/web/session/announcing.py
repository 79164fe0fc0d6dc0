"""The instructor's forms that tell a course something, and what its students see of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from tpc_courses.sources.manifest import Course

from tpc_hub.people import people
from tpc_hub.people.announcements import Announcement, announce, announcements, take_down
from tpc_hub.web.session.forms import authorised, back, notices
from tpc_hub.web.session.identity import FormVisitor
from tpc_hub.web.session.state import Campus
from tpc_hub.web.session.times import in_zone

router = APIRouter(prefix="/course/{course_id}/announcements")


@router.post("", include_in_schema=False)
def post(request: Request, who: FormVisitor, course_id: str, text: Annotated[str, Form()] = "") -> Response:
    """Show a text on the home page of the course's students."""
    campus, course = authorised(request, who, course_id)
    with people.transaction(campus.places) as session:
        announce(session, course.id, text, who.display_name)
    notices.say((who.name, course.id), "Announced: the students see it on their home page")
    return back(course)


@router.post("/remove", include_in_schema=False)
def remove(request: Request, who: FormVisitor, course_id: str, number: Annotated[int, Form()]) -> Response:
    """Take an announcement down."""
    campus, course = authorised(request, who, course_id)
    with people.transaction(campus.places) as session:
        take_down(session, course.id, number)
    notices.say((who.name, course.id), "The announcement was taken down")
    return back(course)


def shown(campus: Campus, course: Course) -> list[tuple[str, Announcement]]:
    """Return what a course is told now, newest first, each with its time in the course's zone."""
    with people.session(campus.places) as session:
        return [(in_zone(each.at, course.zone), each) for each in announcements(session, course.id)]
