"""Notes in the audit log what other doors wrote: scores given in the formgrader, or by nbgrader's own commands.

The log tells for each student and exercise which scores were last known. Whenever the gradebook changed, what
differs becomes an entry; who did it, nbgrader does not say.
"""

from __future__ import annotations

import json
from collections import defaultdict

from sqlalchemy import select
from sqlalchemy.orm import Session
from tpc_courses.places import Places

from tpc_grader import audit
from tpc_grader.audit import AuditRow
from tpc_grader.database import open_database
from tpc_grader.scores import all_cell_scores, points_text

WHO = "formgrader or nbgrader"
WHAT = "score by another door"
Scores = dict[str, float | None]


class Reconciler:
    """Remembers when each gradebook was last looked at, so that nothing is done while it rests."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.seen = dict[str, tuple[int, ...]]()

    def look(self) -> int:
        """Note what changed in any course; returns how many submissions."""
        return sum(self._look(path.parent.name) for path in self.places.state.glob("nbgrader/*/gradebook.db"))

    def _look(self, course: str) -> int:
        stamp = _stamp(self.places, course)
        if self.seen.get(course) == stamp:
            return 0
        self.seen[course] = stamp
        return note_other_doors(self.places, course)


def note_other_doors(places: Places, course: str) -> int:
    """Write an entry for each submission whose scores are not what the log last told; returns how many.

    Only the writer calls this: nobody else is between the gradebook and the log at that moment.
    """
    known, found = _known(places, course), list[audit.Entry]()
    for (student, exercise), scores in sorted(all_cell_scores(places, course).items()):
        now = {name: score.points for name, score in scores.items() if score.points is not None}
        before = {name: value for name, value in known[student, exercise].items() if value is not None}
        if now != before:
            told = {"course": course, "exercise": exercise, "student": student}
            found.append(audit.Entry(WHO, WHAT, **told, before=points_text(before), after=points_text(now)))
    if found:
        audit.log(places, *found)
    return len(found)


def _known(places: Places, course: str) -> defaultdict[tuple[str, str], Scores]:
    """Return (student, exercise) -> the scores that the log tells of."""
    query = (
        select(AuditRow.what, AuditRow.student, AuditRow.exercise, AuditRow.cell, AuditRow.after)
        .where(AuditRow.course == course, AuditRow.what.in_(("score", "score by hand", WHAT)))
        .order_by(AuditRow.number)
    )
    known = defaultdict[tuple[str, str], Scores](dict)
    with Session(open_database(places.database_url)) as session:
        for what, student, exercise, cell, after in session.execute(query):
            value = json.loads(after or "{}")
            if what == "score by hand":
                known[student, exercise][cell] = value
            else:
                known[student, exercise] = value
    return known


def _stamp(places: Places, course: str) -> tuple[int, ...]:
    folder = places.nbgrader(course)
    names = ("gradebook.db", "gradebook.db-wal", "gradebook.db-journal")
    return tuple(path.stat().st_mtime_ns for name in names if (path := folder / name).exists())
