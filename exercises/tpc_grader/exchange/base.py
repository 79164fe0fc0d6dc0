"""What our replacements of nbgrader's exchange share: no folder that everybody may write to.

A student's side (`tpc_grader.exchange.student`) talks to the campus over HTTP, with the token of the student's own
server. The course's side (`tpc_grader.exchange.course`) is the operator's, and reads and writes the intake itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from nbgrader.exchange import abc, default
from tpc_courses.base.places import Places
from traitlets.config import Config

from tpc_grader.submissions.archive import Refused

# How nbgrader writes a moment; with microseconds, so that it names one submission.
TIMESTAMP = "%Y-%m-%d %H:%M:%S.%f UTC"
_SIDES = {
    "student": {
        "fetch_assignment": "student.FetchAssignment",
        "submit": "student.Submit",
        "list": "student.List",
        "fetch_feedback": "student.FetchFeedback",
    },
    "course": {
        "release_assignment": "course.ReleaseAssignment",
        "collect": "course.Collect",
        "list": "course.List",
        "release_feedback": "course.ReleaseFeedback",
    },
}


def select_exchange(config: Config, side: Literal["student", "course"]) -> None:
    """Choose our classes in nbgrader's configuration."""
    config.ExchangeFactory.exchange = "tpc_grader.exchange.base.Exchange"
    for step, name in _SIDES[side].items():
        setattr(config.ExchangeFactory, step, f"tpc_grader.exchange.{name}")
    config.Exchange.path_includes_course = True


class Exchange(default.Exchange):
    """The base of all our exchange classes. `root` is the intake folder; only the course's side uses it."""

    def start(self) -> Any:
        """Run the steps of an exchange; there is no folder whose permissions must be right."""
        try:
            return abc.Exchange.start(self)
        except Refused as e:
            self.fail(str(e))

    @property
    def places(self) -> Places:
        """Return the places of the campus that the intake folder belongs to."""
        state = Path(self.root).resolve().parent
        return Places(state, state)

    @property
    def course(self) -> str:
        """Return the course asked for; fails when there is none."""
        if not self.coursedir.course_id:
            self.fail("No course id specified. Re-run with --course flag.")
        return str(self.coursedir.course_id)

    @property
    def exercise(self) -> str:
        """Return the exercise asked for."""
        return str(self.coursedir.assignment_id)

    def folder(self, course: str, exercise: str) -> Path:
        """Return the student's folder of an exercise."""
        parts = (course, exercise) if self.path_includes_course else (exercise,)
        return Path(self.assignment_dir, *parts).absolute()
