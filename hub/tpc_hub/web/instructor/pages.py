"""Pages of an instructor: the class at a glance, what needs a person, and the buttons that act on it."""

from __future__ import annotations

import asyncio
import functools
import json
import sys
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import select
from tpc_courses.base.local_time import Unclear, iso
from tpc_courses.base.words import counted
from tpc_courses.sources.exercise import read_exercise
from tpc_courses.sources.manifest import Course
from tpc_grader.database import audit
from tpc_grader.database.locks import is_serving
from tpc_grader.desk import regrade
from tpc_grader.desk.extensions import give_time, moment_in
from tpc_grader.desk.unread import unread
from tpc_grader.grades import visibility
from tpc_grader.grades.late import extensions
from tpc_grader.grades.scores import cell_scores
from tpc_grader.worker.classwork import newest_jobs, queue_class

from tpc_hub.formgrading.start import ensure_formgrader
from tpc_hub.people import people
from tpc_hub.people.people import LEFT, ClassCode, Enrolment, PeopleError, Person
from tpc_hub.web.instructor import grades
from tpc_hub.web.instructor.changes import change_of
from tpc_hub.web.instructor.classroom import FILTERS, arranged, class_rows, outdated_counts
from tpc_hub.web.instructor.person_forms import approve_person
from tpc_hub.web.session.announcing import shown
from tpc_hub.web.session.forms import (
    AGAIN_SECONDS,
    authorised,
    back,
    check_student,
    in_thread,
    notices,
    shown_name,
    title_of,
)
from tpc_hub.web.session.identity import FormVisitor, SignedInVisitor, Visitor, campus_of, course_for
from tpc_hub.web.session.notices import Watch
from tpc_hub.web.session.state import Campus
from tpc_hub.web.session.times import in_zone
from tpc_hub.web.student.pages import page

router = APIRouter(prefix="/course/{course_id}")
AUDIT_ENTRIES = 200
_releasing: dict[tuple[str, str], asyncio.Task[str]] = {}


@router.get("/class", response_class=HTMLResponse, include_in_schema=False)
async def class_page(
    request: Request,
    who: SignedInVisitor,
    course_id: str,
    sort: str = "",
    show: str = "",
) -> Response:
    """Show the class: what needs a person on top, then students x exercises, then the forms."""
    campus = campus_of(request)
    course = course_for(campus, who, course_id, "instructor")
    running = [slug for (where, slug), task in _releasing.items() if where == course.id and not task.done()]
    values = await in_thread(_class_values, campus, course, who, sort, show)
    # What ended meanwhile is told on this page or, when its line came too late, on the next.
    told = {note.partition(":")[0] for note in values["notes"]}
    titles = {title_of(campus, slug) for slug in running}
    releasing = sorted(titles - told)
    values["doing"] += [f"Making and releasing feedback of {title} ..." for title in releasing]
    again = AGAIN_SECONDS if values["doing"] else None
    return page(campus, who, "class.html", course=course, sort=sort, show=show, again=again, **values)


@router.get("/class.json", tags=["class"])
async def class_json(request: Request, who: SignedInVisitor, course_id: str) -> list[dict[str, Any]]:
    """Return one row per student: name, display name, and per exercise state, submitted time and score."""
    campus = campus_of(request)
    course = course_for(campus, who, course_id, "instructor")
    return [row.as_json() for row in await in_thread(class_rows, campus, course)]


@router.get("/grades.csv", tags=["class"])
async def grades_csv(request: Request, who: SignedInVisitor, course_id: str) -> Response:
    """Return the grades of the class as CSV."""
    campus = campus_of(request)
    course = course_for(campus, who, course_id, "instructor")
    rows = await in_thread(class_rows, campus, course)
    maxima = {slug: read_exercise(campus.places.exercise(slug)).points for slug in course.exercises}
    text = grades.grades_csv(course, rows, maxima)
    disposition = f'attachment; filename="{course.id}-grades.csv"'
    return Response(text, media_type="text/csv; charset=utf-8", headers={"Content-Disposition": disposition})


@router.get("/audit", response_class=HTMLResponse, include_in_schema=False)
async def audit_page(request: Request, who: SignedInVisitor, course_id: str, student: str = "") -> Response:
    """Show who changed what about grades in this course, newest first."""
    campus = campus_of(request)
    course = course_for(campus, who, course_id, "instructor")
    rows = await in_thread(
        audit.entries, campus.places, course.id, student=student, limit=AUDIT_ENTRIES, after=0, exercise=""
    )
    entries = [change_of(row, course.zone) for row in reversed(rows)]
    titles = {slug: title_of(campus, slug) for slug in course.exercises}
    return page(campus, who, "audit.html", course=course, entries=entries, student=student, titles=titles)


