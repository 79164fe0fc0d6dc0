"""The one writer: takes results of full runs into nbgrader's gradebook, each exactly once in the audit log.

ran -> recording, with the scores as they were -> the gradebook is written -> graded, with the audit entry in
the same transaction. After a kill between two steps the gradebook is written again with the same scores.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from tpc_courses.manifest import Course, read_course
from tpc_courses.places import Places

from tpc_grader import audit, database
from tpc_grader.autograded import NoNotebook
from tpc_grader.database import SubmissionRow, open_database
from tpc_grader.jobs import JobRow
from tpc_grader.results import Graded
from tpc_grader.scores import class_marks, points_text, told_points
from tpc_grader.store import Store, Submission

Record = Callable[[Places, Course, Submission, Graded], None]
GRADER = "grader"
MAXIMUM_ATTEMPTS = 5
RETRY_SECONDS = 5.0


def write_next(places: Places, record: Record, begun: Callable[[int], None] = lambda _: None) -> bool:
    """Take the oldest result into the gradebook; returns whether there was one.

    `begun` is told the number of the job before anything is written of it.
    A failure is noted with the job, which is tried again later; after the last attempt it waits for a person.
    """
    row = _begin(places)
    if row is None:
        return False
    begun(row.number)
    submission = Store(places).get(row.submission)
    assert row.result is not None
    try:
        course = read_course(places.courses / f"{row.course}.yml", places)
        graded = Graded.from_json(row.result)
        record(places, course, submission, graded)
        finish(places, row.course, row.exercise, row.student, graded)
    except NoNotebook:
        _run_again(places, row)
        return True
    except Exception as e:
        _failed(places, row, f"not recorded: {type(e).__name__}: {e}".replace("\0", ""))
        return True
    _end(places, row)
    return True


def finish(places: Places, course: str, exercise: str, student: str, graded: Graded) -> None:
    """Let nothing count that a result's version has no more, and tell nbgrader what all comes to."""
    # nbgrader takes seconds to import: only where results are written.
    from tpc_grader.penalties import settle
    from tpc_grader.save_cells import drop_retired

    drop_retired(places, course, exercise, student, graded)
    settle(places, course, exercise, student)


def _begin(places: Places) -> JobRow | None:
    """Return the next job in state `recording`, with the scores as they were before."""
    now = database.utcnow()
    query = (
        select(JobRow)
        .where(JobRow.state.in_(("ran", "recording")), JobRow.not_before <= now)
        .order_by(JobRow.finished_at, JobRow.number)
        .limit(1)
    )
    with Session(open_database(places.database_url), expire_on_commit=False) as session, session.begin():
        row = session.scalar(query)
        if row is None:
            return None
        if _is_outdated(session, row):
            row.state = "superseded"
        elif row.state == "ran":
            row.state, row.attempts = "recording", 0
            row.before = scores_text(places, row.course, row.exercise, row.student)
    return row if row.state == "recording" else _begin(places)


def _is_outdated(session: Session, row: JobRow) -> bool:
    """Return whether the student handed in newer work: the gradebook holds one submission of each."""
    newest = select(func.max(SubmissionRow.number)).where(
        SubmissionRow.course == row.course,
        SubmissionRow.exercise == row.exercise,
        SubmissionRow.student == row.student,
    )
    return (session.scalar(newest) or 0) > row.submission_number


def _end(places: Places, row: JobRow) -> None:
    after = scores_text(places, row.course, row.exercise, row.student)
    entry = audit.Entry(
        GRADER,
        "score",
        course=row.course,
        exercise=row.exercise,
        student=row.student,
        submission=row.submission,
        before=row.before or "",
        after=after,
        note=f"{row.outcome}, version {row.version}, round {row.round}",
    )
    with Session(open_database(places.database_url)) as session, session.begin():
        found = session.get_one(JobRow, row.number)
        if found.state != "recording":
            return
        found.state, found.recorded_at = "graded", database.utcnow()
        # nbgrader has the notebook now; here it would only grow the database.
        found.result = Graded.from_json(found.result or "").without_notebook().to_json()
        audit.write(session, entry)
    audit.export(places)


def _failed(places: Places, row: JobRow, reason: str) -> None:
    with Session(open_database(places.database_url)) as session, session.begin():
        found = session.get_one(JobRow, row.number)
        found.attempts += 1
        found.reason = reason
        found.not_before = database.utcnow() + dt.timedelta(seconds=RETRY_SECONDS * found.attempts)
        if found.attempts >= MAXIMUM_ATTEMPTS:
            found.state = "failed"


def _run_again(places: Places, row: JobRow) -> None:
    """Queue a job whose result an older version of the grader made, which lacks what is written down now."""
    with Session(open_database(places.database_url)) as session, session.begin():
        found = session.get_one(JobRow, row.number)
        found.state, found.result, found.attempts, found.not_before = "queued", None, 0, database.utcnow()


def scores_text(places: Places, course: str, exercise: str, student: str) -> str:
    """Return the scores of a submission as JSON: part -> points, and what is taken off."""
    marks = class_marks(places, course, exercise, student).get((student, exercise))
    return points_text(told_points(marks))
