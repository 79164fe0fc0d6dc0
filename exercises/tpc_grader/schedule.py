"""Who runs next, and where: slots for quick answers and for scores, turns by person, loops behind all others.

A multilevel feedback queue: what does not end in its turn gives way to whoever waits, and runs to its limit later,
where it is in nobody's way (Corbató and others 1962, doi:10.1145/1460833.1460871).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

# What a slot may be needed for. `again` is work that was graded before: trials and regrades of a class.
# `slow` had its turn and did not end, or is the score of work whose visible tests did not end.
Need = Literal["public", "full", "again", "slow public", "slow"]
# Who hands in now comes first, then who was graded before, then what loops, quick answers before scores.
_STAGES: dict[Need, int] = {"public": 0, "full": 0, "again": 1, "slow public": 2, "slow": 3}
_Rank = tuple[int, int, bool, int, bool, dt.datetime, int]
NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)


@dataclass(frozen=True)
class Slot:
    """Room for one job at a time, and what it takes, the most welcome first."""

    takes: tuple[Need, ...]


# A result of the visible tests never waits for scores,
QUICK = Slot(("public", "slow public"))
# a score does not wait for ever while people hand in again and again, nor for what loops,
SCORES = Slot(("full", "public", "again"))
# and what loops has room that it need not leave.
SHARED = Slot(("public", "full", "again", "slow public", "slow"))
LONG = Slot(("slow public", "slow"))
ANY = Slot(("public", "full", "again", "slow public", "slow"))


def slots(jobs: int) -> tuple[Slot, ...]:
    """Return the slots of a worker that is to run so many jobs at once: those, and a few for quick answers."""
    quick, scores = max(1, jobs // 4), max(1, jobs // 2)
    return (*(QUICK,) * quick, *(SCORES,) * scores, *((SHARED,) * (jobs - scores) or (LONG,)))


@dataclass(frozen=True)
class Waiting:
    """A queued job as the order sees it.

    `slow`: it gave way before, or its submission's visible tests did not end. `early`: the visible tests of its
    submission have not ended yet. `loops`: the last visible tests of its student did not end.
    """

    number: int
    student: str
    kind: str
    submission_number: int
    course: str = ""
    exercise: str = ""
    version: str = ""
    round: int = 1
    slow: bool = False
    early: bool = False
    loops: bool = False

    @property
    def need(self) -> Need:
        """Return what it needs a slot for."""
        if self.slow:
            return "slow public" if self.kind == "public" else "slow"
        if self.kind == "public":
            return "public"
        return "full" if self.kind == "full" and self.round == 1 else "again"


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
        if job.need in places:
            turns.setdefault(job.student, []).append(job)
    found = list[tuple[_Rank, Waiting]]()
    for student, jobs in turns.items():
        had = served.get(student, Served())
        own = sorted(jobs, key=lambda job: (_STAGES[job.need], job.early, places[job.need]))
        for place, job in enumerate(own):
            rank = (_STAGES[job.need], had.running + place, job.early, places[job.need], job.loops)
            found.append(((*rank, had.last, job.number), job))
    return [job for _, job in sorted(found, key=lambda each: each[0])]


def must_leave(need: Need, slot: Slot, seconds: float, turn_seconds: float) -> bool:
    """Return whether a job that has run so long leaves its slot to one that is not slow; it runs again later."""
    if need == "slow public":
        return slot is QUICK or need not in slot.takes
    if need == "slow":
        return need not in slot.takes  # it began before it was known to be slow
    # Of a quick answer a second or two are lost; a score stays where there is room for what is slow.
    return seconds >= turn_seconds and (need == "public" or "slow" not in slot.takes)


def is_slow(need: Need) -> bool:
    """Return whether work comes after all that is not slow."""
    return need in ("slow public", "slow")
