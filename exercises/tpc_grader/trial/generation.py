"""Generates an exercise outside any campus, where its author's solution is graded, and notes that it passes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import Course, Unit

from tpc_grader.coursework.coursework import prepare_course
from tpc_grader.coursework.tried_notes import noted, path, write
from tpc_grader.versions.releases import digest_of
from tpc_grader.versions.support_files import exercise_files


def generate(places: Places, slug: str) -> list[str]:
    """Generate an exercise with its solution tried, and note it; returns what could not be tried, and is not noted.

    Raises SourceError and RuntimeError with the reason of a refusal.
    """
    write(places, {key: value for key, value in noted(path(places)).items() if key != slug})
    said = list[str]()
    with tempfile.TemporaryDirectory(prefix="campus-try-") as state:
        units = (Unit(exercise=slug),)
        course = Course(id="try", title="Trial", summary="One exercise, to try it.", units=units)
        prepare_course(Places(places.root, Path(state)), course, said.append)
    if not said:
        note(places, slug)
    return said


def note(places: Places, slug: str) -> None:
    """Note that the author's solution of an exercise passes as it is now."""
    write(places, noted(path(places)) | {slug: digest_of(exercise_files(places, slug))})
