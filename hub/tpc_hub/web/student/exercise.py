"""The page of one exercise: what is asked, what was handed in, where it waits, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from tpc_courses.sources.exercise import Exercise, Part, read_exercise
from tpc_courses.sources.manifest import Course
from tpc_grader.database import engine as database
from tpc_grader.desk import regrade
from tpc_grader.feedback.records import may_see_score, newest_feedback, standing
from tpc_grader.grades import visibility
from tpc_grader.grades.scores import Score, cell_scores
from tpc_grader.queue import queue
from tpc_grader.queue.progress import Progress
from tpc_grader.results.points import shown
from tpc_grader.results.results import CellScore
from tpc_grader.submissions.archive import Refused
from tpc_grader.submissions.store import Submission

from tpc_hub.people.people import PeopleError
from tpc_hub.web.api.intake import intake_of
from tpc_hub.web.session.identity import PREFIX, FormVisitor, SignedInVisitor, campus_of, course_for
from tpc_hub.web.session.times import in_zone
from tpc_hub.web.student.pages import page
from tpc_hub.web.student.sentences import (
    due_line,
    is_closed,
    overdue_line,
    score_line,
    seen_when,
    waiting_parts,
    where_it_stands,
)

router = APIRouter()
AGAIN_SECONDS = 5


@dataclass(frozen=True)
class PartResult:
    """One part of an exercise as the student sees it now: `state` in words, `mood` good, warn, bad or empty."""

    name: str
    points: float
    state: str
    mood: str = ""
    message: str = ""


@router.get("/exercise/{course_id}/{slug}", response_class=HTMLResponse, include_in_schema=False)
async def exercise_page(request: Request, who: SignedInVisitor, course_id: str, slug: str) -> Response:
    """Show an exercise to a person of its course; it follows what is being graded."""
    campus = campus_of(request)
    course = course_for(campus, who, course_id)
    if slug not in course.exercises:
        raise HTTPException(404, f"There is no exercise {slug} in this course.")
    exercise = read_exercise(campus.places.exercise(slug))
    attempts = intake_of(request).store.all(course.id, slug, who.name)
    progress = queue.progress(campus.places, attempts[0].id) if attempts else None
    found = newest_feedback(campus.places, course, slug, who.name)
    where = standing(campus.places, course, slug, who.name)
    seen = bool(attempts) and may_see_score(campus.places, course, slug, who.name)
    kept = cell_scores(campus.places, course.id, slug, who.name) if attempts else {}
    waits = waiting_parts(kept)
    # Scores of earlier work say nothing of the parts of the newest.
    scores = kept if seen and where.of_newest else {}
    until, now = intake_of(request).deadline(course.id, slug, who.name), database.utcnow()
    policy = visibility.results_policy(campus.places, course)
    when = seen_when(policy, until.due, course)
    newest_waits = waits if where.of_newest else {}
    status = where_it_stands(progress, newest_waits, exercise, when) if progress else None
    is_graded_now = progress is not None and progress.state in ("queued", "running")
    return page(
        campus,
        who,
        "exercise.html",
        course=course,
        exercise=exercise,
        due=due_line(until, course, now),
        overdue=overdue_line(until, course, now),
        closed=is_closed(until, now),
        attempts=[_attempt(course, each) for each in attempts],
        score_line=score_line(where, waits, course) if seen else "",
        status=status,
        parts=part_results(exercise, progress, scores),
        scores=scores,
        requests=regrade.requests_of(campus.places, course.id, slug, who.name),
        feedback=found is not None,
        feedback_of=in_zone(found[0].received_at, course.zone)
        if found and found[0].id != attempts[0].id
        else "",
        again=AGAIN_SECONDS if is_graded_now else None,
    )


@router.get("/receipt/{submission}.json", tags=["receipts"])
async def receipt(request: Request, who: SignedInVisitor, submission: str) -> Response:
    """Return the receipt of an own submission as the file to keep."""
    try:
        found = intake_of(request).store.get(submission)
    except KeyError:
        found = None
    if found is None or found.student != who.name:
        raise HTTPException(404, "There is no such submission of yours.")
    name = f"receipt-{found.exercise}-{found.receipt.code}.json"
    return Response(
        found.receipt.text(),
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.post("/exercise/{course_id}/{slug}/regrade", include_in_schema=False)
async def ask_for_regrade(
    request: Request,
    who: FormVisitor,
    course_id: str,
    slug: str,
    cell: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Keep a student's request that a part be graded again; the answer appears on the same page."""
    campus = campus_of(request)
    course = course_for(campus, who, course_id, "student")
    newest = intake_of(request).store.newest(course.id, slug, who.name)
    if newest is None:
        raise HTTPException(404, "You have handed in nothing for this exercise.")
    try:
        regrade.request(campus.places, course, newest, cell, reason)
    except Refused as e:
        raise PeopleError(str(e), e.field, 400 if e.status == 422 else e.status) from e
    return RedirectResponse(f"{PREFIX}/exercise/{course.id}/{slug}#regrade", status_code=303)


def part_results(
    exercise: Exercise, progress: Progress | None, scores: Mapping[str, Score]
) -> list[PartResult]:
    """Return each part with what its student may know: the score, else how the visible tests went.

    `scores` are the gradebook's and empty while hidden: what a person changed by hand counts before the run.
    """
    result = progress.result if progress else None
    public = progress.public_result if progress else None
    said = {cell.name: cell.message for cell in (result.cells if result else ())}
    tried = {cell.name: cell for cell in (public.cells if public else ())}
    return [
        _part(part, scores.get(part.name), said.get(part.name, ""), tried.get(part.name))
        for part in exercise.parts
    ]


def _part(part: Part, score: Score | None, message: str, tried: CellScore | None) -> PartResult:
    if score is not None and score.points is not None and not score.needs_person:
        mood = "good" if score.points >= score.max_score else "bad" if score.points <= 0 else "warn"
        words = f"{shown(score.points)} of {shown(score.max_score)}"
        return PartResult(part.name, part.points, words, mood, message)
    if part.manual:
        return PartResult(part.name, part.points, "read by your instructor")
    if tried is not None:
        words = "visible tests passed" if tried.passed else "visible tests not passed"
        return PartResult(part.name, part.points, words, "good" if tried.passed else "bad", tried.message)
    return PartResult(part.name, part.points, "not graded yet")


def _attempt(course: Course, submission: Submission) -> dict[str, Any]:
    return {
        "id": submission.id,
        "when": in_zone(submission.received_at, course.zone),
        "exact": submission.received_at.isoformat(),
        "code": submission.receipt.code,
        "sha256": submission.sha256,
        "version": submission.version,
        "files": [file.name for file in submission.files],
    }
