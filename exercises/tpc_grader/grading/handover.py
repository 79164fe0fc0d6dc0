"""What lies in a course folder: where the writer puts a submission, and what nbgrader's own commands find there.

Either way the same sandbox and the same preprocessor save the score, so it is the same.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from sqlalchemy import select
from tpc_courses.base.places import Places

from tpc_grader.database import engine as database
from tpc_grader.queue.jobs import JobRow
from tpc_grader.submissions.archive import LIMITS, RESERVED
from tpc_grader.submissions.folder import read_folder, read_plain
from tpc_grader.submissions.store import Store, Submission
from tpc_grader.values.bounded_json import BOUNDS
from tpc_grader.versions.sources import Source, current, load

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
    with database.session(places) as session:
        return session.scalar(query) or submission.version
