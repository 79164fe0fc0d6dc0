"""What waits to be graded: the table of jobs, and what of it the order of turns has to know.

A submission has one job of each kind and version. `public` runs the released tests only, for an answer in
seconds; `full` gives the score that goes into the gradebook; `trial` is a full run whose score is only shown,
until an instructor applies it.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import Mapped, Session, defer, mapped_column
from tpc_courses.base.places import Places

from tpc_grader.database import engine as database
from tpc_grader.database.engine import Base, Utc
from tpc_grader.queue.schedule import LAST, LOOPS, NEVER, Served, Waiting

Kind = Literal["public", "full", "trial"]
State = Literal["queued", "running", "ran", "recording", "graded", "failed", "superseded"]
# The outcome of a job that is queued again since it did not end in its turn, with its level; a result replaces it.
SLOW = "slow "
_DID_NOT_END = ("timeout", *(f"{SLOW}{level}" for level in range(LOOPS, LAST + 1)))
_UNFINISHED = ("queued", "running")
# How far back a student's last turn matters.
_MEMORY = dt.timedelta(hours=1)


class JobRow(Base):
    """One job.

    queued -> running (leased by a worker) -> graded, or for `full`: ran -> recording -> graded, where only the
    one writer takes the last two steps. `failed` waits for a person, `superseded` gave way to newer work.
    A job that gave its slot away is queued with the outcome `slow 1`, then `slow 2`.
    """

    __tablename__ = "job"
    number: Mapped[int] = mapped_column(primary_key=True)
    submission: Mapped[str]
    submission_number: Mapped[int]
    course: Mapped[str]
    exercise: Mapped[str]
    student: Mapped[str]
    version: Mapped[str]
    kind: Mapped[str]
    round: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(default="queued")
    queued_at: Mapped[dt.datetime] = mapped_column(Utc)
    not_before: Mapped[dt.datetime] = mapped_column(Utc)
    started_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    finished_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    recorded_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    worker: Mapped[str] = mapped_column(default="")
    lease_until: Mapped[dt.datetime | None] = mapped_column(Utc)
    attempts: Mapped[int] = mapped_column(default=0)
    # How often its result was not written down in time, which is no fault of the grader's.
    overdue: Mapped[int] = mapped_column(default=0)
    seconds: Mapped[float] = mapped_column(default=0.0)
    outcome: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")
    result: Mapped[str | None]
    before: Mapped[str | None]


@dataclass(frozen=True)
class Job:
    """A job as those who run it see it."""

    number: int
    submission: str
    course: str
    exercise: str
    student: str
    version: str
    kind: str
    attempts: int = 0


@dataclass(frozen=True)
class Line:
    """The queue at one moment: what waits for its turn, what runs on which worker since when, who had what."""

    waiting: tuple[Waiting, ...]
    running: tuple[tuple[Waiting, str, dt.datetime], ...]
    served: Mapping[str, Served]


def job_of(row: JobRow) -> Job:
    """Return a job from its row."""
    return Job(
        row.number,
        row.submission,
        row.course,
        row.exercise,
        row.student,
        row.version,
        row.kind,
        row.attempts,
    )


def line(places: Places) -> Line:
    """Return what waits, as far as its time has come, and what runs."""
    now = database.utcnow()
    open_jobs = select(JobRow).where(
        (JobRow.state == "running") | ((JobRow.state == "queued") & (JobRow.not_before <= now))
    )
    with database.session(places) as session:
        rows = list(
            session.scalars(
                open_jobs.order_by(JobRow.number).options(defer(JobRow.result), defer(JobRow.before))
            )
        )
        if not rows:
            return Line((), (), {})
        early = _submissions(session, JobRow.kind == "public", JobRow.state.in_(_UNFINISHED))
        slow = _levels(session)
        turns = _turns(session, now - _MEMORY)
        jobs = [(row, _waiting(row, early, slow, turns)) for row in rows]
        running = tuple(
            (job, row.worker, row.started_at or now) for row, job in jobs if row.state == "running"
        )
    counts = Counter(job.student for job, _, _ in running)
    served = {
        student: Served(counts[student], turns[student][0] if student in turns else NEVER)
        for student in {*counts, *turns}
    }
    return Line(tuple(job for row, job in jobs if row.state == "queued"), running, served)


def _submissions(session: Session, *having: ColumnElement[bool]) -> set[str]:
    """Return the submissions with unfinished jobs that have such a job."""
    unfinished = select(JobRow.submission).where(JobRow.state.in_(_UNFINISHED))
    return set(session.scalars(select(JobRow.submission).where(*having, JobRow.submission.in_(unfinished))))


def _levels(session: Session) -> dict[str, int]:
    """Return the levels of scores by their submission, where another run of it gave way or did not end."""
    unfinished = select(JobRow.submission).where(JobRow.state.in_(_UNFINISHED))
    query = select(JobRow.submission, JobRow.outcome).where(
        JobRow.outcome.in_((f"{SLOW}1", *_DID_NOT_END)), JobRow.submission.in_(unfinished)
    )
    found = dict[str, int]()
    for submission, outcome in session.execute(query):
        level = 1 if outcome == f"{SLOW}1" else LOOPS + 1
        found[submission] = max(level, found.get(submission, 0))
    return found


def _turns(session: Session, since: dt.datetime) -> dict[str, tuple[dt.datetime, bool]]:
    """Return of each student when the last job started, and whether the last visible tests did not end."""
    public = JobRow.kind == "public"
    query = (
        select(
            JobRow.student,
            func.max(JobRow.started_at),
            func.max(case((and_(public, JobRow.outcome != ""), JobRow.number), else_=0)),
            func.max(case((and_(public, JobRow.outcome.in_(_DID_NOT_END)), JobRow.number), else_=0)),
        )
        .where(JobRow.started_at > since)
        .group_by(JobRow.student)
    )
    return {
        student: (last, ended > 0 and ended == looped)
        for student, last, ended, looped in session.execute(query)
    }


def _level(row: JobRow, slow: Mapping[str, int]) -> int:
    own = int(row.outcome.removeprefix(SLOW)) if row.outcome.startswith(SLOW) else 0
    return own if row.kind == "public" else max(own, slow.get(row.submission, 0))


def _waiting(
    row: JobRow, early: set[str], slow: Mapping[str, int], turns: Mapping[str, tuple[dt.datetime, bool]]
) -> Waiting:
    return Waiting(
        row.number,
        row.student,
        row.kind,
        row.submission_number,
        row.course,
        row.exercise,
        row.version,
        row.round,
        level=_level(row, slow),
        early=row.kind != "public" and row.submission in early,
        loops=row.student in turns and turns[row.student][1],
    )
