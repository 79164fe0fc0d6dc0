"""Pages of an instructor: the class at a glance, grading, feedback, formgrader, grades as CSV, approvals."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from tpc_courses.exercise import read_exercise
from tpc_courses.manifest import Course
from tpc_grader.records import standing

from tpc_hub.campus.identity import PREFIX, FormVisitor, SignedInVisitor, campus_of, course_for
from tpc_hub.campus.state import Campus
from tpc_hub.campus.student import page
from tpc_hub.campus.times import in_zone
from tpc_hub.formgrader import ensure_formgrader
from tpc_hub.people import ClassCode, Person, members
from tpc_hub.roster import csv_text

router = APIRouter(prefix="/course/{course_id}")
_jobs: dict[tuple[str, str, str], asyncio.Task[str]] = {}


@router.get("/class", response_class=HTMLResponse, include_in_schema=False)
async def class_page(request: Request, who: SignedInVisitor, course_id: str) -> Response:
    """Show the class: students x exercises, what waits for a person, and the buttons."""
    campus = campus_of(request)
    course = course_for(campus, who, course_id, "instructor")
    jobs = [(verb, slug, task) for (job_course, verb, slug), task in _jobs.items() if job_course == course.id]
    notes = [f"{verb} {slug}: {_result(task)}" for verb, slug, task in jobs]
    with Session(campus.engine) as session:
        code = session.scalar(select(ClassCode.code).where(ClassCode.course == course.id))
        waiting = [
            name
            for name in members(session, course.id, "student")
            if not session.get_one(Person, name).approved
        ]
    return page(
        campus,
        who,
        "class.html",
        course=course,
        table=class_table(campus, course),
        exercises=[read_exercise(campus.places.exercise(slug)) for slug in course.exercises],
        notes=notes,
        running=any(not task.done() for _, _, task in jobs),
        code=code,
        waiting=waiting,
    )


@router.get("/class.json", tags=["class"])
async def class_json(request: Request, who: SignedInVisitor, course_id: str) -> list[dict[str, Any]]:
    """Return one row per student: name, display name, and per exercise submitted time and score."""
    campus = campus_of(request)
    return class_table(campus, course_for(campus, who, course_id, "instructor"))


@router.get("/grades.csv", tags=["class"])
async def grades_csv(request: Request, who: SignedInVisitor, course_id: str) -> Response:
    """Return the grades of the class as CSV."""
    campus = campus_of(request)
    course = course_for(campus, who, course_id, "instructor")
    text = grades_text(campus, course)
    disposition = f'attachment; filename="{course.id}-grades.csv"'
    return Response(text, media_type="text/csv; charset=utf-8", headers={"Content-Disposition": disposition})


@router.post("/{verb}", include_in_schema=False)
async def start_job(
    request: Request,
    who: FormVisitor,
    course_id: str,
    verb: str,
    exercise: Annotated[str, Form()] = "",
    person: Annotated[str, Form()] = "",
) -> Response:
    """Grade, release feedback, approve a sign-up, or open the formgrader."""
    campus = campus_of(request)
    course = course_for(campus, who, course_id, "instructor")
    if verb == "formgrader":
        return RedirectResponse(
            await ensure_formgrader(campus.places, campus.settings, course, list(campus.courses)), 303
        )
    if verb == "approve":
        _approve(campus, course, person)
    elif verb in ("grade", "feedback") and exercise in course.exercises:
        running = _jobs.get((course.id, verb, exercise))
        if running is None or running.done():
            _jobs[course.id, verb, exercise] = asyncio.create_task(_run(campus, verb, course.id, exercise))
    else:
        raise HTTPException(404, f"There is nothing called {verb} {exercise} here.")
    return RedirectResponse(f"{PREFIX}/course/{course.id}/class", status_code=303)


def class_table(campus: Campus, course: Course) -> list[dict[str, Any]]:
    """Return one row per student with the state of every exercise."""
    with Session(campus.engine) as session:
        students = {
            name: session.get_one(Person, name).display_name
            for name in members(session, course.id, "student")
        }
    rows = []
    for name, display_name in students.items():
        cells = {}
        for slug in course.exercises:
            where = standing(campus.places, course, slug, name)
            cells[slug] = {
                "submitted": in_zone(where.submitted, course.zone) if where.submitted else None,
                "score": where.score,
                "max_score": where.max_score,
                "feedback": where.feedback,
                "needs_person": where.needs_person,
            }
        rows.append({"name": name, "display_name": display_name, "exercises": cells})
    return rows


def grades_text(campus: Campus, course: Course) -> str:
    """Return the grades as CSV: one row per student, one column per exercise."""
    rows: list[dict[str, object]] = []
    for row in class_table(campus, course):
        scores = {
            slug: "" if cell["score"] is None else cell["score"] for slug, cell in row["exercises"].items()
        }
        rows.append({"name": row["name"], "display_name": row["display_name"], **scores})
    return csv_text(rows, ["name", "display_name", *course.exercises])


def _approve(campus: Campus, course: Course, name: str) -> None:
    with Session(campus.engine) as session, session.begin():
        person = session.get(Person, name)
        if person is None or name not in members(session, course.id, "student"):
            raise HTTPException(404, f"{name} has not signed up for this course.")
        person.approved = True


async def _run(campus: Campus, verb: str, course: str, exercise: str) -> str:
    """Run the command an instructor could type; returns its last line. Grading leaves this process free."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tpc_hub.cli", verb, course, exercise, "--json"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=campus.places.root,
    )
    out, err = await process.communicate()
    if process.returncode:
        return "failed: " + (err.decode(errors="replace").strip().splitlines() or ["no reason given"])[-1]
    return str(json.loads(out.decode().strip().splitlines()[-1])["summary"])


def _result(task: asyncio.Task[str]) -> str:
    return task.result() if task.done() else "running"
