"""Where a student's exercise stands, read from the exchange and the gradebook without changing them."""

from __future__ import annotations

import datetime as dt
import sqlite3
from dataclasses import dataclass

from tpc_courses.manifest import Course
from tpc_courses.places import Places

from tpc_grader.exchange_folder import exchange_folder


@dataclass(frozen=True)
class Standing:
    """What is known of one student and one exercise; `score` is None before grading."""

    submitted: dt.datetime | None = None
    score: float | None = None
    max_score: float | None = None
    needs_person: bool = False
    feedback: bool = False


def standing(places: Places, course: Course, exercise: str, student: str) -> Standing:
    """Return where a student's exercise stands."""
    submitted = last_submission(places, course, exercise, student)
    score, max_score, needs_person = _grade(places, course, exercise, student)
    feedback = feedback_page(places, course, exercise, student) is not None
    return Standing(submitted, score, max_score, needs_person, feedback)


def last_submission(places: Places, course: Course, exercise: str, student: str) -> dt.datetime | None:
    """Return when a student last submitted, by the folder nbgrader made for it."""
    inbound = exchange_folder(places) / course.id / "inbound"
    stamps = [path.name.split("+")[2] for path in inbound.glob(f"{student}+{exercise}+*")]
    if not stamps:
        return None
    return dt.datetime.strptime(max(stamps)[:19], "%Y-%m-%d %H:%M:%S").replace(tzinfo=dt.UTC)


def feedback_page(places: Places, course: Course, exercise: str, student: str) -> str | None:
    """Return the released feedback of a student as HTML, or None."""
    folder = places.nbgrader(course.id) / "feedback" / student / exercise
    released = places.nbgrader(course.id) / "released" / exercise
    page = folder / f"{exercise}.html"
    return page.read_text(encoding="utf-8") if released.exists() and page.exists() else None


_GRADE = """
select sum(coalesce(grade.manual_score, grade.auto_score, 0) + coalesce(grade.extra_credit, 0)),
       sum(grade_cells.max_score), max(grade.needs_manual_grade)
from grade
join grade_cells on grade_cells.id = grade.cell_id
join submitted_notebook on submitted_notebook.id = grade.notebook_id
join submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id
join assignment on assignment.id = submitted_assignment.assignment_id
where assignment.name = ? and submitted_assignment.student_id = ?
"""


def _grade(
    places: Places, course: Course, exercise: str, student: str
) -> tuple[float | None, float | None, bool]:
    gradebook = places.nbgrader(course.id) / "gradebook.db"
    if not gradebook.exists():
        return None, None, False
    with sqlite3.connect(f"file:{gradebook}?mode=ro", uri=True, timeout=10) as connection:
        score, max_score, needs_person = connection.execute(_GRADE, (exercise, student)).fetchone()
    return score, max_score, bool(needs_person)
