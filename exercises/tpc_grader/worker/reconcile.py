"""Notes in the audit log what other doors wrote, and tells nbgrader what scores have become.

Points are given in the formgrader or by nbgrader's own commands; due dates and what late work costs change in the
manifest. The log tells for each student and exercise which scores were last known. Whenever the gradebook or a
manifest changed, what differs becomes an entry; who did it, nbgrader does not say.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict

from sqlalchemy import select
from tpc_courses.base.places import Places
from tpc_courses.base.problems import SourceError
from tpc_courses.sources.manifest import current_courses

from tpc_grader.database import audit
from tpc_grader.database import engine as database
from tpc_grader.database.audit import AuditRow
from tpc_grader.grades.scores import LATE, class_marks, points_text, told_points

log = logging.getLogger(__name__)
WHO = "formgrader or nbgrader"
WHAT = "score by another door"
# Only what late work costs is another: by a due date, an extension, or the course's rule.
WHO_LATE = "due dates"
WHAT_LATE = "score, late work"
Scores = dict[str, float | None]


class Reconciler:
    """Remembers what each gradebook and manifest was like, so that nothing is done while they rest."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.seen = dict[str, tuple[int, ...]]()

    def look(self) -> int:
        """Settle and note what changed in any course; returns how many submissions.

        A gradebook that cannot be read or written now is logged, and looked at again the next time.
        """
        found = 0
        for path in sorted(self.places.state.glob("nbgrader/*/gradebook.db")):
            try:
                found += self._look(path.parent.name)
            except Exception:  # whatever a file of another program's holds: the writer has other work
                log.exception("%s was not looked at", path)
        return found

    def _look(self, course: str) -> int:
        if self.seen.get(course) == _stamp(self.places, course):
            return 0
        _settle(self.places, course)
        # What was settled just now is no change to look at again.
        self.seen[course] = _stamp(self.places, course)
        return note_other_doors(self.places, course)


def note_other_doors(places: Places, course: str) -> int:
    """Write an entry for each submission whose scores are not what the log last told; returns how many.

    Only the writer calls this: nobody else is between the gradebook and the log at that moment.
    """
    known, found = _known(places, course), list[audit.Entry]()
    for (student, exercise), marks in sorted(class_marks(places, course).items()):
        now = {name: points for name, points in told_points(marks).items() if points is not None}
        before = {name: value for name, value in known[student, exercise].items() if value is not None}
        if now == before:
            continue
        late_only = {name for name in {*now, *before} if now.get(name) != before.get(name)} == {LATE}
        who, what = (WHO_LATE, WHAT_LATE) if late_only else (WHO, WHAT)
        told = {"course": course, "exercise": exercise, "student": student}
        found.append(audit.Entry(who, what, **told, before=points_text(before), after=points_text(now)))
    if found:
        audit.log(places, *found)
    return len(found)


def _settle(places: Places, course: str) -> None:
    from tpc_grader.gradebook.penalties import settle, settle_course

    try:
        settle_course(places, current_courses(places)[course])
    except (KeyError, SourceError):  # the course is over, or somebody is at work in a manifest
        settle(places, course)


def _known(places: Places, course: str) -> defaultdict[tuple[str, str], Scores]:
    """Return (student, exercise) -> the scores that the log tells of."""
    query = (
        select(AuditRow.what, AuditRow.student, AuditRow.exercise, AuditRow.cell, AuditRow.after)
        .where(AuditRow.course == course, AuditRow.what.in_(("score", "score by hand", WHAT, WHAT_LATE)))
        .order_by(AuditRow.number)
    )
    known = defaultdict[tuple[str, str], Scores](dict)
    with database.session(places) as session:
        for what, student, exercise, cell, after in session.execute(query):
            value = json.loads(after or "{}")
            if what == "score by hand":
                known[student, exercise][cell] = value
            else:
                known[student, exercise] = value
    return known


def _stamp(places: Places, course: str) -> tuple[int, ...]:
    book = places.gradebook(course)
    looked_at = [
        book,
        *(book.with_name(f"{book.name}-{kind}") for kind in ("wal", "journal")),
        places.courses / f"{course}.yml",
    ]
    return tuple(path.stat().st_mtime_ns for path in looked_at if path.exists())
