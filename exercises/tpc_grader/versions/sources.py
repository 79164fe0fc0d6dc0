"""Every version of an exercise with its hidden tests, in the operator's part of the state folder.

sources/<course>/<exercise>/<version>/source/    what the instructor wrote
sources/<course>/<exercise>/<version>/release/   what students got

A version is never changed, so that old work can be graded again as it was, and under a corrected exercise.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from tpc_courses.base.places import Places

from tpc_grader.results.results import InfrastructureFault
from tpc_grader.versions.autotests import with_tests
from tpc_grader.versions.releases import version_of


@dataclass(frozen=True)
class Source:
    """One version of an exercise: notebook and support files, with solutions and without."""

    exercise: str
    version: str
    folder: Path

    @property
    def source(self) -> Path:
        """Return the notebook with solutions and hidden tests."""
        return self.folder / "source" / f"{self.exercise}.ipynb"

    @property
    def release(self) -> Path:
        """Return the notebook that students got."""
        return self.folder / "release" / f"{self.exercise}.ipynb"

    @property
    def seed(self) -> str:
        """Return what unseeded draws of this version follow from: of its hidden tests, so not from what is public."""
        return seed_of_draws(self.source.read_bytes())

    def files(self) -> dict[str, bytes]:
        """Return the support files of the exercise by name."""
        root = self.folder / "source"
        paths = sorted(path for path in root.rglob("*") if path.is_file() and path.suffix != ".ipynb")
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


def seed_of_draws(source: bytes) -> str:
    """Return what unseeded draws follow from where an exercise's notebook holds these bytes."""
    return hashlib.sha256(b"draws\0" + source).hexdigest()


def keep(places: Places, course: str, exercise: str) -> Source:
    """Keep what the course folder holds of an exercise now, and return it as a version."""
    course_folder = places.nbgrader(course)
    source, release = (course_folder / step / exercise for step in ("source", "release"))
    if not (source.is_dir() and release.is_dir()):
        raise InfrastructureFault(f"{source}: {exercise} was never generated. Run `campus build`.")
    return keep_folders(places, course, exercise, source, release)


def keep_folders(places: Places, course: str, exercise: str, source: Path, release: Path) -> Source:
    """Keep a source with what was released of it, and return them as a version."""
    version = version_of(source)
    kept = _folder(places, course, exercise, version)
    if not kept.exists():
        draft = kept.with_name(f".{version}-{secrets.token_hex(4)}")
        shutil.copytree(source, draft / "source")
        shutil.copytree(release, draft / "release")
        for notebook in source.glob("*.ipynb"):
            (draft / "source" / notebook.name).write_bytes(with_tests(notebook))
        try:
            draft.rename(kept)
        except OSError:
            shutil.rmtree(draft)  # somebody else was faster, with the same content
    return Source(exercise, version, kept)


def load(places: Places, course: str, exercise: str, version: str) -> Source:
    """Return a version; raises InfrastructureFault when it is not there."""
    kept = _folder(places, course, exercise, version)
    if kept.is_dir():
        return Source(exercise, version, kept)
    now = keep(places, course, exercise)
    if now.version != version:
        raise InfrastructureFault(
            f"{kept}: version {version} of {exercise} is not there; the course folder holds {now.version}. "
            f"Grade with the version that is there: campus regrade {course} {exercise}."
        )
    return now


def current(places: Places, course: str, exercise: str) -> Source:
    """Return the version that the course folder holds now."""
    return keep(places, course, exercise)


def _folder(places: Places, course: str, exercise: str, version: str) -> Path:
    if not version.isalnum():
        raise InfrastructureFault(f"{version!r} is not the name of a version of {exercise}.")
    return places.state / "sources" / course / exercise / version
