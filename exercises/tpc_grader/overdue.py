"""A result that could not be written down in time: tried once more, then `invalid`, and nobody waits for it again."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from sqlalchemy.orm import Session
from tpc_courses.places import Places

from tpc_grader import database
from tpc_grader.database import open_database
from tpc_grader.jobs import JobRow
from tpc_grader.results import Graded

# A machine that was busy or asleep for a moment is no fault of the submission.
TRIES = 2
RETRY_SECONDS = 5.0
REASON = (
    "Your work could not be written down in the time there is for it, so it has no points. "
    "Submit it again without what the exercise does not ask for, or ask your instructor."
)


def note_overdue(places: Places, number: int, seconds: float) -> None:
    """Note that a job's result was not written down within so many seconds; its writer must have ended."""
    with Session(open_database(places.database_url)) as session, session.begin():
        row = session.get(JobRow, number)
        if row is None or row.state != "recording" or row.result is None:
            return
        row.attempts += 1
        row.reason = f"not recorded within {seconds:g} s"
        row.not_before = database.utcnow() + dt.timedelta(seconds=RETRY_SECONDS * row.attempts)
        if row.attempts < TRIES:
            return
        if row.outcome == "invalid":
            row.state = "failed"
            return
        row.result = emptied(Graded.from_json(row.result), row.reason).to_json()
        row.outcome, row.attempts, row.not_before = "invalid", 0, database.utcnow()


def emptied(graded: Graded, detail: str) -> Graded:
    """Return a result in the place of one that cannot be written down: no points, and nothing of the student's."""
    cells = tuple(replace(cell, points=0.0, passed=False, message=REASON) for cell in graded.cells)
    return Graded("invalid", REASON, detail, cells, graded.version, seconds=graded.seconds)
