"""The class at a glance: who stands where with every exercise, in a handful of queries for the whole class."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from tpc_courses.sources.manifest import Course
from tpc_grader.database import engine as database
from tpc_grader.database.engine import SubmissionRow
from tpc_grader.grades import late
from tpc_grader.grades.scores import Total, class_scores
from tpc_grader.queue.jobs import JobRow
from tpc_grader.submissions.store import feedback_folder
from tpc_grader.versions.releases import all_released
from tpc_grader.worker.classwork import OPEN, newest_jobs

from tpc_hub.people import people
from tpc_hub.people.people import Enrolment, Person
from tpc_hub.web.session.state import Campus
from tpc_hub.web.session.times import in_zone

# Who handed in so often and is still below half of the points is taken to be stuck.
STUCK_ATTEMPTS = 3
FILTERS = {
    "": "everybody",
    "stuck": "stuck",
    "missing": "something not handed in",
    "by-hand": "to grade by hand",
    "failed": "failed",
}


@dataclass(frozen=True)
class Cell:
    """One student and one exercise. `state` and `mood` are for people, `score` is None before grading."""

    state: str = "not submitted"
    mood: str = ""
    submitted: str | None = None
    attempts: int = 0
    late: bool = False
    score: float | None = None
    max_score: float | None = None
    by_hand: int = 0
    waiting: tuple[str, ...] = ()
    outcome: str = ""
    reason: str = ""
    failed: bool = False
    feedback: bool = False
    version: str = ""

    @property
    def stuck(self) -> bool:
        """Return whether the student seems to get nowhere."""
        low = self.score is not None and self.score < (self.max_score or 0) / 2 and not self.by_hand
        return self.failed or (low and self.attempts >= STUCK_ATTEMPTS)


@dataclass(frozen=True)
class Row:
    """One student with a cell for each exercise."""

    name: str
    display_name: str
    approved: bool
    cells: dict[str, Cell] = field(default_factory=dict)

    def matches(self, chosen: str) -> bool:
        """Return whether a filter shows the student."""
        cells = self.cells.values()
        checks = {
            "stuck": any(cell.stuck for cell in cells),
            "missing": any(not cell.attempts for cell in cells),
            "by-hand": any(cell.by_hand for cell in cells),
            "failed": any(cell.failed for cell in cells),
        }
        return checks.get(chosen, True)

    def as_json(self) -> dict[str, Any]:
        """Return the row as plain values."""
        cells = {
            slug: {
                "state": cell.state,
                "submitted": cell.submitted,
                "attempts": cell.attempts,
                "score": cell.score,
                "max_score": cell.max_score,
                "outcome": cell.outcome,
                "feedback": cell.feedback,
                "needs_person": cell.by_hand > 0,
                "waiting": list(cell.waiting),
            }
            for slug, cell in self.cells.items()
        }
        return {"name": self.name, "display_name": self.display_name, "exercises": cells}


def class_rows(campus: Campus, course: Course) -> list[Row]:
    """Return one row for each student, by name."""
    with people.session(campus.places) as session:
        query = (
            select(Person.name, Person.display_name, Person.approved & Enrolment.approved)
            .join(Enrolment, Enrolment.person == Person.name)
            .where(Enrolment.course == course.id, Enrolment.role == "student")
            .order_by(Person.name)
        )
        rows = [Row(*each) for each in session.execute(query)]
    work = _newest_work(campus, course)
    scores = class_scores(campus.places, course.id)
    jobs = newest_jobs(campus.places, course.id)
    due = late.due_times(campus.places, course)
    for row in rows:
        for slug in course.exercises:
            found = work.get((row.name, slug))
            if found is None:
                row.cells[slug] = Cell()
                continue
            id, received_at, attempts = found
            until = due.get((row.name, slug)) or due.get(("", slug))
            row.cells[slug] = _cell(
                jobs.get(id),
                scores.get((row.name, slug)),
                submitted=in_zone(received_at, course.zone),
                attempts=attempts,
                late=until is not None and received_at > until,
                feedback=feedback_folder(campus.places, id).is_dir(),
            )
    return rows


def arranged(rows: Iterable[Row], sort: str, chosen: str) -> list[Row]:
    """Return the rows that a filter shows, sorted by name or by the score of an exercise, lowest first."""
    shown = [row for row in rows if row.matches(chosen)]
    if any(sort in row.cells for row in shown):
        shown.sort(key=lambda row: -1.0 if row.cells[sort].score is None else row.cells[sort].score or 0.0)
    return shown


def outdated_counts(campus: Campus, course: Course, rows: Iterable[Row]) -> dict[str, int]:
    """Return exercise -> how many scores are of another version than the one that is released now."""
    current = {each.exercise: each.version for each in all_released(campus.places.intake, course.id)}
    counts = dict.fromkeys(course.exercises, 0)
    for row in rows:
        for slug, cell in row.cells.items():
            counts[slug] += bool(cell.version) and cell.version != current.get(slug, cell.version)
    return counts


def _newest_work(campus: Campus, course: Course) -> dict[tuple[str, str], tuple[str, dt.datetime, int]]:
    """Return (student, exercise) -> id and time of the newest submission, and how many there are."""
    newest = (
        select(func.max(SubmissionRow.number).label("number"), func.count().label("attempts"))
        .where(SubmissionRow.course == course.id)
        .group_by(SubmissionRow.student, SubmissionRow.exercise)
        .subquery()
    )
    query = select(
        SubmissionRow.student,
        SubmissionRow.exercise,
        SubmissionRow.id,
        SubmissionRow.received_at,
        newest.c.attempts,
    ).join(newest, newest.c.number == SubmissionRow.number)
    with database.session(campus.places) as session:
        return {
            (student, slug): (id, moment, count)
            for student, slug, id, moment, count in session.execute(query)
        }


def _cell(job: JobRow | None, total: Total | None, **known: Any) -> Cell:
    """Return the cell of somebody who handed something in."""
    if job is None or job.state in OPEN:
        words = {None: "waits to be graded", "queued": "waits to be graded"}
        state = words.get(job.state if job else None, "being graded")
        return Cell(state=state, mood="warn", **known)
    if job.state == "failed":
        return Cell(state="grader failed", mood="bad", failed=True, reason=job.reason, **known)
    points: dict[str, Any] = (
        {
            "score": total.points,
            "max_score": total.max_score,
            "by_hand": total.by_hand,
            "waiting": total.waiting,
        }
        if total
        else {}
    )
    fine = job.outcome in ("graded", "")
    by_hand = total is not None and total.by_hand > 0
    return Cell(
        state="to grade by hand" if fine and by_hand else "graded" if fine else job.outcome,
        mood="warn" if by_hand else "good" if fine else "bad",
        failed=not fine,
        outcome=job.outcome,
        reason="" if fine else job.reason,
        version=job.version,
        **points,
        **known,
    )
