"""nbgrader's exchange as the course folder sees it: release, collect, list and feedback from the intake.

Whoever runs this is the operator or teaches for them; students reach none of it.
"""

from __future__ import annotations

import datetime as dt
import glob
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.exchange import default
from nbgrader.utils import ignore_patterns
from tpc_courses.base.files import whole_folder

from tpc_grader.exchange.base import TIMESTAMP, Exchange
from tpc_grader.exchange.student import grouped, submitted_info
from tpc_grader.feedback.publish import publish_feedback, released_hashes
from tpc_grader.submissions.folder import read_folder
from tpc_grader.submissions.store import Store, Submission
from tpc_grader.versions import releases
from tpc_grader.versions.sources import keep_folders


class ReleaseAssignment(Exchange, default.ExchangeReleaseAssignment):
    """Publishes an exercise from the course folder."""

    def init_dest(self) -> None:
        """Say where the release goes, for nbgrader's log."""
        self.dest_path = str(Path(self.root, self.course, "outbound", self.exercise))

    def copy_files(self) -> None:
        """Publish the files under the version of what they were made from."""
        if os.path.isdir(self.dest_path) and not self.force:
            self.fail(f"Destination already exists, add --force to overwrite: {self.course} {self.exercise}")
        source = Path(self.coursedir.format_path(self.coursedir.source_directory, ".", self.exercise))
        chosen = ignore_patterns(exclude=self.coursedir.ignore, include=self.coursedir.include, log=self.log)
        files = read_folder(Path(self.src_path), chosen, releases.LIMITS)
        version = releases.version_of(source if source.is_dir() else Path(self.src_path))
        if source.is_dir():
            keep_folders(self.places, self.course, self.exercise, source, Path(self.src_path))
        releases.publish(Path(self.root), self.course, self.exercise, files, version)
        self.log.info("Released as: %s %s, version %s", self.course, self.exercise, version)


class Collect(Exchange, default.ExchangeCollect):
    """Writes each student's submission into the course folder, with the time at which the server got it."""

    def init_src(self) -> None:
        """Choose the submission of each student: the newest, or the newest on time."""
        store, wanted = Store(self.places), self.coursedir.student_id
        newest = [
            each for each in store.latest(self.course, self.exercise) if wanted in ("", "*", each.student)
        ]
        due = self._due() if self.before_duedate else None
        self.src_records = [_on_time(store, each, due) for each in newest]

    def copy_files(self) -> None:
        """Write what is new."""
        if not self.src_records:
            self.log.warning("No submissions of '%s' for course '%s' to collect", self.exercise, self.course)
        for submission in self.src_records:
            self._collect(submission)

    def _collect(self, submission: Submission) -> None:
        student = submission.student
        path = Path(self.coursedir.format_path(self.coursedir.submitted_directory, student, self.exercise))
        if path.is_dir() and not self._is_wanted(submission, path):
            hint = "No newer submission to collect" if self.update else "Already collected, see --update"
            self.log.info("%s: %s %s", hint, student, self.exercise)
            return
        write_submission(submission, path)
        self.log.info("Collecting submission: %s %s", student, self.exercise)

    def _is_wanted(self, submission: Submission, path: Path) -> bool:
        before = self.coursedir.get_existing_timestamp(str(path))
        received_at = submission.received_at.replace(tzinfo=None)
        newer = self.update and (before is None or received_at > before)
        return newer or (self.before_duedate and before != received_at)

    def _due(self) -> dt.datetime | None:
        with Gradebook(self.coursedir.db_url, self.course) as book:
            try:
                due = book.find_assignment(self.exercise).duedate
            except MissingEntry:
                return None
        return due.replace(tzinfo=dt.UTC) if due else None


