"""Where a submission stands in the queue: for the student who waits, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import current_courses

from tpc_grader.database import engine as database
from tpc_grader.feedback.publish import released_feedback
from tpc_grader.grades.visibility import may_see
from tpc_grader.queue.estimates import Wait, wait_for
from tpc_grader.queue.jobs import JobRow, line
from tpc_grader.results.results import Graded


@dataclass(frozen=True)
class Progress:
    """`position` is 1 for who is next, 0 when not waiting.

    `seconds_left` to the score and `public_seconds_left` to the result of the visible tests are what nine of ten
    stay below, and None when nothing is awaited or nobody can tell. `public_result` is of the released tests.
    `result` is the score, and None while the course hides it. `superseded` means that newer work of the student
    took its place.
    """

    state: Literal["queued", "running", "graded", "failed", "superseded"]
    position: int = 0
    seconds_left: float | None = None
    public_seconds_left: float | None = None
    public_result: Graded | None = None
    result: Graded | None = None
    reason: str = ""


def progress(places: Places, submission: str) -> Progress:
    """Return where a submission stands; one that was kept but not queued yet waits at the end."""
    with database.session(places) as session:
        query = select(JobRow).where(JobRow.submission == submission, JobRow.kind != "trial")
        rows = list(session.scalars(query.order_by(JobRow.number)))
    public = _newest(rows, "public")
    # A regrade that runs hides no score that is there.
    full = _newest([row for row in rows if row.state == "graded"], "full") or _newest(rows, "full")
    if full is None:
        return Progress("queued", position=len(line(places).waiting) + 1)
    seen = full.state == "graded" and _is_visible(places, full)
    state = _STATES[full.state]
    left = wait_for(places, public, full) if state in ("queued", "running") else Wait()
    return Progress(
        state,
        left.position,
        left.recorded_seconds,
        None if public is not None and public.result else left.public_seconds,
        public_result=_result(public),
        result=_result(full) if seen else None,
        reason=_FAILED if state == "failed" else "",
    )


_STATES: dict[str, Literal["queued", "running", "graded", "failed", "superseded"]] = {
    "queued": "queued",
    "running": "running",
    "ran": "running",
    "recording": "running",
    "graded": "graded",
    "failed": "failed",
    "superseded": "superseded",
}
_FAILED = "The grader had a fault that is not yours. Your work is safe, and your instructor sees this too."


def _is_visible(places: Places, job: JobRow) -> bool:
    course = current_courses(places)[job.course]
    released = bool(released_feedback(places, job.submission))
    return released or may_see(places, course, job.exercise, job.student)


def _newest(rows: list[JobRow], kind: str) -> JobRow | None:
    return next((row for row in reversed(rows) if row.kind == kind), None)


def _result(row: JobRow | None) -> Graded | None:
    return Graded.from_json(row.result) if row is not None and row.result else None
