"""Students ask for a regrade of a cell with a reason; an instructor answers, and may set the score by hand.

Requests are kept for good, and the audit log holds both sides.
"""

from __future__ import annotations

import datetime as dt
import json
import math

from sqlalchemy import Select, select
from sqlalchemy.orm import Mapped, mapped_column
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import Course

from tpc_grader.database import audit
from tpc_grader.database import engine as database
from tpc_grader.database.engine import Base, Utc
from tpc_grader.feedback.records import may_see_score
from tpc_grader.grades.scores import Score, cell_scores, scored_at
from tpc_grader.results.points import shown
from tpc_grader.submissions.archive import Refused
from tpc_grader.submissions.store import Store, Submission

LONGEST_REASON = 1000
DECISIONS = ("changed", "kept")


class RequestRow(Base):
    """One request; `decision` is empty until it is answered."""

    __tablename__ = "regrade_request"
    number: Mapped[int] = mapped_column(primary_key=True)
    submission: Mapped[str]
    course: Mapped[str]
    exercise: Mapped[str]
    student: Mapped[str]
    cell: Mapped[str]
    reason: Mapped[str]
    requested_at: Mapped[dt.datetime] = mapped_column(Utc)
    decision: Mapped[str] = mapped_column(default="")
    answer: Mapped[str] = mapped_column(default="")
    answered_by: Mapped[str] = mapped_column(default="")
    answered_at: Mapped[dt.datetime | None] = mapped_column(Utc)


def request(places: Places, course: Course, submission: Submission, cell: str, reason: str) -> int:
    """Keep a student's request for the regrade of a cell and return its number; raises Refused."""
    words = _words(reason)
    if not words:
        raise Refused("Say in a sentence why the score should be another. Nothing was sent.", field="reason")
    if not may_see_score(places, course, submission.exercise, submission.student):
        raise Refused("Your score is not released yet. Ask when you have seen it.", 403)
    newest = Store(places).newest(course.id, submission.exercise, submission.student)
    if newest is None or newest.id != submission.id:
        raise Refused("You handed in newer work: ask about that one. Nothing was sent.", 409)
    scores = cell_scores(places, course.id, submission.exercise, submission.student)
    if cell not in scores:
        raise Refused(
            f"There is no graded part {cell!r}. There is: {', '.join(sorted(scores)) or 'none yet'}.",
            field="cell",
        )
    with database.transaction(places) as session:
        if session.scalar(_open(course.id, submission.exercise, submission.student, cell)) is not None:
            raise Refused(
                "You asked for this part already; the answer will appear on this page.", 409, field="cell"
            )
        row = RequestRow(
            submission=submission.id,
            course=course.id,
            exercise=submission.exercise,
            student=submission.student,
            cell=cell,
            reason=words,
            requested_at=database.utcnow(),
        )
        session.add(row)
        session.flush()
        audit.write(session, _entry(row, submission.student, "regrade request", note=words))
        number = row.number
    audit.export(places)
    return number


def requests_of(
    places: Places, course: str, exercise: str | None = None, student: str | None = None
) -> list[RequestRow]:
    """Return requests, those without an answer first, then the newest."""
    query = select(RequestRow).where(RequestRow.course == course)
    query = query.where(RequestRow.exercise == exercise) if exercise is not None else query
    query = query.where(RequestRow.student == student) if student is not None else query
    with database.session(places) as session:
        rows = list(session.scalars(query.order_by(RequestRow.number.desc())))
    return sorted(rows, key=lambda row: bool(row.decision))


def answer(
    places: Places, course: Course, number: int, by: str, words: str, points: float | None = None
) -> RequestRow:
    """Answer a request; with `points` the cell's score is set by hand. Raises Refused, and then nothing changed."""
    row = _request(places, course, number)
    words = _words(words)
    if not words:
        raise Refused("Answer in a sentence: the student reads it. Nothing was changed.", field="words")
    old = cell_scores(places, course.id, row.exercise, row.student).get(row.cell)
    if points is not None:
        _check(points, old)
        _check_newest(places, row)
        set_by_hand(places, course, row.exercise, row.student, row.cell, points)
    before, after = (old.points if old else None), points
    with database.transaction(places) as session:
        row = session.get_one(RequestRow, number)
        if row.decision:
            raise Refused("Somebody answered this request a moment ago.", 409)
        row.decision, row.answer = DECISIONS[points is None], words
        row.answered_by, row.answered_at = by, database.utcnow()
        told = _entry(row, by, "regrade answer", note=words)
        scored = _entry(row, by, "score by hand", before=json.dumps(before), after=json.dumps(after))
        audit.write(session, *([told] if points is None else [told, scored]))
    audit.export(places)
    return row


def set_by_hand(
    places: Places, course: Course, exercise: str, student: str, cell: str, points: float
) -> None:
    """Set a cell's manual score in the gradebook, as the formgrader does; raises Refused."""
    # nbgrader takes a second to import, so only where a score is changed.
    from nbgrader.api import Gradebook, MissingEntry

    from tpc_grader.gradebook.penalties import settle

    with Gradebook(places.gradebook_url(course.id), course.id) as book:
        try:
            notebooks = book.find_submission(exercise, student).notebooks
        except MissingEntry:
            notebooks = []
        grades = [grade for notebook in notebooks for grade in notebook.grades if grade.name == cell]
        if not grades:
            raise Refused(f"{student} has no score for {cell} any more. Nothing was changed.", 409)
        grades[0].manual_score, grades[0].needs_manual_grade = points, False
        book.db.commit()
    settle(places, course.id, exercise, student)


def _request(places: Places, course: Course, number: int) -> RequestRow:
    with database.session(places) as session:
        row = session.get(RequestRow, number)
    if row is None or row.course != course.id:
        raise Refused(f"There is no request {number} in {course.id}.", 404)
    if row.decision:
        raise Refused("This request is answered already.", 409)
    return row


def _open(course: str, exercise: str, student: str, cell: str) -> Select[RequestRow]:
    return select(RequestRow).where(
        RequestRow.course == course,
        RequestRow.exercise == exercise,
        RequestRow.student == student,
        RequestRow.cell == cell,
        RequestRow.decision == "",
    )


def _check(points: float, old: Score | None) -> None:
    if old is None or not 0 <= points <= old.max_score:  # also refuses nan
        most = shown(old.max_score) if old else "0"
        said = shown(points) if math.isfinite(points) else str(points)
        raise Refused(f"{said} points are not between 0 and {most}. Nothing was changed.", field="points")


def _check_newest(places: Places, row: RequestRow) -> None:
    """Refuse points for work that the gradebook has no more: they would go to an answer that nobody read."""
    graded = scored_at(places, row.course, row.exercise, row.student)
    if graded is not None and graded != Store(places).get(row.submission).received_at:
        raise Refused(
            f"{row.student} handed in newer work since, and points would go to that. Nothing was changed. "
            "Read it in the formgrader and give points there, or answer without points.",
            409,
            field="points",
        )


def _entry(
    row: RequestRow, who: str, what: str, before: str = "", after: str = "", note: str = ""
) -> audit.Entry:
    return audit.Entry(
        who,
        what,
        course=row.course,
        exercise=row.exercise,
        student=row.student,
        submission=row.submission,
        cell=row.cell,
        before=before,
        after=after,
        note=note,
    )


def _words(text: str) -> str:
    return " ".join(text.replace("\0", " ").split())[:LONGEST_REASON]
