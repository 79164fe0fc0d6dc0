"""Regrading a class under a corrected exercise: first a trial that writes nothing, then what it changes.

`campus build` releases a corrected exercise as a new version. The trial grades the newest submission of
everybody under it; applying hands the trial's results to the writer. Scores that a person gave stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import select
from tpc_courses.base.places import Places
from tpc_courses.base.words import counted
from tpc_courses.sources.manifest import Course

from tpc_grader.database import audit
from tpc_grader.database import engine as database
from tpc_grader.desk.appeals import answer, request, requests_of
from tpc_grader.grades.scores import Score, cell_scores
from tpc_grader.queue import queue
from tpc_grader.queue.jobs import JobRow
from tpc_grader.queue.wakeup import ring
from tpc_grader.results.points import number, shown
from tpc_grader.results.results import Graded
from tpc_grader.submissions.archive import Refused
from tpc_grader.submissions.store import Store, Submission
from tpc_grader.versions.releases import released
from tpc_grader.worker.classwork import newest_jobs

__all__ = [
    "Change",
    "Trial",
    "answer",
    "apply_trial",
    "outdated",
    "request",
    "requests_of",
    "start_trial",
    "started_trial",
    "trial_of",
]


@dataclass(frozen=True)
class Change:
    """What a regrade changes for one cell: points before and after; None where the cell was not there."""

    student: str
    cell: str
    before: float | None
    after: float | None
    kept: bool = False  # a person graded the cell, and their score stays

    def fields(self) -> dict[str, Any]:
        """Return the change as plain values."""
        return asdict(self)

    def __str__(self) -> str:
        words = (
            "kept, a person graded it" if self.kept else f"{_points(self.before)} -> {_points(self.after)}"
        )
        return f"{self.student:<20} {self.cell:<24} {words}"


@dataclass(frozen=True)
class Trial:
    """A regrade that is only shown: the jobs of everybody whose newest work counts under another version."""

    course: str
    exercise: str
    version: str
    jobs: tuple[int, ...]

    def results(self, places: Places) -> list[JobRow]:
        """Return the jobs that ended well, by student."""
        query = select(JobRow).where(JobRow.number.in_(self.jobs), JobRow.state == "graded")
        with database.session(places) as session:
            return list(session.scalars(query.order_by(JobRow.student)))

    def changes(self, places: Places) -> list[Change]:
        """Return every cell whose score differs from the gradebook's, by student and cell."""
        found = []
        for row in self.results(places):
            before = cell_scores(places, self.course, self.exercise, row.student)
            found += _changes(row.student, before, Graded.from_json(row.result or ""))
        return found

    def summary(self, places: Places, changes: list[Change]) -> str:
        """Return what the trial found, in one line."""
        done = len(self.results(places))
        students = len({change.student for change in changes if not change.kept})
        scores = counted(students, "student's score changes", "students' scores change")
        text = f"regraded {counted(done, 'submission')} under version {self.version}: {scores}"
        return text if done == len(self.jobs) else f"{text}; {len(self.jobs) - done} could not be regraded"


def start_trial(places: Places, course: Course, exercise: str, by: str) -> Trial:
    """Queue a trial for everybody whose newest work was graded under another version; raises Refused."""
    course.unit_of(exercise)
    trial = trial_of(places, course, exercise)
    if trial.jobs:
        audit.log(
            places,
            audit.Entry(
                by,
                "regrade trial",
                course=course.id,
                exercise=exercise,
                after=trial.version,
                note=counted(len(trial.jobs), "submission"),
            ),
        )
    return trial


def trial_of(places: Places, course: Course, exercise: str) -> Trial:
    """Return the trial under the version that is released now, queued where it was not yet."""
    version = _released_version(places, course, exercise)
    failed = _failed(places, course.id, version)
    jobs = [
        queue.enqueue(places, submission, "trial", version, again=submission.id in failed)
        for submission in outdated(places, course, exercise, version)
    ]
    return Trial(course.id, exercise, version, tuple(jobs))


