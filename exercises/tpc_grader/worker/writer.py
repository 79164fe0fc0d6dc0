"""The one writer: takes results of full runs into nbgrader's gradebook, each exactly once in the audit log.

ran -> recording, with the scores as they were -> the gradebook is written -> graded, with the audit entry in
the same transaction. After a kill between two steps the gradebook is written again with the same scores.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import Course, read_course

from tpc_grader.database import audit
from tpc_grader.database import engine as database
from tpc_grader.database.engine import SubmissionRow
from tpc_grader.feedback.autograded import NoNotebook
from tpc_grader.grades.scores import class_marks, points_text, told_points
from tpc_grader.queue.jobs import JobRow
from tpc_grader.queue.retries import note_fault
from tpc_grader.results.results import Graded
from tpc_grader.submissions.store import Store, Submission

Record = Callable[[Places, Course, Submission, Graded], None]
GRADER = "grader"
log = logging.getLogger(__name__)


def write_next(places: Places, record: Record, begun: Callable[[int], None] = lambda _: None) -> bool:
    """Take the oldest result into the gradebook; returns whether there was one.

    `begun` is told the number of the job before anything is written of it.
    A failure is noted with the job, which is tried again later; after the last attempt it waits for a person.
    """
    row = _begin(places)
    if row is None:
        return False
    begun(row.number)
    try:
        _write(places, row, record)
    except NoNotebook:
        _run_again(places, row)
    except Exception as e:
        log.exception("job %d of %s was not recorded", row.number, row.student)
        cause = getattr(e, "orig", None) or e  # the database's words, without the statement
        note_fault(places, row.number, f"not recorded: {type(cause).__name__}: {cause}")
    return True


def _write(places: Places, row: JobRow, record: Record) -> None:
    before = _scores_before(places, row)
    course = read_course(places.courses / f"{row.course}.yml", places)
    submission, graded = Store(places).get(row.submission), Graded.from_json(row.result or "")
    record(places, course, submission, graded)
    finish(places, row.course, row.exercise, row.student, graded)
    _end(places, row, before)


def finish(places: Places, course: str, exercise: str, student: str, graded: Graded) -> None:
    """Let nothing count that a result's version has no more, and tell nbgrader what all comes to."""
    # nbgrader takes seconds to import: only where results are written.
    from tpc_grader.gradebook.penalties import settle
    from tpc_grader.gradebook.save_cells import drop_retired

    drop_retired(places, course, exercise, student, graded)
    settle(places, course, exercise, student)


def _begin(places: Places) -> JobRow | None:
    """Return the next job, in state `recording`; older work that newer took the place of is passed over."""
    query = (
        select(JobRow)
        .where(JobRow.state.in_(("ran", "recording")), JobRow.not_before <= database.utcnow())
        .order_by(JobRow.finished_at, JobRow.number)
        .limit(1)
    )
    with database.transaction(places) as session:
        while (row := session.scalar(query)) is not None and _is_outdated(session, row):
            row.state = "superseded"
        if row is not None and row.state == "ran":
            row.state, row.attempts, row.overdue, row.before = "recording", 0, 0, None
    return row


def _scores_before(places: Places, row: JobRow) -> str:
    """Return the scores as they were before the first attempt to write these down."""
    if row.before is None:
        row.before = scores_text(places, row.course, row.exercise, row.student)
        with database.transaction(places) as session:
            session.get_one(JobRow, row.number).before = row.before
    return row.before


def _is_outdated(session: Session, row: JobRow) -> bool:
    """Return whether the student handed in newer work: the gradebook holds one submission of each."""
    newest = select(func.max(SubmissionRow.number)).where(
        SubmissionRow.course == row.course,
        SubmissionRow.exercise == row.exercise,
        SubmissionRow.student == row.student,
    )
    return (session.scalar(newest) or 0) > row.submission_number


def _end(places: Places, row: JobRow, before: str) -> None:
    after = scores_text(places, row.course, row.exercise, row.student)
    entry = audit.Entry(
        GRADER,
        "score",
        course=row.course,
        exercise=row.exercise,
        student=row.student,
        submission=row.submission,
        before=before,
        after=after,
        note=f"{row.outcome}, version {row.version}, round {row.round}",
    )
    with database.transaction(places) as session:
        found = session.get_one(JobRow, row.number)
        if found.state != "recording":
            return
        found.state, found.recorded_at = "graded", database.utcnow()
        # nbgrader has the notebook now; here it would only grow the database.
        found.result = Graded.from_json(found.result or "").without_notebook().to_json()
        audit.write(session, entry)
    audit.export(places)


def _run_again(places: Places, row: JobRow) -> None:
    """Queue a job whose result an older version of the grader made, which lacks what is written down now."""
    with database.transaction(places) as session:
        found = session.get_one(JobRow, row.number)
        found.state, found.result, found.attempts, found.not_before = "queued", None, 0, database.utcnow()


def scores_text(places: Places, course: str, exercise: str, student: str) -> str:
    """Return the scores of a submission as JSON: part -> points, and what is taken off."""
    marks = class_marks(places, course, exercise, student).get((student, exercise))
    return points_text(told_points(marks))
