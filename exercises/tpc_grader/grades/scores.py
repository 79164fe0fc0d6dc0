"""What everybody's work is worth: worked out from the gradebook each time, never kept.

A score is a function of the parts' points, those that a person gave to this very answer, extra credit, and what late
work costs. `marks_of` is that function. Pages, CSV, audit log and feedback ask it; nbgrader is told by
`tpc_grader.gradebook.penalties`. Nothing is changed here.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from sqlalchemy import (
    Boolean,
    DateTime,
    Engine,
    Float,
    NullPool,
    column,
    create_engine,
    func,
    select,
    table,
)
from tpc_courses.base.places import Places
from tpc_courses.base.problems import SourceError
from tpc_courses.sources.manifest import Course, current_courses

from tpc_grader.grades.late import due_times, late_share
from tpc_grader.results.points import exact, number, total

# Entries of `told_points` beside the parts; no part can have such a name.
LATE, ABOVE = "late work", "above the maximum"


@dataclass(frozen=True)
class Score:
    """The gradebook's score of one part; `manual` is a person's, and counts before `auto`.

    With `needs_person` the part waits: nobody has read this answer, whatever was given to another one.
    """

    auto: float | None
    manual: float | None
    max_score: float
    needs_person: bool = False
    extra: float | None = None

    @property
    def earned(self) -> Fraction | None:
        """Return what counts within the maximum, or None when nothing is there yet.

        What a part that is gone from the exercise earned stays until it is graded again; its maximum is 0.
        """
        counts = self.auto if self.manual is None or self.needs_person else self.manual
        if counts is None or not math.isfinite(counts):
            return None
        points = max(Fraction(0), exact(counts))
        return min(points, exact(self.max_score)) if self.max_score else points

    @property
    def extra_credit(self) -> Fraction:
        """Return what a person gave beyond the maximum to this answer."""
        given = self.extra if self.extra is not None and math.isfinite(self.extra) else 0.0
        return max(Fraction(0), exact(given))

    @property
    def points(self) -> float | None:
        """Return what counts, extra credit included, or None when nothing is there yet."""
        if self.earned is None and not self.extra_credit:
            return None
        return number((self.earned or 0) + self.extra_credit)


@dataclass(frozen=True)
class Total:
    """The score of one submission, late penalty taken off; `waiting` are the parts that wait for a person."""

    points: float
    max_score: float
    penalty: float = 0.0
    waiting: tuple[str, ...] = ()
    # What does not count, since parts that are gone earned it beyond the maximum.
    above: float = 0.0

    @property
    def by_hand(self) -> int:
        """Return how many parts wait for a person."""
        return len(self.waiting)


@dataclass(frozen=True)
class Marks:
    """All of one submission: its parts by name, what they come to, and what nbgrader alone would make of it."""

    parts: Mapping[str, Score]
    total: Total
    stock: Fraction = Fraction(0)
    # When the work was received that all this is of; None where the gradebook does not say.
    handed_in: dt.datetime | None = None


def marks_of(parts: Mapping[str, Score], late: Fraction) -> Marks:
    """Return what parts come to when `late` of the maximum is taken off: at most all that was earned."""
    most = total(part.max_score for part in parts.values())
    earned = total(part.earned or 0.0 for part in parts.values())
    counted = min(earned, most) + total(part.extra_credit for part in parts.values())
    penalty = min(counted, late * most)
    found = Total(
        number(counted - penalty),
        number(most),
        number(penalty),
        tuple(sorted(name for name, part in parts.items() if part.needs_person and part.max_score)),
        number(max(Fraction(0), earned - most)),
    )
    stock = total(
        each
        for part in parts.values()
        for each in (part.auto if part.manual is None else part.manual, part.extra)
        if each is not None and math.isfinite(each)
    )
    return Marks(parts, found, stock)


def class_marks(
    places: Places, course: str, exercise: str = "", student: str = ""
) -> dict[tuple[str, str], Marks]:
    """Return (student, exercise) -> marks of what is in a course's gradebook, of one exercise or student only."""
    parts = dict[tuple[str, str], dict[str, Score]]()
    handed_in = dict[tuple[str, str], dt.datetime | None]()
    for who, what, moment, name, auto, manual, extra, most, needs in _rows(places, course, exercise, student):
        parts.setdefault((who, what), {})[name] = Score(auto, manual, most, bool(needs), extra)
        handed_in[who, what] = moment.replace(tzinfo=dt.UTC) if moment else None
    known = _declared(places, course) if parts else None
    due = due_times(places, known, exercise, student) if known else {}
    found = {}
    for who, what in parts:
        until, at = due.get((who, what), due.get(("", what))), handed_in[who, what]
        share = late_share(known, until, at) if known and until and at else Fraction(0)
        found[who, what] = replace(marks_of(parts[who, what], share), handed_in=at)
    return found


