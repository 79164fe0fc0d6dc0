"""What the campus holds of a person: shown to the person, given out as a zip, and erased.

A person gets what they may see by now, without the home, whose files they have in JupyterLab; an instructor what
belongs to the own course. Who teaches all courses of a student may erase the student; else the operator does.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import FileResponse, HTMLResponse, Response
from sqlalchemy.orm import Session
from starlette.background import BackgroundTask
from tpc_courses.sources.manifest import Course
from tpc_grader.database import audit

from tpc_hub.people import people
from tpc_hub.people.following import tell
from tpc_hub.people.people import PeopleError, Person
from tpc_hub.privacy.erasing import erase
from tpc_hub.privacy.exporting import export
from tpc_hub.web.instructor.person import check_typed, check_whole, found
from tpc_hub.web.session.forms import authorised, back, in_thread, notices
from tpc_hub.web.session.identity import FormVisitor, SignedInVisitor, Visitor, campus_of
from tpc_hub.web.session.state import Campus
from tpc_hub.web.student.pages import page

router = APIRouter()
OF_PERSON = "/course/{course_id}/person/{name}"


@router.get("/account", response_class=HTMLResponse, include_in_schema=False)
async def account(request: Request, who: SignedInVisitor) -> Response:
    """Show a person's own account."""
    campus = campus_of(request)
    with people.session(campus.places) as session:
        person = session.get(Person, who.name)
    titles = {name: each.title for name, each in campus.courses.items()}
    method = campus.settings.sign_in.method
    return page(campus, who, "account.html", person=person, method=method, titles=titles)


@router.get("/account/export.zip", include_in_schema=False)
async def own_export(request: Request, who: SignedInVisitor) -> Response:
    """Give a person what the campus holds of them."""
    return await in_thread(_exported, campus_of(request), who.name, None)


@router.get(f"{OF_PERSON}/export.zip", include_in_schema=False)
async def course_export(request: Request, who: SignedInVisitor, course_id: str, name: str) -> Response:
    """Give an instructor what belongs to the course; the log notes it."""
    campus, course = authorised(request, who, course_id)
    with people.transaction(campus.places) as session:
        found(session, course, name)
        audit.write(session, audit.Entry(who.name, "exported", course=course.id, student=name))
    return await in_thread(_exported, campus, name, course)


@router.post(f"{OF_PERSON}/erase", include_in_schema=False)
async def erase_person(
    request: Request, who: FormVisitor, course_id: str, name: str, typed: Annotated[str, Form()] = ""
) -> Response:
    """Erase a student all of whose courses the instructor teaches."""
    campus, course = authorised(request, who, course_id)
    left = await in_thread(_erase, campus, course, who, name, typed)
    notices.say((who.name, course.id), f"{name} is erased. {' '.join(left)}")
    return back(course)


def _erase(campus: Campus, course: Course, who: Visitor, name: str, typed: str) -> list[str]:
    with people.session(campus.places) as session:
        _check_erasable(session, course, who, name, typed)
    campus.groups.pop(name, None)

    def forget(each: str) -> bool:
        return tell(campus.hub_api, campus.token, each, forget=True)

    try:
        return erase(campus.places, campus.settings, name, who.name, forget)
    except RuntimeError as e:
        raise PeopleError(str(e)) from e


def _check_erasable(session: Session, course: Course, who: Visitor, name: str, typed: str) -> None:
    person = found(session, course, name)
    check_typed(person, typed)
    check_whole(session, who, person)


def _exported(campus: Campus, name: str, course: Course | None) -> Response:
    folder = Path(tempfile.mkdtemp(prefix="campus-export-"))
    try:
        file = folder / f"{name}.zip"
        export(campus.places, campus.settings, name, file, course.id if course else "", own=course is None)
    except BaseException:
        shutil.rmtree(folder)
        raise
    title = f"{name}-{course.id}.zip" if course else f"{name}.zip"
    gone = BackgroundTask(shutil.rmtree, folder)
    return FileResponse(file, media_type="application/zip", filename=title, background=gone)
