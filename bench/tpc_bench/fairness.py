"""Whether one student can hold up a class: honest work handed in while others' answers loop for ever.

A real worker grades in real boxes, on a state folder of its own. Each honest student notes how long the result of
the visible tests and the recorded score took, and what the exercise's page said about it before.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import nbformat
from sqlalchemy import select
from tpc_courses.base.places import Places
from tpc_grader.database import engine as database
from tpc_grader.queue import queue
from tpc_grader.queue.jobs import JobRow
from tpc_grader.sandbox.backends import describe
from tpc_grader.submissions.store import Store, Submission
from tpc_grader.versions import sources

from tpc_bench.grading import answered, defined
from tpc_bench.measure.figures import machine, percentiles
from tpc_bench.small_campus import COURSE, small_campus, working

LOOP = "\nwhile True:\n    pass\n"
# What a student waits for, and until when the score must be there; both below as `p95` in seconds.
PUBLIC_TARGETS = {"ten loopers": 10.0, "one looper with five loops": 3.0}
# What a page said, over what it took; nobody counts a second.
RATIO_TARGET, SHORT_SECONDS = 0.5, 1.0
# How many handed in before; the first of them waits for the sandbox to be imported.
EARLY = 6
LOOK_SECONDS = 1.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class Scenario:
    """Who hands in, at which second: loopers all at the start, honest students between."""

    name: str
    loopers: int
    solution: Callable[[str], str]  # from a right solution to one that loops
    first_seconds: float = 5.0
    each_seconds: float = 2.0


@dataclass
class Wait:
    """What one honest student met: seconds, and what the page said at each look."""

    submission: Submission
    public: float | None = None
    recorded: float | None = None
    said: list[tuple[float, float | None, float | None]] = field(
        default_factory=list
    )  # age, public, recorded


def loops_at_the_end(solution: str) -> str:
    """Return a solution whose cell does not end."""
    return solution + LOOP


def loops_everywhere(solution: str) -> str:
    """Return a solution in which each answer loops when it is called."""
    return "".join(
        f"def {name}(*given):\n    while True:\n        pass\n\n" for name in sorted(defined(solution))
    )


SCENARIOS = (
    Scenario("ten loopers", 10, loops_at_the_end),
    Scenario("one looper with five loops", 1, loops_everywhere),
)


def bench_fairness(
    places: Places,
    exercise: str,
    honest: int,
    jobs: int,
    patience_seconds: float,
    say: Say,
    scenarios: tuple[Scenario, ...] = SCENARIOS,
) -> dict[str, Any]:
    """Return what honest students met in each scenario; who has no result in time counts with that time."""
    with tempfile.TemporaryDirectory(prefix="campus-bench-") as folder:
        prepared, alone = _prepared(places, Path(folder), exercise, jobs, say)
        found = {}
        for number, scenario in enumerate(scenarios):
            own = Places(prepared.root, prepared.state.with_name(f"state-{number}"))
            shutil.copytree(prepared.state, own.state)
            say(f"{scenario.name}: {honest} honest students hand in meanwhile")
            waits = _play(own, exercise, scenario, honest, jobs, patience_seconds)
            found[scenario.name] = figures(waits, patience_seconds, PUBLIC_TARGETS.get(scenario.name))
            say(f"  {found[scenario.name]}")
    return {
        "benchmark": "fairness",
        "machine": machine(),
        "protections": describe(),
        "exercise": exercise,
        "jobs": jobs,
        "honest": honest,
        # One at a time, just before: what the machine gives today.
        "alone_public_seconds": percentiles([each.public for each in alone if each.public]),
        "scenarios": found,
        "met": all(each["met"] for each in found.values()),
    }


def figures(waits: list[Wait], patience_seconds: float, target: float | None) -> dict[str, Any]:
    """Return percentiles, the smallest estimate over what it took, and whether the targets are met."""
    public = percentiles([each.public or patience_seconds for each in waits])
    recorded = percentiles([each.recorded or patience_seconds for each in waits])
    ratios, silent = _ratios(waits)
    least = round(min(ratios), 2) if ratios else None
    return {
        "public_seconds": public,
        "recorded_seconds": recorded,
        "without_result": sum(each.recorded is None for each in waits),
        "least_estimate_ratio": least,
        "estimates": len(ratios),
        "said_not_known": silent,
        "targets": {"public_p95_seconds": target, "least_estimate_ratio": RATIO_TARGET},
        "met": (target is None or public["p95"] <= target) and (least is None or least >= RATIO_TARGET),
    }


def _ratios(waits: list[Wait]) -> tuple[list[float], int]:
    """Return each thing said over what it took from then, and how often the page said that nobody can tell.

    Who has no result yet took at least until the last look.
    """
    found, silent = list[float](), 0
    for each in waits:
        last = max((age for age, *_ in each.said), default=0.0)
        for age, *said in each.said:
            for estimate, took in zip(said, (each.public, each.recorded), strict=True):
                if took is not None and age >= took:
                    continue
                if estimate is None:
                    silent += 1
                    continue
                left = (last if took is None else took) - age
                found.append(max(estimate, SHORT_SECONDS) / max(left, SHORT_SECONDS))
    return found, silent


def _prepared(places: Places, folder: Path, exercise: str, jobs: int, say: Say) -> tuple[Places, list[Wait]]:
    """Return a campus of one exercise that a few students have handed in already, as on any day but the first."""
    say(f"Preparing {exercise} ...")
    own = small_campus(places, folder, exercise)
    with working(own, jobs):
        waits = list[Wait]()
        for number in range(EARLY):
            waits.append(Wait(hand_in(own, exercise, f"early{number}", _right(own, exercise)[0])))
            _watch(own, waits[-1:], time.monotonic() + 300)
    return own, waits[1:]


def _play(
    places: Places, exercise: str, scenario: Scenario, honest: int, jobs: int, patience_seconds: float
) -> list[Wait]:
    right = cycle(_right(places, exercise))
    with working(places, jobs):
        began = time.monotonic()
        for number in range(scenario.loopers):
            hand_in(places, exercise, f"looper{number}", scenario.solution(next(right)))
        waits = list[Wait]()
        for number in range(honest):
            comes = began + scenario.first_seconds + number * scenario.each_seconds
            _watch(places, waits, comes, forever=True)
            waits.append(Wait(hand_in(places, exercise, f"student{number}", next(right))))
        _watch(places, waits, time.monotonic() + patience_seconds)
    return waits


def _right(places: Places, exercise: str) -> list[str]:
    return [path.read_text("utf-8") for path in sorted((places.exercises / exercise / "right").glob("*.py"))]


def hand_in(places: Places, exercise: str, student: str, solution: str) -> Submission:
    """Keep and queue a notebook, as the intake does."""
    source = sources.current(places, COURSE, exercise)
    notebook = nbformat.writes(answered(source, solution)).encode()
    submission = Store(places).add(COURSE, exercise, student, source.version, {f"{exercise}.ipynb": notebook})
    queue.submitted(places, submission)
    return submission


def _watch(places: Places, waits: list[Wait], until: float, forever: bool = False) -> None:
    """Look at the pages of those who wait, each second, until all have their score or the time has come."""
    while (left := until - time.monotonic()) > 0:
        for each in [each for each in waits if each.recorded is None]:
            _look(places, each)
        if not forever and all(each.recorded is not None for each in waits):
            return
        time.sleep(min(LOOK_SECONDS, left))


def _look(places: Places, each: Wait) -> None:
    came = each.submission.received_at
    with database.session(places) as session:
        for row in session.scalars(select(JobRow).where(JobRow.submission == each.submission.id)):
            if row.kind == "public" and row.finished_at is not None and row.state == "graded":
                each.public = (row.finished_at - came).total_seconds()
            if row.kind == "full" and row.recorded_at is not None:
                each.recorded = (row.recorded_at - came).total_seconds()
    if each.recorded is None:
        age, stands = (database.utcnow() - came).total_seconds(), queue.progress(places, each.submission.id)
        each.said.append((age, stands.public_seconds_left, stands.seconds_left))