@router.post("/grade", include_in_schema=False)
async def grade(
    request: Request, who: FormVisitor, course_id: str, exercise: Annotated[str, Form()]
) -> Response:
    """Queue what was handed in and is not graded, or failed by a fault of the grader."""
    campus, course = authorised(request, who, course_id, exercise)
    title = title_of(campus, exercise)
    jobs = await in_thread(queue_class, campus.places, course, exercise)
    if jobs:
        done = functools.partial(_graded, campus, course, exercise, tuple(jobs))
        notices.watch((who.name, course.id), Watch(f"Grading {title}", tuple(jobs), done))
    else:
        told = f"Nothing to grade: the tests of all that was handed in for {title} have run"
        notices.say((who.name, course.id), told)
    return back(course)


@router.post("/feedback", include_in_schema=False)
async def feedback(
    request: Request, who: FormVisitor, course_id: str, exercise: Annotated[str, Form()]
) -> Response:
    """Make the feedback of an exercise and let students see it, with their scores."""
    campus, course = authorised(request, who, course_id, exercise)
    running = _releasing.get((course.id, exercise))
    if running is None or running.done():
        _releasing[course.id, exercise] = asyncio.create_task(_release(campus, course, exercise, who))
    return back(course)


@router.post("/extend", include_in_schema=False)
async def extend(
    request: Request,
    who: FormVisitor,
    course_id: str,
    exercise: Annotated[str, Form()],
    student: Annotated[str, Form()],
    until: Annotated[str, Form()],
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Give one student more time."""
    campus, course = authorised(request, who, course_id, exercise)
    check_student(campus, course, student)
    try:
        moment = await in_thread(moment_in, course, until)
    except Unclear as e:
        fields = {"exercise": exercise, "student": student, "reason": reason}
        return _which_time(campus, course, who, e, until, str(request.url.path), "until", fields)
    await in_thread(give_time, campus.places, course, exercise, student, moment, reason, who.name)
    told = f"{shown_name(campus, student)} may hand in {title_of(campus, exercise)}"
    told += f" until {in_zone(moment, course.zone)}"
    notices.say((who.name, course.id), told)
    return back(course)


@router.post("/results", include_in_schema=False)
async def results(
    request: Request, who: FormVisitor, course_id: str, policy: Annotated[str, Form()]
) -> Response:
    """Decide when students see their scores."""
    campus, course = authorised(request, who, course_id)
    await in_thread(visibility.set_results_policy, campus.places, course, policy, who.name)
    notices.say((who.name, course.id), f"Students see their scores: {_POLICIES[policy]}")
    return back(course)


@router.post("/answer", include_in_schema=False)
async def answer(
    request: Request,
    who: FormVisitor,
    course_id: str,
    number: Annotated[int, Form()],
    words: Annotated[str, Form()] = "",
    points: Annotated[str, Form()] = "",
) -> Response:
    """Answer a student's request for a regrade; with points the score is set by hand."""
    campus, course = authorised(request, who, course_id)
    try:
        score = float(points.replace(",", ".")) if points.strip() else None
    except ValueError as e:
        raise PeopleError(f"{points!r} is no number of points. Nothing was changed.", "points") from e
    row = await in_thread(regrade.answer, campus.places, course, number, who.name, words, score)
    told = f"{shown_name(campus, row.student)}, {row.cell}: answered, the score was {row.decision}"
    notices.say((who.name, course.id), told)
    return back(course)


@router.post("/approve-all", include_in_schema=False)
async def approve_all(
    request: Request, who: FormVisitor, course_id: str, names: Annotated[list[str], Form()]
) -> Response:
    """Let everybody in whom the page listed as waiting."""
    campus, course = authorised(request, who, course_id)
    for name in names:
        await in_thread(approve_person, campus, course, who, name)
    notices.say((who.name, course.id), f"Approved {', '.join(shown_name(campus, name) for name in names)}")
    return back(course)


@router.post("/formgrader", include_in_schema=False)
async def formgrader(
    request: Request, who: FormVisitor, course_id: str, exercise: Annotated[str, Form()] = ""
) -> Response:
    """Open nbgrader's formgrader, started when it does not run, at the work of an exercise or at its first page."""
    campus, course = authorised(request, who, course_id, exercise or None)
    address = await ensure_formgrader(campus.places, campus.settings, course, list(campus.courses))
    return RedirectResponse(f"{address}?exercise={exercise}" if exercise else address, 303)


def _which_time(
    campus: Campus,
    course: Course,
    who: Visitor,
    unclear: Unclear,
    local: str,
    action: str,
    asked: str,
    fields: dict[str, str],
) -> Response:
    """Ask a form's time back: the same form, with a button for each moment that can be meant."""
    readings = [(iso(each, course.zone), in_zone(each, course.zone)) for each in unclear.readings]
    told = {"local": local.replace("T", " "), "exists": unclear.exists, "readings": readings}
    response = page(
        campus, who, "which-time.html", course=course, action=action, asked=asked, fields=fields, **told
    )
    response.status_code = 422
    return response


_POLICIES = {
    "now": "as soon as they are graded",
    "after-due": "after the due date",
    "on-release": "when you release them",
}


def _class_values(campus: Campus, course: Course, who: Visitor, sort: str, show: str) -> dict[str, Any]:
    """Return everything the class page shows."""
    rows = class_rows(campus, course)
    notes, doing = notices.take(campus.places, (who.name, course.id))
    with people.session(campus.places) as session:
        code = session.scalar(select(ClassCode.code).where(ClassCode.course == course.id))
    failed = [(row, slug, cell) for row in rows for slug, cell in row.cells.items() if cell.failed]
    names = {row.name for row in rows}
    requests = [each for each in regrade.requests_of(campus.places, course.id) if each.student in names]
    exercises = [read_exercise(campus.places.exercise(slug)) for slug in course.exercises]
    return {
        "rows": arranged(rows, sort, show),
        "students": rows,
        "exercises": exercises,
        "to_grade": {
            slug: sum(row.cells[slug].state == "waits to be graded" for row in rows)
            for slug in course.exercises
        },
        "by_hand": {
            slug: count
            for slug in course.exercises
            if (count := sum(row.cells[slug].by_hand > 0 for row in rows))
        },
        "failed": failed,
        "titles": {each.slug: each.title for each in exercises},
        "unread": {slug: unread(campus.places, course.id, slug) for slug in course.exercises},
        "requests": [
            (each, cell_scores(campus.places, course.id, each.exercise, each.student).get(each.cell))
            for each in requests
            if not each.decision
        ],
        "answered": [each for each in requests if each.decision],
        "waiting": [row for row in rows if not row.approved],
        "instructors": _people(campus, course, "instructor"),
        "left": _people(campus, course, LEFT),
        "outdated": outdated_counts(campus, course, rows),
        "extensions": [
            (each, in_zone(each.until, course.zone))
            for each in extensions(campus.places, course.id)
            if each.student in names
        ],
        "announcements": shown(campus, course),
        "policy": visibility.results_policy(campus.places, course),
        "policies": _POLICIES,
        "released": {
            slug for slug in course.exercises if visibility.is_released(campus.places, course.id, slug)
        },
        "filters": FILTERS,
        "serving": is_serving(campus.places),
        "code": code,
        "notes": notes,
        "doing": doing,
    }


def _people(campus: Campus, course: Course, role: str) -> list[Any]:
    query = (
        select(Person.name, Person.display_name)
        .join(Enrolment, Enrolment.person == Person.name)
        .where(Enrolment.course == course.id, Enrolment.role == role)
        .order_by(Person.name)
    )
    with people.session(campus.places) as session:
        return list(session.execute(query))


def _graded(campus: Campus, course: Course, exercise: str, numbers: tuple[int, ...]) -> str:
    jobs = [
        each for each in newest_jobs(campus.places, course.id, exercise).values() if each.number in numbers
    ]
    failed = sum(job.state == "failed" for job in jobs)
    done = len(numbers) - failed
    line = f"{title_of(campus, exercise)}: graded {counted(done, 'submission')}, {failed} failed"
    waiting = unread(campus.places, course.id, exercise)
    return f"{line}. {waiting}" if waiting.parts else line


async def _release(campus: Campus, course: Course, exercise: str, who: Visitor) -> str:
    """Run the command an operator could type: nbgrader needs seconds and a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tpc_hub.cli", "feedback", course.id, exercise, "--json", "--by", who.name),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=campus.places.root,
    )
    out, err = await process.communicate()
    title = title_of(campus, exercise)
    if process.returncode:
        reason = (err.decode(errors="replace").strip().splitlines() or ["no reason given"])[-1]
        told = f"{title}: feedback was not released. {reason}"
    else:
        told = f"{title}: {json.loads(out.decode().strip().splitlines()[-1])['summary']}"
    notices.say((who.name, course.id), told)
    return told