def started_trial(places: Places, course: Course, exercise: str) -> Trial:
    """Return the trial under the version that is released now as far as somebody started it."""
    version = _released_version(places, course, exercise)
    wanted = {submission.id for submission in outdated(places, course, exercise, version)}
    query = select(JobRow.submission, JobRow.number).where(
        JobRow.course == course.id,
        JobRow.exercise == exercise,
        JobRow.version == version,
        JobRow.kind == "trial",
    )
    with database.session(places) as session:
        newest = {submission: number for submission, number in session.execute(query.order_by(JobRow.number))}
    jobs = tuple(number for submission, number in newest.items() if submission in wanted)
    return Trial(course.id, exercise, version, jobs)


def outdated(places: Places, course: Course, exercise: str, version: str) -> list[Submission]:
    """Return the newest submission of everybody whose score is of another version."""
    graded = newest_jobs(places, course.id, exercise)
    newest = Store(places).latest(course.id, exercise)
    return [each for each in newest if each.id in graded and graded[each.id].version != version]


def _released_version(places: Places, course: Course, exercise: str) -> str:
    release = released(places.intake, course.id, exercise)
    if release is None:
        raise Refused(f"{exercise} is not released in {course.id}. Run `campus build`.", 404)
    return release.version


def apply_trial(places: Places, trial: Trial, by: str) -> list[int]:
    """Hand a trial's results to the writer, and return the numbers of the jobs that write them down."""
    changes = trial.changes(places)
    numbers = [_apply(places, row) for row in trial.results(places)]
    ring(places, "writer")
    entry = audit.Entry(
        by,
        "regrade applied",
        course=trial.course,
        exercise=trial.exercise,
        after=trial.version,
        note=f"{counted(len(numbers), 'submission')}, "
        f"{counted(sum(not change.kept for change in changes), 'score')}",
    )
    if numbers:
        audit.log(places, entry)
    return numbers


def _apply(places: Places, trial: JobRow) -> int:
    """Turn a trial's result into a full job that only has to be written down; once for each trial."""
    with database.transaction(places) as session:
        done = session.scalar(
            select(JobRow).where(
                JobRow.submission == trial.submission,
                JobRow.version == trial.version,
                JobRow.kind == "full",
                JobRow.round == trial.round,
            )
        )
        if done is not None:
            return done.number
        now = database.utcnow()
        copied = (
            "submission submission_number course exercise student version round finished_at started_at "
            "worker seconds outcome reason result"
        )
        row = JobRow(
            **{name: getattr(trial, name) for name in copied.split()},
            kind="full",
            state="ran",
            queued_at=now,
            not_before=now,
        )
        session.add(row)
        session.flush()
        return row.number


def _failed(places: Places, course: str, version: str) -> set[str]:
    """Return the submissions whose trial the grader could not run: it is queued once more."""
    query = select(JobRow.submission).where(
        JobRow.course == course,
        JobRow.version == version,
        JobRow.kind == "trial",
        JobRow.state == "failed",
    )
    with database.session(places) as session:
        return set(session.scalars(query))


def _changes(student: str, before: Mapping[str, Score], after: Graded) -> list[Change]:
    """Return the cells that differ; a cell that the new version has no more gives no points."""
    new = {cell.name: cell for cell in after.cells}
    found = []
    for name in sorted({*before, *new}):
        old, cell = before.get(name), new.get(name)
        if (old is not None and old.manual is not None) or (cell is not None and cell.manual):
            if cell is not None and old is not None and cell.points != old.points and not cell.manual:
                found.append(Change(student, name, old.points, cell.points, kept=True))
            if cell is None and old is not None and old.points:
                found.append(Change(student, name, old.points, None))
            continue
        earned = old.earned if old else None
        had, has = None if earned is None else number(earned), cell.points if cell else None
        if (had or 0.0) != (has or 0.0) or (had is None) != (has is None):
            found.append(Change(student, name, had, has))
    return found


def _points(points: float | None) -> str:
    return shown(points) or "none"
