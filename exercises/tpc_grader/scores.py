"""Scores in nbgrader's gradebook, read for one submission or a whole class in one query, never changed here."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tpc_courses.places import Places


@dataclass(frozen=True)
class Score:
    """The gradebook's score of one cell; `manual` is a person's, and counts before `auto`."""

    auto: float | None
    manual: float | None
    max_score: float
    needs_person: bool = False

    @property
    def points(self) -> float | None:
        """Return what counts, or None when nothing is there yet."""
        return self.manual if self.manual is not None else self.auto


@dataclass(frozen=True)
class Total:
    """The gradebook's score of one submission, late penalty taken off; `by_hand` cells wait for a person."""

    points: float
    max_score: float
    by_hand: int = 0
    penalty: float = 0.0


def cell_scores(places: Places, course: str, exercise: str, student: str) -> dict[str, Score]:
    """Return the score of each cell by its name; empty when the submission is not in the gradebook."""
    with _gradebook(places, course) as connection:
        rows = connection.execute(_CELLS, (exercise, student)) if connection else ()
        return {name: Score(auto, manual, most, bool(needs)) for name, auto, manual, most, needs in rows}


def all_cell_scores(places: Places, course: str) -> dict[tuple[str, str], dict[str, Score]]:
    """Return (student, exercise) -> cell -> score for everything in a course's gradebook."""
    found = dict[tuple[str, str], dict[str, Score]]()
    with _gradebook(places, course) as connection:
        for student, exercise, name, auto, manual, most, needs in (
            connection.execute(_ALL) if connection else ()
        ):
            found.setdefault((student, exercise), {})[name] = Score(auto, manual, most, bool(needs))
    return found


def points_text(points: Mapping[str, float | None]) -> str:
    """Return cell -> points as JSON, always the same for the same scores; empty for none."""
    return json.dumps(dict(sorted(points.items()))) if points else ""


def class_scores(places: Places, course: str) -> dict[tuple[str, str], Total]:
    """Return (student, exercise) -> total for everything in a course's gradebook."""
    with _gradebook(places, course) as connection:
        rows = list(connection.execute(_TOTALS)) if connection else []
        late = dict[tuple[str, str], float]()
        for student, exercise, penalty in connection.execute(_PENALTIES) if connection else ():
            late[student, exercise] = penalty
    return {
        (student, exercise): _total(points, most, by_hand, late.get((student, exercise), 0.0))
        for student, exercise, points, most, by_hand in rows
    }


def _total(points: float, max_score: float, by_hand: int, penalty: float) -> Total:
    return Total(max(0.0, points - penalty), max_score, by_hand, penalty)


@contextlib.contextmanager
def _gradebook(places: Places, course: str) -> Iterator[sqlite3.Connection | None]:
    path = places.nbgrader(course) / "gradebook.db"
    if not path.exists():
        yield None
        return
    connection: Any = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    with contextlib.closing(connection):
        yield connection


# nbgrader keeps the cells of all kinds in `base_cell` and those with points in `grade_cells` or `task_cells`.
_FROM = """
from grade
join base_cell on base_cell.id = grade.cell_id
left join grade_cells on grade_cells.id = grade.cell_id
left join task_cells on task_cells.id = grade.cell_id
join submitted_notebook on submitted_notebook.id = grade.notebook_id
join submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id
join assignment on assignment.id = submitted_assignment.assignment_id
"""
_CELLS = f"""
select base_cell.name, grade.auto_score, grade.manual_score,
       coalesce(grade_cells.max_score, task_cells.max_score, 0), grade.needs_manual_grade
{_FROM}
where assignment.name = ? and submitted_assignment.student_id = ?
"""
_ALL = f"""
select submitted_assignment.student_id, assignment.name, base_cell.name, grade.auto_score, grade.manual_score,
       coalesce(grade_cells.max_score, task_cells.max_score, 0), grade.needs_manual_grade
{_FROM}
"""
_TOTALS = f"""
select submitted_assignment.student_id, assignment.name,
       sum(coalesce(grade.manual_score, grade.auto_score, 0) + coalesce(grade.extra_credit, 0)),
       sum(coalesce(grade_cells.max_score, task_cells.max_score, 0)),
       sum(grade.needs_manual_grade)
{_FROM}
group by submitted_assignment.student_id, assignment.name
"""
_PENALTIES = """
select submitted_assignment.student_id, assignment.name,
       sum(coalesce(submitted_notebook.late_submission_penalty, 0))
from submitted_notebook
join submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id
join assignment on assignment.id = submitted_assignment.assignment_id
group by submitted_assignment.student_id, assignment.name
"""