class List(Exchange, default.ExchangeList):
    """Lists what is released and what was received."""

    def start(self) -> Any:
        """List, or withdraw releases; what students handed in is never removed."""
        if self.inbound and self.cached:
            self.fail("Options --inbound and --cached are incompatible.")
        if self.remove and (self.inbound or self.cached):
            self.fail("Submissions are kept for good: nothing is removed.")
        super().start()
        return self.remove_files() if self.remove else self.list_files()

    def init_dest(self) -> None:
        """Nothing to choose: the intake is searched when listing."""

    def parse_assignments(self) -> list[dict[str, Any]]:
        """Return nbgrader's description of each assignment."""
        if self.inbound or self.cached:
            received = sorted(self._submissions(), key=lambda each: each.received_at)
            return grouped([self._received(each) for each in received])
        return [
            {
                "course_id": each.course,
                "assignment_id": each.exercise,
                "status": "removed" if self.remove else "released",
                "path": str(each.folder),
                "notebooks": [
                    {"notebook_id": Path(name).stem, "path": str(each.folder / name)}
                    for name in each.notebooks
                ],
            }
            for each in self._released()
        ]

    def remove_files(self) -> list[dict[str, Any]]:
        """Withdraw releases: nobody can fetch them any more."""
        infos = self.parse_assignments()
        self.log.info("Removing released assignments:")
        for info in infos:
            self.log.info(self.format_outbound_assignment(info))
            releases.withdraw(Path(self.root), info["course_id"], info["assignment_id"])
        return infos

    def _released(self) -> Iterator[releases.Release]:
        courses = (
            [self.coursedir.course_id] if self.coursedir.course_id else releases.courses(Path(self.root))
        )
        for course in courses:
            for each in releases.all_released(Path(self.root), course):
                if self.exercise in ("", each.exercise):
                    yield each

    def _submissions(self) -> Iterator[Submission]:
        store, student = Store(self.places), self.coursedir.student_id
        for course, exercise in store.exercises():
            if self.coursedir.course_id in ("", course) and self.exercise in ("", exercise):
                yield from store.all(course, exercise, None if student in ("", "*") else student)

    def _received(self, submission: Submission) -> dict[str, Any]:
        offered = released_hashes(self.places, submission.id)
        names = [Path(file.name).stem for file in submission.files if file.name.endswith(".ipynb")]
        notebooks = [
            {
                "notebook_id": name,
                "path": "",
                "has_local_feedback": False,
                "has_exchange_feedback": name in offered,
                "local_feedback_path": None,
                "feedback_updated": False,
            }
            for name in names
        ]
        each: Mapping[str, Any] = {
            "course": submission.course,
            "exercise": submission.exercise,
            "student": submission.student,
        }
        return submitted_info(each, submission.received_at.strftime(TIMESTAMP), notebooks, None)


class ReleaseFeedback(Exchange, default.ExchangeReleaseFeedback):
    """Lets students read their feedback: each page belongs to one submission, named by its time."""

    def init_dest(self) -> None:
        """Check the request."""
        _ = self.course

    def copy_files(self) -> None:
        """Publish every generated page of the students asked for."""
        excluded = set((self.coursedir.student_id_exclude or "").split(","))
        received = {
            (each.student, each.received_at): each
            for each in Store(self.places).all(self.course, self.exercise)
        }
        for folder in sorted(Path(each) for each in glob.glob(self.src_path) if os.path.isdir(each)):
            student = folder.parent.name
            stamp = self.coursedir.get_existing_timestamp(str(folder))
            submission = received.get((student, stamp.replace(tzinfo=dt.UTC))) if stamp else None
            if submission is None:
                self.log.warning("%s belongs to no submission: its feedback is not released", folder)
            elif student not in excluded:
                self._publish(folder, submission)

    def _publish(self, folder: Path, submission: Submission) -> None:
        for page in sorted(folder.glob("*.html")):
            publish_feedback(self.places, submission.id, page.stem, page.read_text(encoding="utf-8"))
            self.log.info(
                "Releasing feedback for student '%s' on assignment '%s/%s/%s'",
                submission.student,
                submission.course,
                submission.exercise,
                page.stem,
            )


def write_submission(submission: Submission, path: Path) -> None:
    """Write a submission's files where nbgrader expects them, whole or not at all, over an older one."""
    with whole_folder(path) as draft:
        submission.write_to(draft)
        (draft / "timestamp.txt").write_text(submission.received_at.strftime(TIMESTAMP), encoding="utf-8")


def _on_time(store: Store, newest: Submission, due: dt.datetime | None) -> Submission:
    if due is None or newest.received_at <= due:
        return newest
    earlier = store.all(newest.course, newest.exercise, newest.student)
    return next((each for each in earlier if each.received_at <= due), newest)
