"""Pages of a student: home, course, opening a lesson, feedback, joining a course."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any
from urllib.parse import urlencode

import nh3
from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from tpc_courses.exercise import read_exercise
from tpc_courses.lesson import read_lesson
from tpc_courses.manifest import Course
from tpc_grader.records import Standing, feedback_page, standing

from tpc_hub.campus.identity import PREFIX, FormVisitor, SignedInVisitor, Visitor, campus_of, course_for
from tpc_hub.campus.state import Campus
from tpc_hub.campus.times import in_zone
from tpc_hub.people import LessonVisit, course_of_code, enrol

router = APIRouter()


@router.get("/", response_class=HTMLResponse, include_in_schema=False)
async def home(request: Request, who: SignedInVisitor) -> Response:
    """Show the person's courses and the one next thing to do."""
    campus = campus_of(request)
    cards = [_card(campus, campus.courses[name], who) for name in who.roles if name in campus.courses]
    next_step = next((card["next"] for card in cards if card["next"]), None)
    return page(campus, who, "home.html", cards=cards, next_step=next_step)


@router.get("/course/{course_id}", response_class=HTMLResponse, include_in_schema=False)
async def course_page(request: Request, who: SignedInVisitor, course_id: str) -> Response:
    """Show a course: lessons in order, exercises between them, with their state."""
    campus = campus_of(request)
    course = course_for(campus, who, course_id)
    return page(campus, who, "course.html", course=course, rows=_rows(campus, course, who))


@router.get("/api/courses", tags=["courses"])
async def courses_json(request: Request, who: SignedInVisitor) -> list[dict[str, Any]]:
    """Return the signed-in person's courses with the state of every lesson and exercise."""
    campus = campus_of(request)
    return [
        {
            "id": course.id,
            "title": course.title,
            "role": who.roles[course.id],
            "units": _rows(campus, course, who),
        }
        for course in campus.courses.values()
        if course.id in who.roles
    ]


@router.get("/open/{topic}/{name}", include_in_schema=False)
async def open_lesson(request: Request, who: SignedInVisitor, topic: str, name: str) -> Response:
    """Bring the lesson to the person's server by nbgitpuller, keeping their edits, and open it in Lab."""
    campus = campus_of(request)
    slug = f"{topic}/{name}"
    if not any(slug in course.lessons for course in campus.courses.values()):
        raise HTTPException(404, f"There is no lesson {slug}.")
    with Session(campus.engine) as session, session.begin():
        if session.get(LessonVisit, (who.name, slug)) is None:
            session.add(LessonVisit(person=who.name, lesson=slug))
    query = {
        "repo": f"http://127.0.0.1:{campus.settings.campus_port}{PREFIX}/git/lessons",
        "branch": "main",
        "targetPath": "lessons",
        "urlpath": f"lab/tree/lessons/{slug}.ipynb",
    }
    return RedirectResponse(
        f"{campus.settings.url}/hub/user-redirect/git-pull?{urlencode(query)}", status_code=303
    )


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
    with Session(campus.engine) as session, session.begin():
        session.merge(LessonVisit(person=who.name, lesson=f"{topic}/{name}", done=done == "yes"))
    return RedirectResponse(f"{PREFIX}/course/{chosen.id}", status_code=303)


@router.post("/join", include_in_schema=False)
async def join(request: Request, who: FormVisitor, code: Annotated[str, Form()]) -> Response:
    """Enrol the person in the course of a class code."""
    campus = campus_of(request)
    with Session(campus.engine) as session, session.begin():
        course = course_of_code(session, code)
        enrol(session, course, who.name)
    return RedirectResponse(f"{PREFIX}/course/{course}", status_code=303)


