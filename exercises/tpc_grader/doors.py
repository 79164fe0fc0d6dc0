"""The two ways into the gradebook: the writer, which brings a result, and nbgrader's own commands, which do not.

Both end in nbgrader's Autograde with our preprocessors, so the score is the same whichever way it came.
"""

from __future__ import annotations

import contextlib
import functools
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from nbgrader import api as nbgrader_database
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.orm import Session
from tpc_courses.places import Places
from traitlets.config import Config

from tpc_grader.archive import LIMITS, RESERVED
from tpc_grader.bounded_json import BOUNDS
from tpc_grader.database import open_database
from tpc_grader.folder import read_folder, read_plain
from tpc_grader.jobs import JobRow
from tpc_grader.results import InfrastructureFault
from tpc_grader.sources import Source, current, load
from tpc_grader.store import Store, Submission

# How large a notebook may be, `rebuild` says, and one byte more is enough to see it.
_LARGE = replace(LIMITS, file_bytes=BOUNDS.bytes + 1)
TIMESTAMP = "%Y-%m-%d %H:%M:%S.%f UTC"


def hand_over(places: Places, submission: Submission) -> None:
    """Put a submission where nbgrader looks for it, with the server's time; unchanged files stay as they are."""
    folder = submitted_folder(places, submission.course, submission.exercise, submission.student)
    stamp = submission.received_at.strftime(TIMESTAMP)
    mark = folder / "timestamp.txt"
    if mark.exists() and mark.read_text(encoding="utf-8") == stamp:
        return
    shutil.rmtree(folder, ignore_errors=True)
    submission.write_to(folder)
    notebook = folder / f"{submission.exercise}.ipynb"
    if not notebook.exists():
        notebook.write_bytes(submission.notebook.read_bytes())
    mark.write_text(stamp, encoding="utf-8")


def convert(config: Config, exercise: str, student: str) -> None:
    """Run nbgrader's Autograde for one student; raises InfrastructureFault when nbgrader could not."""
    api = NbGraderAPI(coursedir=CourseDirectory(config=config), config=config)
    with _one_engine():
        result = api.autograde(exercise, student)
    if not result["success"]:
        text = str(result.get("error") or result.get("log") or "no reason given").strip()
        raise InfrastructureFault(
            f"nbgrader could not record {exercise} of {student}: {text.splitlines()[-1]}"
        )


@contextlib.contextmanager
def _one_engine() -> Iterator[None]:
    """Let nbgrader's gradebooks share an engine.

    Autograde opens seven for one submission, and each would compile its queries anew: 0.25 s instead of 0.1 s.
    """
    with patch.object(nbgrader_database, "create_engine", _engine):
        yield


@functools.cache
def _engine(url: str, **options: bool) -> Engine:
    return create_engine(url, **options)


def notebook_at_the_door(places: Places, course: str, exercise: str, student: str) -> bytes:
    """Return the notebook that lies in the course folder for a student; raises Refused."""
    return read_plain(submitted_folder(places, course, exercise, student), f"{exercise}.ipynb", _LARGE)


def version_at_the_door(places: Places, course: str, exercise: str, student: str, notebook: bytes) -> Source:
    """Return the version that a notebook in the course folder is graded under.

    It is the one it was graded under last, else the one it was handed in for; work that came by no intake is
    graded under the version that is there now.
    """
    version = _version_of(places, course, exercise, student, notebook)
    return load(places, course, exercise, version) if version else current(places, course, exercise)


def files_at_the_door(places: Places, course: str, exercise: str, student: str) -> dict[str, bytes]:
    """Return the files that lie beside a student's notebook; raises Refused, as the intake would have.

    What nbgrader puts there a submission from the intake does not hold.
    """

    def ignored(_: str, names: Iterable[str]) -> list[str]:
        return [name for name in names if name.endswith(".ipynb") or name in RESERVED]

    return read_folder(submitted_folder(places, course, exercise, student), ignored)


def submitted_folder(places: Places, course: str, exercise: str, student: str) -> Path:
    """Return where nbgrader keeps a submission."""
    return places.nbgrader(course) / "submitted" / student / exercise


def _version_of(places: Places, course: str, exercise: str, student: str, notebook: bytes) -> str:
    submission = Store(places).newest(course, exercise, student)
    if submission is None or submission.notebook.read_bytes() != notebook:
        return ""
    query = (
        select(JobRow.version)
        .where(JobRow.submission == submission.id, JobRow.kind == "full", JobRow.state == "graded")
        .order_by(JobRow.recorded_at.desc())
        .limit(1)
    )
    with Session(open_database(places.database_url)) as session:
        return session.scalar(query) or submission.version
