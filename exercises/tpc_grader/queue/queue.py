"""The queue between intake and grading: a table in the campus database that any process may use.

Every step is one guarded update, so that two workers never hold one job and a process may be killed between
any two steps. A running job belongs to its worker while the lease lasts; then it waits again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, and_, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from tpc_courses.base.places import Places

from tpc_grader.database import engine as database
from tpc_grader.database.engine import SubmissionRow
from tpc_grader.queue.jobs import SLOW, Job, JobRow, Kind, job_of, line
from tpc_grader.queue.progress import Progress, progress
from tpc_grader.queue.schedule import ANY, LAST, Slot, Waiting, in_order
from tpc_grader.queue.wakeup import ring
from tpc_grader.results.results import Graded
from tpc_grader.submissions.store import Store, Submission

__all__ = [
    "Progress",
    "claim",
    "enqueue",
    "fault",
    "finish",
    "give_back",
    "held",
    "leave",
    "line",
    "progress",
    "reclaim",
    "renew",
    "retry",
    "submitted",
    "sweep",
    "take",
    "workers",
]

LEASE_SECONDS = 30.0
MAXIMUM_ATTEMPTS = 5
BACKOFF_SECONDS = 2.0


def submitted(places: Places, submission: Submission) -> None:
    """Queue the public and the full run of a submission that came in; a second call changes nothing."""
    enqueue(places, submission, "public")
    enqueue(places, submission, "full")


def enqueue(
    places: Places, submission: Submission, kind: Kind, version: str | None = None, again: bool = False
) -> int:
    """Return the number of the job for a submission and version, queued if there was none.

    With `again` a job that ended is queued once more, as a new round. Work that gave way to a newer submission
    of the student is noted as `superseded`; its own older work that waits or runs gives way now.
    """
    version = version or submission.version
    try:
        with database.transaction(places) as session:
            last = _last_round(session, submission.id, version, kind)
            if last is not None and not (again and last.state in ("graded", "failed")):
                return last.number
            row = _row(submission, version, kind, last.round + 1 if last else 1)
            if kind != "trial":
                if _has_newer(session, submission):
                    row.state = "superseded"
                session.execute(_supersede(submission))
            session.add(row)
            session.flush()
            number = row.number
        ring(places, "worker")
        return number
    except IntegrityError:
        # Another process queued the same job at the same moment.
        with database.session(places) as session:
            found = _last_round(session, submission.id, version, kind)
            assert found is not None
            return found.number


def claim(places: Places, worker: str, slot: Slot = ANY) -> Job | None:
    """Lease the next job that a slot takes to a worker, or return None when none waits for it."""
    found = line(places)
    for each in in_order(found.waiting, found.served, slot):
        if job := take(places, each, worker):
            return job
    return None


def take(places: Places, waiting: Waiting, worker: str) -> Job | None:
    """Lease a job to a worker; returns None when it waits no longer."""
    if waiting.kind != "trial" and _gave_way(places, waiting):
        return None
    with database.transaction(places) as session:
        now = database.utcnow()
        taken = _changed(
            session,
            (JobRow.number == waiting.number, JobRow.state == "queued"),
            state="running",
            worker=worker,
            lease_until=now + dt.timedelta(seconds=LEASE_SECONDS),
            started_at=now,
            attempts=JobRow.attempts + 1,
        )
        return job_of(session.get_one(JobRow, waiting.number)) if taken else None


def leave(places: Places, number: int, worker: str, level: int = 1) -> bool:
    """Queue a job again that gives its slot to others, at a level; the attempt does not count."""
    mine = (JobRow.number == number, JobRow.worker == worker, JobRow.state == "running")
    with database.transaction(places) as session:
        return _changed(
            session,
            mine,
            state="queued",
            worker="",
            lease_until=None,
            attempts=JobRow.attempts - 1,
            outcome=f"{SLOW}{min(level, LAST)}" if level else "",
        )


def held(places: Places, worker: str) -> set[int]:
    """Return the numbers of the jobs that are a worker's own: those that newer work replaced are not."""
    mine = (JobRow.worker == worker, JobRow.state == "running")
    with database.session(places) as session:
        return set(session.scalars(select(JobRow.number).where(*mine)))


def renew(places: Places, worker: str) -> set[int]:
    """Extend a worker's leases and return the numbers of the jobs that are still its own."""
    until = database.utcnow() + dt.timedelta(seconds=LEASE_SECONDS)
    mine = (JobRow.worker == worker, JobRow.state == "running")
    with database.transaction(places) as session:
        _changed(session, mine, lease_until=until)
        return set(session.scalars(select(JobRow.number).where(*mine)))


def finish(places: Places, job: Job, worker: str, graded: Graded) -> bool:
    """Keep the result of a run; returns False when the job is the worker's no longer, and keeps nothing."""
    with database.transaction(places) as session:
        kept = _changed(
            session,
            _held_by(job, worker),
            state="ran" if job.kind == "full" else "graded",
            finished_at=database.utcnow(),
            lease_until=None,
            seconds=graded.seconds,
            outcome=graded.outcome,
            reason=(graded.detail or graded.reason).replace("\0", ""),  # PostgreSQL keeps no NUL
            result=graded.to_json(),
        )
    if kept and job.kind == "full":
        ring(places, "writer")
    return kept


def fault(places: Places, job: Job, worker: str, reason: str) -> bool:
    """Queue a job again after a fault that is not the student's, later each time; at last it has failed."""
    with database.transaction(places) as session:
        return _again(session, _held_by(job, worker), job.attempts, reason)


