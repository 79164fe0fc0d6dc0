"""Where a submission stands in the queue: for the student who waits, and for how long."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from tpc_courses.manifest import read_course
from tpc_courses.places import Places

from tpc_grader.database import open_database
from tpc_grader.jobs import JobRow, waiting
from tpc_grader.results import Graded
from tpc_grader.visibility import may_see

# Run times are estimated from the last so many, and guessed before the first.
_MEASURED = 20
_GUESSED_SECONDS = 10.0


@dataclass(frozen=True)
class Progress:
    """`position` is 1 for who is next, 0 when not waiting; `seconds_left` is None when nothing is awaited.

    `public_result` is of the released tests. `result` is the score, and None while the course hides it.
    `superseded` means that newer work of the student took its place.
    """

    state: Literal["queued", "running", "graded", "failed", "superseded"]
    position: int = 0
    seconds_left: float | None = None
    public_result: Graded | None = None
    result: Graded | None = None
    reason: str = ""


def progress(places: Places, submission: str) -> Progress:
    """Return where a submission stands; one that was kept but not queued yet waits at the end."""
    with Session(open_database(places.database_url), expire_on_commit=False) as session:
        query = select(JobRow).where(JobRow.submission == submission, JobRow.kind != "trial")
        rows = list(session.scalars(query.order_by(JobRow.number)))
    public = _newest(rows, "public")
    # A regrade that runs hides no score that is there.
    full = _newest([row for row in rows if row.state == "graded"], "full") or _newest(rows, "full")
    if full is None:
        return Progress("queued", position=len(waiting(places)) + 1)
    seen = full.state == "graded" and _is_visible(places, full)
    state = _STATES[full.state]
    position, seconds_left = _ahead(places, full) if state in ("queued", "running") else (0, None)
    return Progress(
        state,
        position,
        seconds_left,
        public_result=_result(public),
        result=_result(full) if seen else None,
        reason=_FAILED if state == "failed" else "",
    )


def run_seconds(places: Places, course: str, exercise: str, kind: str) -> float:
    """Return how long a run of an exercise takes, by the last runs."""
    last = (
        select(JobRow.seconds)
        .where(JobRow.course == course, JobRow.exercise == exercise, JobRow.kind == kind, JobRow.seconds > 0)
        .order_by(JobRow.number.desc())
        .limit(_MEASURED)
        .subquery()
    )
    with Session(open_database(places.database_url)) as session:
        return session.scalar(select(func.avg(last.c.seconds))) or _GUESSED_SECONDS


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


def _ahead(places: Places, job: JobRow) -> tuple[int, float]:
    """Return a job's place in the queue and the seconds until it is done."""
    time = functools.cache(functools.partial(run_seconds, places))
    own = time(job.course, job.exercise, job.kind)
    if job.state != "queued":
        return 0, own
    order = waiting(places)
    place = next((index for index, each in enumerate(order) if each.number == job.number), len(order))
    ahead = sum(time(each.course, each.exercise, each.kind) for each in order[:place])
    return place + 1, ahead / (os.cpu_count() or 1) + own


def _is_visible(places: Places, job: JobRow) -> bool:
    course = read_course(places.courses / f"{job.course}.yml", places)
    return may_see(places, course, job.exercise, job.student)


def _newest(rows: list[JobRow], kind: str) -> JobRow | None:
    return next((row for row in reversed(rows) if row.kind == kind), None)


def _result(row: JobRow | None) -> Graded | None:
    return Graded.from_json(row.result) if row is not None and row.result else None
