"""What a campus lets a student do with exercises: list, fetch, hand in, read feedback. No HTTP in here.

Whoever calls has found out who the student is (`tpc_hub.web.api.intake` asks the hub); here it is decided
whether what they ask for is theirs, in time, and safe to keep.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tpc_courses.base.local_time import in_zone
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import Course

from tpc_grader.database import engine as database
from tpc_grader.feedback.publish import shown_feedback
from tpc_grader.grades.late import Deadline, deadline
from tpc_grader.submissions.archive import LIMITS, Limits, Refused, check_submission, pack, unpack
from tpc_grader.submissions.store import Store, Submission
from tpc_grader.versions.releases import Release, all_released, released

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rate:
    """How often and how much one student may hand in. `attempts` counts also what was refused."""

    submissions: int = 20
    attempts: int = 60
    minutes: int = 10
    course_bytes: int = 2**30


class Intake:
    """The one door through which work comes in."""

    def __init__(
        self,
        places: Places,
        courses: Mapping[str, Course],
        limits: Limits = LIMITS,
        rate: Rate | None = None,
        accepted: Callable[[Submission], None] | None = None,
    ) -> None:
        """`accepted` is called after a submission is safe on disk; its failure loses nothing."""
        self.places = places
        self.courses = courses
        self.limits = limits
        self.rate = rate or Rate()
        self.store = Store(places)
        self.accepted = accepted
        self._attempts = defaultdict[str, deque[dt.datetime]](lambda: deque(maxlen=self.rate.attempts))
        self._turns = defaultdict[str, threading.Lock](threading.Lock)

    def releases(self, course: str) -> list[Release]:
        """Return what can be fetched in a course."""
        return all_released(self.places.intake, course)

    def release(self, course: str, exercise: str) -> Release:
        """Return one released exercise; raises Refused."""
        found = released(self.places.intake, course, exercise)
        if found is None:
            known = ", ".join(each.exercise for each in self.releases(course)) or "none"
            raise Refused(f"There is no released exercise {exercise!r} in {course}. There is: {known}.", 404)
        return found

    def archive(self, course: str, exercise: str) -> bytes:
        """Return a released exercise as a zip archive."""
        return pack(self.release(course, exercise).files())

    def deadline(self, course: str, exercise: str, student: str) -> Deadline:
        """Return until when a student may hand in; an exercise outside the manifest is never due."""
        known = self.courses.get(course)
        return deadline(self.places, known, exercise, student) if known else Deadline(None, None)

    def receive(self, course: str, exercise: str, student: str, archive: bytes) -> Submission:
        """Keep what a student hands in, now; raises Refused with the reason, and then nothing was kept."""
        release = self.release(course, exercise)
        # One at a time for each student: requests side by side must not pass the limits together.
        with self._turns[student]:
            self._check_time(course, exercise, student)
            self._check_rate(course, student)
            files = unpack(archive, self.limits)
            check_submission(files, release.notebooks, self.limits)
            submission = self.store.add(course, exercise, student, release.version, files)
        if self.accepted is not None:
            try:
                self.accepted(submission)
            except Exception:
                # The work is safe and has its receipt; grading finds it again later.
                log.exception("submission %s was kept but not queued", submission.id)
        return submission

    def feedback(self, student: str, submission: str) -> dict[str, bytes]:
        """Return the released feedback of a student's own submission; raises Refused."""
        try:
            found = self.store.get(submission)
        except KeyError:
            found = None
        if found is None or found.student != student:
            raise Refused("There is no such submission of yours.", 404)
        return shown_feedback(self.places, submission)

    def _check_time(self, course: str, exercise: str, student: str) -> None:
        until = self.deadline(course, exercise, student)
        if until.closes is not None and database.utcnow() > until.closes:
            closed = in_zone(until.closes, self.courses[course].zone)
            raise Refused(
                f"{exercise} closed on {closed}. Your files are unchanged. "
                "Ask your instructor for an extension, then submit again.",
                403,
            )

    def _check_rate(self, course: str, student: str) -> None:
        now, window = database.utcnow(), dt.timedelta(minutes=self.rate.minutes)
        tried = [at for at in self._attempts[student] if at > now - window]
        if len(tried) >= self.rate.attempts:
            raise _too_often(f"You tried to submit {len(tried)} times", tried[0] + window - now, self.rate)
        self._attempts[student].append(now)
        recent = self.store.received_since(student, now - window)
        if len(recent) >= self.rate.submissions:
            oldest = recent[-self.rate.submissions]
            raise _too_often(f"You submitted {len(recent)} times", oldest + window - now, self.rate)
        if self.store.bytes_of(course, student) > self.rate.course_bytes:
            raise Refused(
                f"Your submissions to {course} hold more than {self.rate.course_bytes / 2**30:g} GiB. "
                "Ask your instructor.",
                413,
            )


def _too_often(what: str, wait: dt.timedelta, rate: Rate) -> Refused:
    seconds = int(wait.total_seconds()) + 1
    return Refused(
        f"{what} in {rate.minutes} minutes. What was accepted is kept, and the newest counts. "
        f"Submit again in {-(-seconds // 60)} min.",
        429,
        retry_after=seconds,
    )
