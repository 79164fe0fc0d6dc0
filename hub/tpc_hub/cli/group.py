"""The group that every `campus` command belongs to, and what they share."""

from __future__ import annotations

import os
import sys
from typing import Any

import click
from tpc_courses.manifest import Course, load_courses
from tpc_courses.places import Places
from tpc_courses.problems import SourceError
from tpc_grader.archive import Refused
from tpc_grader.backends import TRUST_VARIABLE

from tpc_hub.settings import Settings, load_settings


class Campus(click.Group):
    """Turns refusals into one message on stderr and exit code 1, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        # nbgrader and the hub run `alembic` by name; it lies beside this Python.
        folder = os.path.dirname(sys.executable)
        if folder not in os.environ["PATH"].split(os.pathsep):
            os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
        try:
            return super().invoke(ctx)
        except (SourceError, Refused, OSError, RuntimeError, KeyError) as e:
            message = e.args[0] if isinstance(e, KeyError) else e
            raise click.ClickException(str(message)) from e


@click.group(cls=Campus, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Run and look after a TPC Campus.

    \b
    Examples:
      campus up                                   start everything
      campus check                                find every problem in courses, lessons, exercises
      campus grade scaling fit-a-law              grade what was submitted
      campus roster import scaling class.csv      enrol people from a CSV file
      campus doctor                               what this machine can and cannot enforce
    """


def settings_of(places: Places, profile: str | None = None) -> Settings:
    """Return the settings; the processes we start find the same profile, and the grader learns whom we trust."""
    settings = load_settings(places, profile)
    if profile:
        os.environ["CAMPUS_PROFILE"] = profile
    os.environ[TRUST_VARIABLE] = str(settings.trust_everyone).lower()
    return settings


def chosen_course(places: Places, course_id: str) -> Course:
    """Return a course by its id; raises RuntimeError with the ids there are."""
    courses = {course.id: course for course in load_courses(places)}
    if course_id not in courses:
        raise RuntimeError(f"There is no course {course_id!r}. Use one of: {', '.join(courses)}.")
    return courses[course_id]
