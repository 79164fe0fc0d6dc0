"""What waits to be graded: the table of jobs, and the fair order in which they run.

A submission has one job of each kind and version. `public` runs the released tests only, for an answer in
seconds; `full` gives the score that goes into the gradebook; `trial` is a full run whose score is only shown,
until an instructor applies it.
"""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from tpc_courses.places import Places

from tpc_grader import database
from tpc_grader.database import Base, Utc, open_database

Kind = Literal["public", "full", "trial"]
State = Literal["queued", "running", "ran", "recording", "graded", "failed", "superseded"]
# In a student's turn the quick answer comes first; regrades of a class wait for those who hand in now.
KINDS: tuple[Kind, ...] = ("public", "full", "trial")
# How far back a student's last turn matters.
_MEMORY = dt.timedelta(hours=1)
NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)


class JobRow(Base):
    """One job.

    queued -> running (leased by a worker) -> graded, or for `full`: ran -> recording -> graded, where only the
    one writer takes the last two steps. `failed` waits for a person, `superseded` gave way to newer work.
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
class Waiting:
    """A queued job as the fair order sees it."""

    number: int
    student: str
    kind: str
    submission_number: int
    course: str = ""
    exercise: str = ""


@dataclass(frozen=True)
class Served:
    """What a student has had: jobs that run now, and when the last one started."""

    running: int = 0
    last: dt.datetime = NEVER


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


def waiting(places: Places) -> list[Waiting]:
    """Return the queued jobs whose time has come, in the order in which they will run."""
    now = database.utcnow()
    queued = select(
        JobRow.number, JobRow.student, JobRow.kind, JobRow.submission_number, JobRow.course, JobRow.exercise
    ).where(JobRow.state == "queued", JobRow.not_before <= now)
    running = select(JobRow.student, func.count()).where(JobRow.state == "running").group_by(JobRow.student)
    last = (
        select(JobRow.student, func.max(JobRow.started_at))
        .where(JobRow.started_at > now - _MEMORY)
        .group_by(JobRow.student)
    )
    with Session(open_database(places.database_url)) as session:
        jobs = [Waiting(*row) for row in session.execute(queued)]
        counts = {student: count for student, count in session.execute(running)}
        times = {student: moment for student, moment in session.execute(last)}
    served = {
        student: Served(counts.get(student, 0), times.get(student) or NEVER) for student in {*counts, *times}
    }
    return fair_order(jobs, served)


def fair_order(waiting: Iterable[Waiting], served: Mapping[str, Served]) -> list[Waiting]:
    """Return queued jobs in the order in which they run.

    Students take turns: first who has the least running, then who waited longest for a turn. In a student's
    turn the newest submission comes first, and its public run before its full one. Trials come last.
    """
    waiting = list(waiting)
    now = [job for job in waiting if job.kind != "trial"]
    trials = [job for job in waiting if job.kind == "trial"]
    return [*_in_turns(now, served), *_in_turns(trials, served)]


def _in_turns(waiting: list[Waiting], served: Mapping[str, Served]) -> Iterator[Waiting]:
    turns = dict[str, list[Waiting]]()
    # The last of each list is taken first.
    for job in sorted(waiting, key=lambda job: (job.submission_number, -KINDS.index(job.kind))):
        turns.setdefault(job.student, []).append(job)
    had = {student: served.get(student, Served()) for student in turns}
    heap = [(had[student].running, had[student].last.timestamp(), student) for student in turns]
    heapq.heapify(heap)
    while heap:
        running, last, student = heapq.heappop(heap)
        yield turns[student].pop()
        if turns[student]:
            heapq.heappush(heap, (running + 1, last, student))
