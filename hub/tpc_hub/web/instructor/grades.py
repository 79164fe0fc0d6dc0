"""The grades of a class as a table for spreadsheets and other programs: one line per student."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tpc_courses.sources.manifest import Course
from tpc_grader.grades.spreadsheet import csv_bytes
from tpc_grader.results.points import exact, total

from tpc_hub.web.instructor.classroom import Cell, Row

# Of everything: points, what they could be, and both with the manifest's weights.
SUMS = ("total", "maximum", "weighted total", "weighted maximum", "waiting")


def grades_csv(course: Course, rows: Iterable[Row], maxima: Mapping[str, float]) -> bytes:
    """Return the grades as a CSV file; `maxima` are the points of each exercise.

    Each exercise has its points, their maximum, its weight in the manifest, and what still waits for somebody: parts
    that a person has to grade, by name, or work that is not graded yet. Until then its points are those so far.
    """
    columns = [column for slug in course.exercises for column in _columns(slug)]
    lines = [dict(_line(course, row, maxima)) for row in rows]
    return csv_bytes(lines, ["name", "display_name", *columns, *SUMS])


def _columns(slug: str) -> tuple[str, str, str, str]:
    return slug, f"{slug} maximum", f"{slug} weight", f"{slug} waiting"


def _line(course: Course, row: Row, maxima: Mapping[str, float]) -> Iterator[tuple[str, object]]:
    yield "name", row.name
    yield "display_name", row.display_name
    points, most, weighted, weighted_most, waiting = [], [], [], [], 0
    for slug in course.exercises:
        cell, weight = row.cells[slug], exact(course.unit_of(slug).weight)
        highest = maxima[slug] if cell.max_score is None else cell.max_score
        told = _waiting(cell)
        yield from zip(_columns(slug), (cell.score, highest, weight, "; ".join(told)), strict=True)
        points.append(exact(cell.score or 0.0))
        most.append(exact(highest))
        weighted.append(weight * points[-1])
        weighted_most.append(weight * most[-1])
        waiting += len(told)
    sums = (*(total(each) for each in (points, most, weighted, weighted_most)), waiting)
    yield from zip(SUMS, sums, strict=True)


def _waiting(cell: Cell) -> tuple[str, ...]:
    """Return the parts that a person has to grade, or in words what else the points wait for."""
    if cell.attempts and cell.score is None:
        return (cell.state,)
    return cell.waiting
