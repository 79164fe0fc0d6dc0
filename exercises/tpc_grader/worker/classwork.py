"""Grading a class from the command line or the instructor's page: queue it, see it through, say what came out."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import defer
from tpc_courses.base.places import Places
from tpc_courses.base.words import counted
from tpc_courses.sources.manifest import Course

from tpc_grader.database import engine as database
from tpc_grader.grades.scores import class_scores
from tpc_grader.queue import queue
from tpc_grader.queue.jobs import JobRow
from tpc_grader.results.points import shown
from tpc_grader.submissions.store import Store

Say = Callable[[str], None]
OPEN = ("queued", "running", "ran", "recording")
POLL_SECONDS = 0.25
SAY_SECONDS = 2.0


@dataclass(frozen=True)
class ClassGraded:
    """What came of grading a class: one line for each student, and who could not be graded."""

    lines: tuple[str, ...]
    failed: tuple[str, ...]
    summary: str


def queue_class(places: Places, course: Course, exercise: str, again: bool = False) -> list[int]:
    """Queue the newest submission of each student, and return the numbers of the jobs that must end.

    What was graded before is left alone unless `again`; what failed by a fault of the grader is tried again.
    """
    course.unit_of(exercise)
    queue.retry(places, course.id, exercise)
    jobs = newest_jobs(places, course.id, exercise)
    numbers = []
    for submission in Store(places).latest(course.id, exercise):
        last = jobs.get(submission.id)
        if last is None or again:
            version = last.version if last else submission.version
            numbers.append(queue.enqueue(places, submission, "full", version, again=again))
        elif last.state in OPEN:
            numbers.append(last.number)
    return numbers


def grade_class(places: Places, course: Course, exercise: str, again: bool, say: Say) -> ClassGraded:
    """Grade the newest submission of each student and wait until all are done."""
    numbers = queue_class(places, course, exercise, again)
    run_until_done(places, numbers, say)
    jobs = newest_jobs(places, course.id, exercise)
    scores = class_scores(places, course.id)
    lines, failed = [], []
    for submission in Store(places).latest(course.id, exercise):
        job = jobs.get(submission.id)
        score = scores.get((submission.student, exercise))
        if job is None or job.state != "graded":
            failed.append(submission.student)
            lines.append(f"{submission.student:<20} not graded: {job.reason if job else 'never queued'}")
        else:
            told = f"{shown(score.points)}/{shown(score.max_score)}" if score else "no score"
            what = "" if job.outcome == "graded" else f"  {job.outcome}: {job.reason}"
            lines.append(f"{submission.student:<20} {told}{what}")
    summary = f"graded {counted(len(numbers), 'submission')}, {len(failed)} failed"
    return ClassGraded(tuple(lines), tuple(failed), summary)


def run_until_done(places: Places, numbers: Collection[int], say: Say) -> None:
    """Wait until jobs have ended, by the worker that serves the campus, else by working here."""
    # nbgrader and the sandbox take seconds to import: only where somebody waits for them anyway.
    from tpc_grader.worker.worker import Busy, work

    report = _Report(places, numbers, say)
    while not report.is_done():
        try:
            work(places, until=report.is_done)
        except Busy:
            time.sleep(POLL_SECONDS)


def open_jobs(places: Places, numbers: Collection[int]) -> int:
    """Return how many of these jobs have not ended."""
    query = select(JobRow.number).where(JobRow.state.in_(OPEN))
    with database.session(places) as session:
        return len(set(session.scalars(query)) & set(numbers))


def newest_jobs(places: Places, course: str, exercise: str | None = None) -> dict[str, JobRow]:
    """Return submission -> its newest full job, without the results, which may be large."""
    query = select(JobRow).where(JobRow.course == course, JobRow.kind == "full").order_by(JobRow.number)
    if exercise is not None:
        query = query.where(JobRow.exercise == exercise)
    with database.session(places) as session:
        rows = session.scalars(query.options(defer(JobRow.result), defer(JobRow.before)))
        return {row.submission: row for row in rows}


class _Report:
    """Says now and then how many jobs are left."""

    def __init__(self, places: Places, numbers: Collection[int], say: Say) -> None:
        self.places, self.numbers, self.say = places, frozenset(numbers), say
        self.said = time.monotonic()
        self.left = len(self.numbers)

    def is_done(self) -> bool:
        left = open_jobs(self.places, self.numbers)
        if left != self.left and time.monotonic() - self.said > SAY_SECONDS:
            self.said, self.left = time.monotonic(), left
            self.say(f"{len(self.numbers) - left} of {len(self.numbers)} done")
        return left == 0
