"""Entries of the audit log as people read them: what happened, in the course's time zone, and what changed."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from tpc_grader.database.audit import AuditRow, line
from tpc_grader.results.points import number, shown, total

from tpc_hub.web.session.times import in_zone

NOTHING = "–"
_WORDS = {
    "score": "Graded",
    "score by hand": "Score set by hand",
    "score by another door": "Score changed",
    "score, late work": "Late work costs another share",
    "extension": "More time given",
    "policy results": "When results are seen",
    "policy released": "Results released",
    "regrade request": "Regrade asked for",
    "regrade answer": "Regrade request answered",
    "regrade trial": "Regrading tried",
    "regrade applied": "Regrading applied",
}


@dataclass(frozen=True)
class Change:
    """One entry: `before` and `after` are words, or points in all; `parts` are the parts whose points changed."""

    when: str
    who: str
    what: str
    row: AuditRow
    before: str
    after: str
    parts: tuple[str, ...]
    raw: str


def change_of(row: AuditRow, zone: ZoneInfo) -> Change:
    """Return an entry in words."""
    before, after = _scores(row, row.before), _scores(row, row.after)
    parts: tuple[str, ...] = ()
    if before is not None and after is not None and len({*before, *after}) > 1:
        names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
        parts = tuple(f"{name}: {_points(before.get(name))} → {_points(after.get(name))}" for name in names)
    told = [
        _told(text, zone) if scores is None else _total(scores)
        for text, scores in ((row.before, before), (row.after, after))
    ]
    what = _WORDS.get(row.what, row.what.capitalize())
    return Change(in_zone(row.at, zone), row.who, what, row, told[0], told[1], parts, line(row))


def _scores(row: AuditRow, text: str) -> Mapping[str, float | None] | None:
    """Return part -> points in an entry about a score; None in any other."""
    if not row.what.startswith("score"):
        return None
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return None
    return found if isinstance(found, dict) else {row.cell: found}


def _total(scores: Mapping[str, float | None]) -> str:
    """Return the points in all; parts that nobody graded yet count nothing."""
    given = [points for points in scores.values() if points is not None]
    return _points(number(total(given))) if given else NOTHING


def _points(points: float | None) -> str:
    return shown(points) or NOTHING


def _told(text: str, zone: ZoneInfo) -> str:
    """Return a moment in the zone, and any other text as it is."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return text or NOTHING
    return in_zone(moment, zone) if moment.tzinfo else text
