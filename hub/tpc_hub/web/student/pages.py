"""Pages of a student: home, course, opening a lesson, feedback, joining a course."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import select
from tpc_courses.sources.exercise import read_exercise
from tpc_courses.sources.student import publish_lessons
from tpc_grader.feedback.publish import POLICY, RULES, clean_body, released_at
from tpc_grader.feedback.records import newest_feedback

from tpc_hub.people import people
from tpc_hub.people.directory import join as enter_course
from tpc_hub.people.people import LEFT, Enrolment, LessonVisit, course_of_code
from tpc_hub.web.session.identity import (
    PREFIX,
    FormVisitor,
    SignedInVisitor,
    Visitor,
    campus_of,
    course_for,
    sign_out,
)
from tpc_hub.web.session.state import Campus
from tpc_hub.web.session.times import in_zone
from tpc_hub.web.student.overview import course_card, course_rows, next_step
from tpc_hub.web.student.running import running
from tpc_hub.web.student.warm import server_line, server_of, warm_up

router = APIRouter()


@router.get("/", response_class=HTMLResponse, include_in_schema=False)
async def home(
    request: Request, who: SignedInVisitor, background: BackgroundTasks, code: str = ""
) -> Response:
    """Show the person's courses and the one next thing to do."""
    campus = campus_of(request)
    server = await server_of(campus, who)
    background.add_task(warm_up, campus, who)
    cards = [course_card(campus, campus.courses[name], who) for name in who.roles if name in campus.courses]
    waiting = [campus.courses[name].title for name in _asked_for(campus, who) if name in campus.courses]
    return page(
        campus,
        who,
        "home.html",
        cards=cards,
        step=next_step(cards),
        server=server_line(campus, who, server),
        running=running(campus, who, server),
        waiting=waiting,
        code=code[:40],
    )


def _asked_for(campus: Campus, who: Visitor) -> list[str]:
    """Return the courses in which the person waits for approval."""
    query = select(Enrolment.course).where(
        Enrolment.person == who.name, Enrolment.role != LEFT, Enrolment.approved.is_(False)
    )
    with people.session(campus.places) as session:
        return list(session.scalars(query.order_by(Enrolment.course)))


@router.get("/course/{course_id}", response_class=HTMLResponse, include_in_schema=False)
async def course_page(request: Request, who: SignedInVisitor, course_id: str) -> Response:
    """Show a course: lessons in order, exercises between them, with their state."""
    campus = campus_of(request)
    course = course_for(campus, who, course_id)
    return page(campus, who, "course.html", course=course, rows=course_rows(campus, course, who))


@router.get("/api/courses", tags=["courses"])
async def courses_json(request: Request, who: SignedInVisitor) -> list[dict[str, Any]]:
    """Return the signed-in person's courses with the state of every lesson and exercise."""
    campus = campus_of(request)
    return [
        {
            "id": course.id,
            "title": course.title,
            "role": who.roles[course.id],
            "units": course_rows(campus, course, who),
        }
        for course in campus.courses.values()
        if course.id in who.roles
    ]


@router.get("/open/{topic}/{name}", include_in_schema=False)
async def open_lesson(request: Request, who: SignedInVisitor, topic: str, name: str) -> Response:
    """Lead to the person's server, which brings the lesson, keeps their edits, and opens it in Lab."""
    campus = campus_of(request)
    slug = f"{topic}/{name}"
    if not any(slug in course.lessons for course in campus.courses.values()):
        raise HTTPException(404, f"There is no lesson {slug}.")
    with people.transaction(campus.places) as session:
        if session.get(LessonVisit, (who.name, slug)) is None:
            session.add(LessonVisit(person=who.name, lesson=slug))
    if not (campus.places.lessons_git / "info" / "refs").exists():  # lost while the campus runs
        await asyncio.to_thread(publish_lessons, campus.places, tuple(campus.courses.values()))
    return RedirectResponse(f"{campus.settings.url}/hub/user-redirect/lessons/{slug}", status_code=303)


@router.post("/done/{topic}/{name}", include_in_schema=False)
async def mark_done(
    request: Request,
    who: FormVisitor,
    topic: str,
    name: str,
    course: Annotated[str, Form()],
    done: Annotated[str, Form()],
) -> Response:
    """Remember that a person is done with a lesson, or that they are not."""
    campus = campus_of(request)
    chosen = course_for(campus, who, course)
    if f"{topic}/{name}" not in chosen.lessons:
        raise HTTPException(404, f"There is no lesson {topic}/{name} in this course.")
    with people.transaction(campus.places) as session:
        session.merge(LessonVisit(person=who.name, lesson=f"{topic}/{name}", done=done == "yes"))
    return RedirectResponse(f"{PREFIX}/course/{chosen.id}", status_code=303)


@router.post("/join", include_in_schema=False)
async def join(request: Request, who: FormVisitor, code: Annotated[str, Form()]) -> Response:
    """Enrol the person in the course of a class code, at once or after an instructor's approval."""
    campus = campus_of(request)
    approval = [course.id for course in campus.courses.values() if course.approval]
    with people.transaction(campus.places) as session:
        course = course_of_code(session, code)
        inside = enter_course(session, course, who.name, approval)
    return RedirectResponse(f"{PREFIX}/course/{course}" if inside else f"{PREFIX}/", status_code=303)


@router.get("/feedback/{course_id}/{exercise}", response_class=HTMLResponse, include_in_schema=False)
async def feedback(request: Request, who: SignedInVisitor, course_id: str, exercise: str) -> Response:
    """Show a person's own released feedback. It holds their HTML, so it is cleaned and may run nothing."""
    campus = campus_of(request)
    course = course_for(campus, who, course_id)
    if exercise not in course.exercises:
        raise HTTPException(404, f"There is no exercise {exercise} in this course.")
    found = newest_feedback(campus.places, course, exercise, who.name)
    if found is None:
        raise HTTPException(
            404, "There is no feedback for you yet. It appears here when your instructor releases it."
        )
    submission, text = found
    response = page(
        campus,
        who,
        "feedback.html",
        course=course,
        exercise=read_exercise(campus.places.exercise(exercise)),
        submitted=in_zone(submission.received_at, course.zone),
        released=in_zone(released_at(campus.places, submission.id), course.zone),
        feedback=clean_body(text),
        rules=RULES,
    )
    response.headers["Content-Security-Policy"] = (
        f"{POLICY}; font-src 'self'; sandbox allow-top-navigation; frame-ancestors 'none'"
    )
    return response


@router.get("/logout", include_in_schema=False)
async def logout(request: Request) -> Response:
    """End the session here, then at the hub."""
    return sign_out(campus_of(request), request)


def page(campus: Campus, who: Visitor, template: str, **values: Any) -> HTMLResponse:
    """Return a rendered page."""
    common = {
        "who": who,
        "base": PREFIX,
        "home_url": f"{PREFIX}/",
        "book_url": f"{campus.settings.url}/book/",
        "hub_url": campus.settings.url,
    }
    return HTMLResponse(campus.templates.get_template(template).render(**common, **values))
