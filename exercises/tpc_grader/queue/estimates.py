"""How long somebody who handed in has to wait, by the queue as it stands and by runs of the same exercise.

An estimate errs upwards: it is what nine of ten stay below, with a margin; where nobody can tell, there is none.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from tpc_courses.base.places import Places

from tpc_grader.database import engine as database
from tpc_grader.database.locks import jobs_at_once
from tpc_grader.queue import history
from tpc_grader.queue.history import Usual
from tpc_grader.queue.jobs import JobRow, Line, line
from tpc_grader.queue.schedule import QUICK, SCORES, SHARED, Slot, Waiting, in_order, slots

# For those who come later, and for a machine that gets busier than it was.
_MARGIN = 2.0
# Between two looks of the worker, at the beginning and at the end of a job.
_BETWEEN_SECONDS = 0.5


@dataclass(frozen=True)
class Wait:
    """`position` is 1 for who is next and 0 when not waiting; seconds are None where nobody can tell."""

    position: int = 0
    public_seconds: float | None = None
    recorded_seconds: float | None = None


def wait_for(places: Places, public: JobRow | None, full: JobRow) -> Wait:
    """Return how long the results of a submission take whose score is not written down yet."""
    found = line(places)
    order = [job.number for job in in_order(found.waiting, found.served)]
    next_one = public if public is not None and public.number in order else full
    position = order.index(next_one.number) + 1 if next_one.number in order else 0
    jobs = jobs_at_once(places)
    if jobs is None:
        return Wait(position)
    queue = _Queue(places, found, jobs)
    quick = queue.seconds(public.number, QUICK) if public is not None else 0.0
    score = queue.seconds(full.number, SCORES)
    writing = history.recording(places, full.course)
    if quick is None or score is None or writing is None:
        return Wait(position, quick or None)
    backlog = _to_write(places) * writing.median
    return Wait(position, quick or None, max(quick, score) + _MARGIN * (writing.upper + backlog))


def _to_write(places: Places) -> int:
    with database.session(places) as session:
        count = select(func.count()).where(JobRow.state.in_(("ran", "recording")))
        return session.scalar(count) or 0


class _Queue:
    """The queue and how long its jobs hold their slots, looked up once for each exercise."""

    def __init__(self, places: Places, found: Line, jobs: int) -> None:
        self.places, self.found, self.jobs = places, found, jobs
        self.known = dict[tuple[str, str, str, str], Usual | None]()
        slow = sum(job.level > 0 for job, _, _ in found.running)
        shared = [each for each in slots(jobs) if each is SHARED]
        self.slots = [each for each in slots(jobs) if each is not SHARED] + shared[slow:]

    def seconds(self, number: int, slot: Slot) -> float | None:
        """Return when a job has a result, 0 if it has one already, None if it takes longer than is usual."""
        now = database.utcnow()
        for job, _, since in self.found.running:
            if job.number == number:
                own, ran = self.usual(job), (now - since).total_seconds()
                if own is None or job.level or ran > own.upper:
                    return None
                return _MARGIN * own.upper - ran + _BETWEEN_SECONDS
        order = in_order(self.found.waiting, self.found.served, slot)
        place = next((place for place, job in enumerate(order) if job.number == number), None)
        if place is None:
            return 0.0 if all(job.number != number for job in self.found.waiting) else None
        own = self.usual(order[place])
        if own is None or order[place].level:
            return None
        return _MARGIN * (self.ahead(order[:place], order[place]) + own.upper) + _BETWEEN_SECONDS

    def ahead(self, before: list[Waiting], job: Waiting) -> float:
        """Return how long the slots are busy with what comes before a job."""
        now = database.utcnow()
        if job.kind != "public":
            # Whatever waits for its visible tests comes before scores, where both may run.
            before = before + [
                each
                for each in self.found.waiting
                if each.need == "public" and not each.level and each not in before
            ]
        running = [
            max(0.0, self.hold(each) - (now - since).total_seconds())
            for each, _, since in self.found.running
            if not each.level
        ]
        able = [each for each in self.slots if each.accepts(job)]
        if len(running) + len(before) < len(able):
            return 0.0
        work = sum(running) + sum(self.hold(each) for each in before)
        return work / max(1, min(len(able), self.jobs))

    def hold(self, job: Waiting) -> float:
        """Return how long a job holds its slot at most, when others wait for it."""
        turn, own = history.turn_of(job.kind, self.usual(job)), self.usual(job)
        return (turn if own is None or job.loops else min(own.upper, turn)) + _BETWEEN_SECONDS

    def usual(self, job: Waiting) -> Usual | None:
        """Return how long runs of the job's exercise take."""
        kind = "public" if job.kind == "public" else "full"
        key = (job.course, job.exercise, kind, job.version)
        if key not in self.known:
            self.known[key] = history.usual(self.places, *key)
        return self.known[key]