@router.get("/feedback/{course_id}/{exercise}", response_class=HTMLResponse, include_in_schema=False)
async def feedback(request: Request, who: SignedInVisitor, course_id: str, exercise: str) -> Response:
    """Show a person's own released feedback. It holds their HTML, so it is cleaned and may run nothing."""
    campus = campus_of(request)
    course = course_for(campus, who, course_id)
    if exercise not in course.exercises:
        raise HTTPException(404, f"There is no exercise {exercise} in this course.")
    text = feedback_page(campus.places, course, exercise, who.name)
    if text is None:
        raise HTTPException(
            404, "There is no feedback for you yet. It appears here when your instructor releases it."
        )
    tags = nh3.ALLOWED_TAGS | {"section", "figure"}
    allowed = {**nh3.ALLOWED_ATTRIBUTES, "*": {"class", "id"}, "img": {"src", "alt"}}
    body = nh3.clean(text, tags=tags, attributes=allowed, url_schemes={"http", "https", "data"})
    response = page(campus, who, "feedback.html", course=course, exercise=exercise, feedback=body)
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-top-navigation; "
        "frame-ancestors 'none'"
    )
    return response


@router.get("/logout", include_in_schema=False)
async def logout(request: Request) -> Response:
    """End the session here, then at the hub."""
    campus = campus_of(request)
    campus.sessions.pop(request.cookies.get("campus-session", ""), None)
    return RedirectResponse(f"{campus.settings.url}/hub/logout", status_code=303)


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


def _card(campus: Campus, course: Course, who: Visitor) -> dict[str, Any]:
    rows = _rows(campus, course, who)
    lessons = [row for row in rows if row["kind"] == "lesson"]
    exercises = [row for row in rows if row["kind"] == "exercise"]
    undone = next((row for row in lessons if row["state"] != "done"), None)
    due = sorted((row for row in exercises if row["due"] and row["open"]), key=lambda row: row["due_utc"])
    return {
        "course": course,
        "role": who.roles[course.id],
        "done": sum(row["state"] == "done" for row in lessons),
        "lessons": len(lessons),
        "due": due[0] if due else None,
        "score": sum(row["score"] or 0 for row in exercises),
        "points": sum(row["points"] for row in exercises),
        "next": {"course": course, **undone} if undone and who.roles[course.id] == "student" else None,
    }


def _rows(campus: Campus, course: Course, who: Visitor) -> list[dict[str, Any]]:
    with Session(campus.engine) as session:
        query = select(LessonVisit).where(LessonVisit.person == who.name)
        visits = {visit.lesson: visit.done for visit in session.scalars(query)}
    rows: list[dict[str, Any]] = []
    for unit in course.units:
        if unit.lesson:
            rows.append(_lesson_row(campus, unit.lesson, visits))
        if unit.exercise:
            rows.append(_exercise_row(campus, course, unit.exercise, who))
    return rows


def _lesson_row(campus: Campus, slug: str, visits: dict[str, bool]) -> dict[str, Any]:
    lesson = read_lesson(campus.places.lesson(slug))
    state = "not started" if slug not in visits else "done" if visits[slug] else "opened"
    return {
        "kind": "lesson",
        "state": state,
        **lesson.model_dump(include={"slug", "title", "objectives", "minutes"}),
    }


def _exercise_row(campus: Campus, course: Course, slug: str, who: Visitor) -> dict[str, Any]:
    exercise = read_exercise(campus.places.exercise(slug))
    unit = course.unit_of(slug)
    where = standing(campus.places, course, slug, who.name)
    return {
        "kind": "exercise",
        "slug": slug,
        "title": exercise.title,
        "points": exercise.points,
        "due": in_zone(unit.due, course.zone) if unit.due else None,
        "due_utc": unit.due,
        "open": unit.due is None or unit.due > dt.datetime.now(dt.UTC),
        "state": _words(where, course),
        "score": where.score if where.feedback else None,
        "feedback": where.feedback,
    }


def _words(where: Standing, course: Course) -> str:
    if where.feedback and where.score is not None:
        return f"graded {where.score:g}/{where.max_score:g}"
    if where.submitted is None:
        return "not submitted"
    when = f"submitted {in_zone(where.submitted, course.zone)}"
    return f"{when}, graded, feedback to come" if where.score is not None else when
