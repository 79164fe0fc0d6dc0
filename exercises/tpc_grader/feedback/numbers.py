"""The numbers on a page of feedback, which are those of today: scores follow due dates, extensions and later points.

nbgrader makes the page with the numbers of that day. Whoever reads it gets them anew, from the same words, as long as
the page is of the work that the gradebook has.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from re import Match
from typing import Any

from jinja2 import Environment, FileSystemLoader
from tpc_courses.base.places import Places

from tpc_grader.grades.scores import Marks, Score, class_marks
from tpc_grader.results.points import number, shown, total
from tpc_grader.submissions.store import Store

TEMPLATES = Path(__file__).parent / "templates"
_TOTAL = re.compile(r'(<p class="total">)[^<]*(</p>)')
_PART = re.compile(r'(<h2>[^<]*: )([\w-]+)( <span class="points">)[^<]*(</span></h2>)')


def total_facts(marks: Marks) -> dict[str, float]:
    """Return what is told of a submission as a whole; `pending` are the points that are still to be given."""
    to_come = total(part.max_score for part in marks.parts.values() if _is_pending(part))
    return {
        "score": marks.total.points,
        "max_score": marks.total.max_score,
        "late_penalty": marks.total.penalty,
        "pending": number(to_come),
    }


def part_facts(part: Score) -> dict[str, Any]:
    """Return what is told of one part; `waits` says that a person looks at it, whatever is there already."""
    return {
        "score": part.points or 0.0,
        "points": part.max_score,
        "waits": part.needs_person,
        "pending": _is_pending(part),
    }


def with_numbers_of_today(places: Places, submission: str, pages: dict[str, bytes]) -> dict[str, bytes]:
    """Return pages of a submission's feedback with its score as it is now; unchanged where newer work was graded."""
    try:
        found = Store(places).get(submission)
    except KeyError:
        return pages
    whose = (found.student, found.exercise)
    marks = class_marks(places, found.course, found.exercise, found.student).get(whose)
    if marks is None or marks.handed_in != found.received_at:
        return pages
    return {name: _renewed(page.decode(), marks).encode() for name, page in pages.items()}


def _renewed(page: str, marks: Marks) -> str:
    def part(match: Match[str]) -> str:
        before, name, between, after = match.groups()
        known = marks.parts.get(name)
        if known is None:
            return match[0]
        return f"{before}{name}{between}{_words().part_points(part_facts(known))}{after}"

    # The page's own line stands before anything that a student wrote.
    words = _words().all_points(total_facts(marks))
    return _PART.sub(part, _TOTAL.sub(lambda match: f"{match[1]}{words}{match[2]}", page, count=1))


def _is_pending(part: Score) -> bool:
    return part.points is None and bool(part.max_score)


@functools.cache
def _words() -> Any:
    environment = Environment(loader=FileSystemLoader(TEMPLATES / "feedback"), autoescape=True)
    environment.filters["points"] = shown
    return environment.get_template("numbers.html.j2").module