def give_back(places: Places, worker: str) -> None:
    """Queue the jobs of a worker that stops on purpose; the attempt does not count."""
    with database.transaction(places) as session:
        _changed(
            session,
            (JobRow.worker == worker, JobRow.state == "running"),
            state="queued",
            worker="",
            lease_until=None,
            attempts=JobRow.attempts - 1,
        )


def reclaim(places: Places, dead: Iterable[str] = ()) -> int:
    """Queue again what is leased to workers known to be dead, or for too long; returns how many."""
    late = JobRow.lease_until < database.utcnow()
    lost = and_(JobRow.state == "running", late | JobRow.worker.in_(list(dead)))
    count = 0
    with database.transaction(places) as session:
        for row in session.scalars(select(JobRow).where(lost)).all():
            guard = _held_by(job_of(row), row.worker)
            count += _again(session, guard, row.attempts, f"its worker {row.worker} ended before the job did")
    return count


def workers(places: Places) -> set[str]:
    """Return the workers that hold a lease."""
    with database.session(places) as session:
        return set(session.scalars(select(JobRow.worker).where(JobRow.state == "running").distinct()))


def retry(places: Places, course: str, exercise: str | None = None) -> int:
    """Queue again what failed by faults of the grader; returns how many jobs."""
    chosen = [JobRow.state == "failed", JobRow.course == course]
    if exercise is not None:
        chosen.append(JobRow.exercise == exercise)
    with database.transaction(places) as session:
        now = database.utcnow()
        done: CursorResult[Any] = session.execute(  # type: ignore[assignment]
            update(JobRow).where(*chosen).values(state="queued", attempts=0, not_before=now, queued_at=now)
        )
        return done.rowcount


def sweep(places: Places) -> int:
    """Queue submissions that were kept but never queued; returns how many."""
    with database.session(places) as session:
        query = (
            select(SubmissionRow.id)
            .outerjoin(JobRow, and_(JobRow.submission == SubmissionRow.id, JobRow.kind == "full"))
            .where(JobRow.number.is_(None))
            .order_by(SubmissionRow.number)
        )
        lost = list(session.scalars(query))
    store = Store(places)
    for id in lost:
        submitted(places, store.get(id))
    return len(lost)


def _row(submission: Submission, version: str, kind: str, round: int) -> JobRow:
    now = database.utcnow()
    return JobRow(
        submission=submission.id,
        submission_number=submission.number,
        course=submission.course,
        exercise=submission.exercise,
        student=submission.student,
        version=version,
        kind=kind,
        round=round,
        state="queued",
        queued_at=now,
        not_before=now,
    )


def _last_round(session: Session, submission: str, version: str, kind: str) -> JobRow | None:
    query = select(JobRow).where(
        JobRow.submission == submission, JobRow.version == version, JobRow.kind == kind
    )
    return session.scalar(query.order_by(JobRow.round.desc()).limit(1))


def _has_newer(session: Session, submission: Submission) -> bool:
    query = select(func.max(SubmissionRow.number)).where(
        SubmissionRow.course == submission.course,
        SubmissionRow.exercise == submission.exercise,
        SubmissionRow.student == submission.student,
    )
    return (session.scalar(query) or 0) > submission.number


def _supersede(submission: Submission) -> Any:
    return (
        update(JobRow)
        .where(
            JobRow.course == submission.course,
            JobRow.exercise == submission.exercise,
            JobRow.student == submission.student,
            JobRow.submission_number < submission.number,
            JobRow.state.in_(("queued", "running")),
            JobRow.kind != "trial",
        )
        .values(state="superseded", finished_at=database.utcnow(), lease_until=None)
    )


def _gave_way(places: Places, job: Waiting) -> bool:
    """Return whether a newer submission took the job's place meanwhile, and note it."""
    newest = select(func.max(SubmissionRow.number)).where(
        SubmissionRow.course == job.course,
        SubmissionRow.exercise == job.exercise,
        SubmissionRow.student == job.student,
    )
    with database.transaction(places) as session:
        if (session.scalar(newest) or 0) <= job.submission_number:
            return False
        guard = (JobRow.number == job.number, JobRow.state == "queued")
        _changed(session, guard, state="superseded", finished_at=database.utcnow())
        return True


def _held_by(job: Job, worker: str) -> tuple[ColumnElement[bool], ...]:
    return (JobRow.number == job.number, JobRow.worker == worker, JobRow.state == "running")


def _again(session: Session, guard: tuple[ColumnElement[bool], ...], attempts: int, reason: str) -> bool:
    """Queue a job again, or note after the last attempt that it failed."""
    now = database.utcnow()
    if attempts >= MAXIMUM_ATTEMPTS:
        text = f"{reason} ({attempts} attempts)"
        return _changed(
            session, guard, state="failed", finished_at=now, lease_until=None, worker="", reason=text
        )
    later = now + dt.timedelta(seconds=BACKOFF_SECONDS**attempts)
    return _changed(
        session, guard, state="queued", not_before=later, lease_until=None, worker="", reason=reason
    )


def _changed(session: Session, guard: Iterable[ColumnElement[bool]], **values: Any) -> bool:
    """Change the jobs that match and return whether there was one."""
    done: CursorResult[Any] = session.execute(update(JobRow).where(*guard).values(**values))  # type: ignore[assignment]
    return done.rowcount > 0
