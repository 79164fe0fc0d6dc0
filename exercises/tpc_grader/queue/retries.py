"""Results that could not be written down: tried again later, and nobody waits for them meanwhile.

One that takes too long becomes `invalid`; one that met a fault, or whose writer ended, waits for a person at last.
Both are counted apart: a gradebook that was locked for a moment makes nobody's slow result an invalid one.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from sqlalchemy.orm import Session
from tpc_courses.base.places import Places

from tpc_grader.database import engine as database
from tpc_grader.queue.jobs import JobRow
from tpc_grader.results.results import Graded

# A machine that was busy or asleep for a moment is no fault of the submission.
TRIES = 2
MAXIMUM_ATTEMPTS = 5
RETRY_SECONDS = 5.0
REASON = (
    "Your work could not be written down in the time there is for it, so it has no points. "
    "Submit it again without what the exercise does not ask for, or ask your instructor."
)


def note_overdue(places: Places, number: int, seconds: float) -> None:
    """Note that a job's result was not written down within so many seconds; its writer must have ended."""
    with database.transaction(places) as session:
        row = _noted(session, number, f"not recorded within {seconds:g} s")
        if row is None:
            return
        row.overdue += 1
        if row.result is None or row.overdue < TRIES:
            return
        if row.outcome == "invalid":
            row.state = "failed"
            return
        row.result = emptied(Graded.from_json(row.result), row.reason).to_json()
        row.outcome, row.attempts, row.overdue, row.not_before = "invalid", 0, 0, database.utcnow()


def note_fault(places: Places, number: int, reason: str) -> None:
    """Note that a job's result could not be written down; after the last attempt it waits for a person."""
    with database.transaction(places) as session:
        row = _noted(session, number, reason)
        if row is None:
            return
        row.attempts += 1
        if row.attempts >= MAXIMUM_ATTEMPTS:
            row.state = "failed"


def _noted(session: Session, number: int, reason: str) -> JobRow | None:
    """Return a job that is tried again later; None when it is written down, or gave way, meanwhile."""
    row = session.get(JobRow, number)
    if row is None or row.state != "recording":
        return None
    row.reason = reason.replace("\0", "")  # PostgreSQL keeps no NUL
    tried = row.attempts + row.overdue + 1
    row.not_before = database.utcnow() + dt.timedelta(seconds=RETRY_SECONDS * tried)
    return row


def emptied(graded: Graded, detail: str) -> Graded:
    """Return a result in the place of one that cannot be written down: no points, and nothing of the student's."""
    cells = tuple(replace(cell, points=0.0, passed=False, message=REASON) for cell in graded.cells)
    return Graded("invalid", REASON, detail, cells, graded.version, seconds=graded.seconds)
