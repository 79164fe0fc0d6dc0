"""The group that every `campus` command belongs to, and what they share."""

from __future__ import annotations

import os
import sys
from typing import Any

import click
from tpc_courses.base.places import Places
from tpc_courses.base.problems import NotThere
from tpc_courses.sources.manifest import Course, load_courses
from tpc_grader.sandbox.backends import TRUST_VARIABLE

from tpc_hub.cli.sentences import sentence
from tpc_hub.settings.profile import Settings, load_settings


class Campus(click.Group):
    """Turns whatever goes wrong into a message on stderr and exit code 1, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        # nbgrader and the hub run `alembic` by name; it lies beside this Python.
        folder = os.path.dirname(sys.executable)
        if folder not in os.environ["PATH"].split(os.pathsep):
            os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise  # click's own ways to end, and a reader such as `head` that has enough
        except click.UsageError as e:
            e.show()
            ctx.exit(1)
        except click.ClickException:
            raise
        except Exception as e:
            raise click.ClickException(sentence(e, _places())) from e


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


def _places() -> Places | None:
    try:
        return Places.find()
    except OSError:
        return None


def settings_of(places: Places, profile: str | None = None) -> Settings:
    """Return the settings; the processes we start find the same profile, and the grader learns whom we trust."""
    settings = load_settings(places, profile)
    if profile:
        os.environ["CAMPUS_PROFILE"] = profile
    os.environ[TRUST_VARIABLE] = str(settings.trust_everyone).lower()
    return settings


def chosen_course(places: Places, course_id: str) -> Course:
    """Return a course by its id; raises NotThere with the ids there are."""
    courses = {course.id: course for course in load_courses(places)}
    if course_id not in courses:
        raise NotThere(f"There is no course {course_id!r}. Use one of: {', '.join(courses)}.")
    return courses[course_id]
