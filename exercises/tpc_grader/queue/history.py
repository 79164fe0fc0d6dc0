"""What runs of an exercise that were say of the next: how long it takes, for limits, turns and pages; what it draws."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from tpc_courses.base.places import Places

from tpc_grader.database import engine as database
from tpc_grader.queue.jobs import JobRow
from tpc_grader.queue.schedule import Waiting
from tpc_grader.results.results import Graded
from tpc_grader.sandbox.limits import Limits

# Of how many runs, the last ones; and from how many on an upper quantile says something.
_RUNS, _ENOUGH = 20, 5
_FEW_MARGIN = 1.5
# A turn of a quick answer is twice the median, for ten that loop are ten turns before an honest one; a score's is
# twice what nine of ten take. No less than the first number on an idle machine, and the second where nobody handed
# in yet.
_TURN_SECONDS = {"public": (1.0, 2.0), "full": (4.0, 10.0)}
# The limit of a quick answer, in the same way: its score has more time.
_PUBLIC_SECONDS, _UNKNOWN_PUBLIC_SECONDS = 8.0, 20.0
_PUBLIC_MARGIN = 5
_MOST_SLOWDOWN = 10.0


@dataclass(frozen=True)
class Usual:
    """Seconds from the start of a run to its result: the median, and what nine of ten stay below."""

    median: float
    upper: float
    runs: int


def kept_seed(places: Places, submission: str, version: str) -> str | None:
    """Return what unseeded draws followed from when a submission was graded last under a version; None if never."""
    query = select(JobRow.result).where(
        JobRow.submission == submission,
        JobRow.version == version,
        JobRow.kind.in_(("full", "trial")),
        JobRow.result.is_not(None),
    )
    with database.session(places) as session:
        result = session.scalar(query.order_by(JobRow.number.desc()).limit(1))
    return Graded.from_json(result).seed or None if result else None


def usual(places: Places, course: str, exercise: str, kind: str, version: str = "") -> Usual | None:
    """Return how long runs took that ended by themselves, of this version if there were any; None if none did.

    Of each student the last one counts: nobody makes turns long for all by handing in slow work again and again.
    """
    ended = (
        JobRow.course == course,
        JobRow.exercise == exercise,
        JobRow.kind == kind,
        JobRow.outcome.not_in(("", "timeout", "invalid")),
        JobRow.state.in_(("graded", "ran", "recording")),
        JobRow.started_at.is_not(None),
        JobRow.finished_at.is_not(None),
    )
    last = select(func.max(JobRow.number)).where(*ended).group_by(JobRow.student, JobRow.version)
    rows = (
        select(JobRow.version, JobRow.started_at, JobRow.finished_at)
        .where(JobRow.number.in_(last))
        .order_by(JobRow.number.desc())
        .limit(_RUNS)
    )
    with database.session(places) as session:
        found = [
            (of, (finished - started).total_seconds())
            for of, started, finished in session.execute(rows)
            if started is not None and finished is not None
        ]
    of_version = [seconds for of, seconds in found if of == version]
    return summary(of_version or [seconds for _, seconds in found])


def recording(places: Places, course: str) -> Usual | None:
    """Return how long it took to write down scores that were ready."""
    rows = (
        select(JobRow.finished_at, JobRow.recorded_at)
        .where(JobRow.course == course, JobRow.kind == "full", JobRow.recorded_at.is_not(None))
        .order_by(JobRow.number.desc())
        .limit(_RUNS)
    )
    with database.session(places) as session:
        pairs = session.execute(rows).all()
    return summary([(after - before).total_seconds() for before, after in pairs if before and after])


def summary(seconds: Sequence[float]) -> Usual | None:
    """Return median and upper quantile; of few runs the longest and a margin."""
    if not seconds:
        return None
    if len(seconds) < _ENOUGH:
        upper = max(seconds) * _FEW_MARGIN
    else:
        upper = statistics.quantiles(seconds, n=10, method="inclusive")[-1]
    return Usual(statistics.median(seconds), upper, len(seconds))


def turn_seconds(places: Places, job: Waiting) -> float:
    """Return how long a job may hold a slot that others wait for."""
    kind = "public" if job.kind == "public" else "full"
    return turn_of(job.kind, usual(places, job.course, job.exercise, kind, job.version))


def turn_of(kind: str, known: Usual | None) -> float:
    """Return the turn of a job in an exercise whose runs take so long."""
    least, unknown = (slowdown() * each for each in _TURN_SECONDS["public" if kind == "public" else "full"])
    if known is None:
        return unknown
    return max(least, 2 * (known.median if kind == "public" else known.upper))


def slowdown() -> float:
    """Return how many times longer than on an idle machine things take now, about: so many share a processor."""
    return min(_MOST_SLOWDOWN, max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)))


def public_limits(places: Places, course: str, exercise: str, version: str) -> Limits:
    """Return what a run of the visible tests may use: little more time than others took, and half for one cell."""
    known = usual(places, course, exercise, "public", version)
    most = Limits().total_seconds
    seconds = min(most, _UNKNOWN_PUBLIC_SECONDS * slowdown())
    if known is not None:
        seconds = min(most, max(_PUBLIC_SECONDS * slowdown(), _PUBLIC_MARGIN * known.upper))
    return Limits(cell_seconds=min(Limits().cell_seconds, seconds / 2), total_seconds=seconds)
