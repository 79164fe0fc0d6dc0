"""Who runs next, and where: slots for quick answers and for scores, turns by person, loops behind all others.

A multilevel feedback queue: what does not end in its turn gives way to those who wait, one level lower, and has a
turn twice as long there (Corbató and others 1962, doi:10.1145/1460833.1460871).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

# What a slot may be needed for. `again` is work that was graded before: trials and regrades of a class.
Need = Literal["public", "full", "again"]
_Rank = tuple[int, int, bool, int, bool, dt.datetime, int]
NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)
# On a busy machine honest work may miss one turn; what misses more loops.
LOOPS, LAST = 2, 9


@dataclass(frozen=True)
class Slot:
    """Room for one job at a time: what it takes, the most welcome first, and from which level on.

    Of these needs nothing leaves the slot that is at `stays` or lower: what loops must end some day, too.
    """

    takes: tuple[Need, ...]
    level: int = 0
    stays: tuple[tuple[Need, int], ...] = ()

    def accepts(self, job: Waiting) -> bool:
        """Return whether a job may run here."""
        return job.need in self.takes and job.level >= self.level


_STAYS: tuple[tuple[Need, int], ...] = (("public", LOOPS), ("full", 0), ("again", 0))
# A result of the visible tests never waits for scores,
QUICK = Slot(("public",))
# a score waits neither for those who hand in again and again, nor for what loops,
SCORES = Slot(("full", "public", "again"))
# and what takes long has room that it need not leave.
SHARED = Slot(("public", "full", "again"), stays=_STAYS)
LONG = Slot(("public", "full", "again"), level=1, stays=_STAYS)
ANY = Slot(("public", "full", "again"))


def slots(jobs: int) -> tuple[Slot, ...]:
    """Return the slots of a worker that is to run so many jobs at once: those, and a few for quick answers."""
    quick, scores = max(1, jobs // 4), max(1, jobs // 2)
    return (*(QUICK,) * quick, *(SCORES,) * scores, *((SHARED,) * (jobs - scores) or (LONG,)))


@dataclass(frozen=True)
class Waiting:
    """A queued job as the order sees it.

    `level`: how often it gave way; more for the score of work whose visible tests did not end. `early`: the visible
    tests of its submission have not ended yet. `loops`: the last visible tests of its student did not end.
    """

    number: int
    student: str
    kind: str
    submission_number: int
    course: str = ""
    exercise: str = ""
    version: str = ""
    round: int = 1
    level: int = 0
    early: bool = False
    loops: bool = False

    @property
    def need(self) -> Need:
        """Return what it needs a slot for."""
        if self.kind == "public":
            return "public"
        return "full" if self.kind == "full" and self.round == 1 else "again"

    @property
    def stage(self) -> int:
        """Return who it comes after: those who hand in now, those who were graded before, each level of the slow."""
        return 1 + self.level if self.level else int(self.need == "again")


@dataclass(frozen=True)
class Served:
    """What a student has had: jobs that run now, and when the last one started."""

    running: int = 0
    last: dt.datetime = NEVER


def in_order(waiting: Iterable[Waiting], served: Mapping[str, Served], slot: Slot = ANY) -> list[Waiting]:
    """Return what a slot takes, in the order in which it would.

    Students take turns: first who has the least running, then who waited longest for a turn, then who came first.
    A student's newest submission comes first. Who has nothing running comes before anybody's second job.
    """
    places = {need: place for place, need in enumerate(slot.takes)}
    turns = dict[str, list[Waiting]]()
    for job in sorted(waiting, key=lambda job: job.submission_number, reverse=True):
        if slot.accepts(job):
            turns.setdefault(job.student, []).append(job)
    found = list[tuple[_Rank, Waiting]]()
    for student, jobs in turns.items():
        had = served.get(student, Served())
        own = sorted(jobs, key=lambda job: (job.stage, job.early, places[job.need]))
        for place, job in enumerate(own):
            rank = (job.stage, had.running + place, job.early, places[job.need], job.loops)
            found.append(((*rank, had.last, job.number), job))
    return [job for _, job in sorted(found, key=lambda each: each[0])]


def leaves_at(job: Waiting, slot: Slot, others: Iterable[Waiting], turn_seconds: float) -> float | None:
    """Return after how many seconds a job leaves its slot, when these others wait; None when it need not.

    It leaves at once to what comes before it by far: it began when nobody waited, or before it was known to loop.
    """
    if job.level >= dict(slot.stays).get(job.need, LAST + 1):
        return None
    stages = [each.stage for each in others if each.student != job.student and slot.accepts(each)]
    if job.level and min(stages, default=job.stage) < job.stage:
        return 0.0
    # Who hands in now need not wait for a second turn of what was graded before, nor the other way round.
    return turn_seconds * 2**job.level if any(stage <= max(job.stage, 1) for stage in stages) else None
