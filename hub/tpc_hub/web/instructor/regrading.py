"""Regrading a class from the browser: try the corrected exercise, look at what changes, apply it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from tpc_courses.base.words import counted
from tpc_courses.sources.exercise import read_exercise
from tpc_grader.desk import regrade

from tpc_hub.people.people import PeopleError
from tpc_hub.web.session.forms import (
    AGAIN_SECONDS,
    authorised,
    back,
    check_exercise,
    in_thread,
    notices,
    title_of,
)
from tpc_hub.web.session.identity import PREFIX, FormVisitor, SignedInVisitor, campus_of, course_for
from tpc_hub.web.session.notices import Watch
from tpc_hub.web.student.pages import page

router = APIRouter(prefix="/course/{course_id}")


@router.get("/regrade/{exercise}", response_class=HTMLResponse, include_in_schema=False)
async def regrade_page(request: Request, who: SignedInVisitor, course_id: str, exercise: str) -> Response:
    """Show what grading everybody under the corrected exercise would change; nothing is written by looking."""
    campus = campus_of(request)
    course = course_for(campus, who, course_id, "instructor")
    check_exercise(course, exercise)
    notes, doing = notices.take(campus.places, (who.name, course.id))
    trial = await in_thread(regrade.started_trial, campus.places, course, exercise)
    changes = await in_thread(trial.changes, campus.places)
    return page(
        campus,
        who,
        "regrade.html",
        course=course,
        exercise=read_exercise(campus.places.exercise(exercise)),
        trial=trial,
        changes=changes,
        summary=trial.summary(campus.places, changes),
        notes=notes,
        doing=doing,
        again=AGAIN_SECONDS if doing else None,
    )


@router.post("/regrade/{exercise}/try", include_in_schema=False)
async def try_regrade(request: Request, who: FormVisitor, course_id: str, exercise: str) -> Response:
    """Grade everybody's newest work under the corrected exercise, without writing a score."""
    campus, course = authorised(request, who, course_id, exercise)
    trial = await in_thread(regrade.start_trial, campus.places, course, exercise, who.name)
    title = title_of(campus, exercise)
    done = functools.partial(str, f"Tried the corrected version of {title} on {_submissions(trial.jobs)}")
    notices.watch((who.name, course.id), Watch(f"Trying the corrected version of {title}", trial.jobs, done))
    return RedirectResponse(f"{PREFIX}/course/{course.id}/regrade/{exercise}", status_code=303)


@router.post("/regrade/{exercise}/apply", include_in_schema=False)
async def apply_regrade(
    request: Request, who: FormVisitor, course_id: str, exercise: str, version: Annotated[str, Form()]
) -> Response:
    """Write the scores of a trial into the gradebook; what was looked at is what is written."""
    campus, course = authorised(request, who, course_id, exercise)
    trial = await in_thread(regrade.started_trial, campus.places, course, exercise)
    if trial.version != version:
        raise PeopleError(
            "The exercise was released again meanwhile. Nothing was written: try that version first."
        )
    jobs = await in_thread(regrade.apply_trial, campus.places, trial, who.name)
    title = title_of(campus, exercise)
    done = functools.partial(str, f"{title}: applied the corrected version to {_submissions(jobs)}")
    notices.watch((who.name, course.id), Watch(f"Writing scores of {title}", tuple(jobs), done))
    return back(course)


def _submissions(jobs: Sequence[int]) -> str:
    return counted(len(jobs), "submission")