def class_scores(places: Places, course: str) -> dict[tuple[str, str], Total]:
    """Return (student, exercise) -> total for everything in a course's gradebook."""
    return {key: marks.total for key, marks in class_marks(places, course).items()}


def cell_scores(places: Places, course: str, exercise: str, student: str) -> Mapping[str, Score]:
    """Return the score of each part by its name; empty when the submission is not in the gradebook."""
    marks = class_marks(places, course, exercise, student).get((student, exercise))
    return marks.parts if marks else {}


def scored_at(places: Places, course: str, exercise: str, student: str) -> dt.datetime | None:
    """Return when the work that the gradebook holds the scores of was received; None when it does not say."""
    marks = class_marks(places, course, exercise, student).get((student, exercise))
    return marks.handed_in if marks else None


def told_points(marks: Marks | None) -> dict[str, float | None]:
    """Return part -> points, and what is taken off, so that all together is the score; None where a part waits."""
    if marks is None:
        return {}
    parts = {name: part.points for name, part in marks.parts.items()}
    off = {LATE: -marks.total.penalty, ABOVE: -marks.total.above}
    return parts | {name: points for name, points in off.items() if points}


def points_text(points: Mapping[str, float | None]) -> str:
    """Return part -> points as JSON, always the same for the same scores; empty for none."""
    return json.dumps(dict(sorted(points.items()))) if points else ""


def _declared(places: Places, course: str) -> Course | None:
    """Return a course's manifest; None for a gradebook of a course that is no more."""
    try:
        return current_courses(places).get(course)
    except SourceError:
        return None


def _rows(places: Places, course: str, exercise: str, student: str) -> Sequence[tuple[Any, ...]]:
    """Return what `_CELLS` chooses of a course's gradebook; nothing where there is none."""
    if not places.gradebook(course).exists():
        return ()
    query = _CELLS.where(_ASSIGNMENT.c.name == exercise) if exercise else _CELLS
    query = query.where(_WORK.c.student_id == student) if student else query
    with _gradebook(places.gradebook_url(course)).connect() as connection:
        return [tuple(row) for row in connection.execute(query)]


@functools.cache
def _gradebook(url: str) -> Engine:
    """Return a gradebook, which is opened anew each time: another file may have taken its place."""
    return create_engine(url, poolclass=NullPool)


# nbgrader's tables, named here since to import its models takes a second and 50 MB; a test compares them with these.
# It keeps the cells of all kinds in `base_cell` and those with points in `grade_cells` or `task_cells`.
_ASSIGNMENT = table("assignment", column("id"), column("name"))
_WORK = table(
    "submitted_assignment",
    column("id"),
    column("assignment_id"),
    column("student_id"),
    column("timestamp", DateTime),
)
_NOTEBOOK = table("submitted_notebook", column("id"), column("assignment_id"))
_CELL = table("base_cell", column("id"), column("name"))
_MOST = [table(name, column("id"), column("max_score", Float)) for name in ("grade_cells", "task_cells")]
_GRADE = table(
    "grade",
    column("cell_id"),
    column("notebook_id"),
    column("auto_score", Float),
    column("manual_score", Float),
    column("extra_credit", Float),
    column("needs_manual_grade", Boolean),
)
_CELLS = (
    select(
        _WORK.c.student_id,
        _ASSIGNMENT.c.name,
        _WORK.c.timestamp,
        _CELL.c.name,
        _GRADE.c.auto_score,
        _GRADE.c.manual_score,
        _GRADE.c.extra_credit,
        func.coalesce(*(most.c.max_score for most in _MOST), 0.0),
        _GRADE.c.needs_manual_grade,
    )
    .join_from(_GRADE, _CELL, _CELL.c.id == _GRADE.c.cell_id)
    .outerjoin(_MOST[0], _MOST[0].c.id == _GRADE.c.cell_id)
    .outerjoin(_MOST[1], _MOST[1].c.id == _GRADE.c.cell_id)
    .join(_NOTEBOOK, _NOTEBOOK.c.id == _GRADE.c.notebook_id)
    .join(_WORK, _WORK.c.id == _NOTEBOOK.c.assignment_id)
    .join(_ASSIGNMENT, _ASSIGNMENT.c.id == _WORK.c.assignment_id)
)
