"""Everything that students handed in: append-only, content-addressed, one row and one receipt each.

Files lie under `intake/blobs/` by the SHA-256 of their content, so that nothing that was received is ever
overwritten; rows lie in the campus database. A blob is on disk before its row is: what has a row is complete.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import fcntl
import hashlib
import secrets
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Select, func, select
from tpc_courses.base.files import write_whole
from tpc_courses.base.places import Places

from tpc_grader.database import engine as database
from tpc_grader.database.attendance import gone
from tpc_grader.database.engine import SubmissionRow
from tpc_grader.submissions.receipts import (
    Receipt,
    ReceivedFile,
    content_sha256,
    private_key,
    read_receipt,
    sign,
)


@dataclass(frozen=True)
class Submission:
    """What one student handed in at one time. `number` grows with every submission of the campus."""

    number: int
    id: str
    course: str
    exercise: str
    student: str
    received_at: dt.datetime
    sha256: str
    version: str
    receipt: Receipt
    blobs: Path

    @property
    def files(self) -> tuple[ReceivedFile, ...]:
        return self.receipt.files

    @property
    def notebook(self) -> Path:
        """Return where the bytes of the notebook lie: the one called like the exercise, else the first."""
        notebooks = [file for file in self.files if file.name.endswith(".ipynb")]
        wanted = f"{self.exercise}.ipynb"
        return self.path(next((file for file in notebooks if file.name == wanted), notebooks[0]))

    def path(self, file: ReceivedFile) -> Path:
        """Return where the bytes of a file lie."""
        return _blob(self.blobs, file.sha256)

    def write_to(self, folder: Path) -> None:
        """Write the files, by name, into a folder, which is made when it is not there."""
        folder.mkdir(parents=True, exist_ok=True)
        for file in self.files:
            target = folder / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self.path(file).read_bytes())


class Store:
    """The submissions of a campus."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.blobs = places.intake / "blobs"

    def add(
        self, course: str, exercise: str, student: str, version: str, files: Mapping[str, bytes]
    ) -> Submission:
        """Keep the files of a submission, now, and return it with its signed receipt.

        The names must have been checked (`archive`). The same files again for the same version are
        the submission that is there already: its earlier time stands.
        """
        received = tuple(
            ReceivedFile(name=name, size=len(data), sha256=hashlib.sha256(data).hexdigest())
            for name, data in sorted(files.items())
        )
        with self._blobs_held(fcntl.LOCK_SH), database.transaction(self.places) as session:
            for file in received:
                _write_blob(_blob(self.blobs, file.sha256), files[file.name])
            last = session.scalar(_rows(course, exercise, student).limit(1))
            if last and (last.sha256, last.version) == (content_sha256(received), version):
                return self._submission(last)
            row = self._row(course, exercise, student, version, received, last)
            session.add(row)
            session.flush()
            return self._submission(row)

    def newest(self, course: str, exercise: str, student: str) -> Submission | None:
        """Return the submission that counts, or None."""
        return next(iter(self._found(_rows(course, exercise, student).limit(1))), None)

    def get(self, id: str) -> Submission:
        """Return a submission; raises KeyError."""
        for submission in self._found(select(SubmissionRow).where(SubmissionRow.id == id)):
            return submission
        raise KeyError(f"There is no submission {id!r}.")

    def all(self, course: str, exercise: str, student: str | None = None) -> list[Submission]:
        """Return the submissions to an exercise, newest first."""
        return list(self._found(_rows(course, exercise, student)))

    def of_student(self, student: str) -> list[Submission]:
        """Return everything a student handed in, newest first."""
        query = select(SubmissionRow).where(SubmissionRow.student == student)
        return list(self._found(query.order_by(SubmissionRow.number.desc())))

    def latest(self, course: str, exercise: str) -> list[Submission]:
        """Return the newest submission of each student of the course, by name."""
        newest = (
            select(func.max(SubmissionRow.number))
            .where(SubmissionRow.course == course, SubmissionRow.exercise == exercise)
            .group_by(SubmissionRow.student)
        )
        query = select(SubmissionRow).where(SubmissionRow.number.in_(newest))
        left = gone(self.places, course)
        return [
            each for each in self._found(query.order_by(SubmissionRow.student)) if each.student not in left
        ]

    def exercises(self) -> list[tuple[str, str]]:
        """Return course and exercise of everything that was ever handed in, sorted."""
        query = select(SubmissionRow.course, SubmissionRow.exercise).distinct()
        with database.session(self.places) as session:
            return sorted((course, exercise) for course, exercise in session.execute(query))

    def received_since(self, student: str, since: dt.datetime) -> list[dt.datetime]:
        """Return when a student handed something in since a moment, oldest first."""
        query = select(SubmissionRow.received_at).where(
            SubmissionRow.student == student, SubmissionRow.received_at > since
        )
        with database.session(self.places) as session:
            return list(session.scalars(query.order_by(SubmissionRow.received_at)))

    def bytes_of(self, course: str, student: str) -> int:
        """Return how many bytes a student has handed in for a course."""
        query = select(func.sum(SubmissionRow.size)).where(
            SubmissionRow.course == course, SubmissionRow.student == student
        )
        with database.session(self.places) as session:
            return session.scalar(query) or 0

    def forget(self, student: str) -> None:
        """Remove all that a student handed in, its feedback, and files that nobody else handed in too."""
        with self._blobs_held(fcntl.LOCK_EX), database.transaction(self.places) as session:
            mine = list(session.scalars(select(SubmissionRow).where(SubmissionRow.student == student)))
            files = {file.sha256 for row in mine for file in read_receipt(row.receipt).files}
            others = select(SubmissionRow.receipt).where(SubmissionRow.student != student)
            for receipt in session.scalars(others):
                files -= {file.sha256 for file in read_receipt(receipt).files}
            for row in mine:
                shutil.rmtree(feedback_folder(self.places, row.id), ignore_errors=True)
                session.delete(row)
            for sha256 in files:
                _blob(self.blobs, sha256).unlink(missing_ok=True)

    @contextlib.contextmanager
    def _blobs_held(self, how: int) -> Iterator[None]:
        """Let files be removed only while no submission is on its way to the database that names them."""
        self.blobs.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(self.blobs.parent / ".blobs.lock", "w") as file:
            fcntl.flock(file, how)
            yield

    def _row(
        self,
        course: str,
        exercise: str,
        student: str,
        version: str,
        files: tuple[ReceivedFile, ...],
        last: SubmissionRow | None,
    ) -> SubmissionRow:
        id = base64.b32encode(secrets.token_bytes(10)).decode().lower()
        now = database.utcnow()
        # A clock that was set back must not make the newest submission look older than the one before.
        received_at = max(now, last.received_at + dt.timedelta(microseconds=1)) if last else now
        receipt = Receipt(
            submission=id,
            course=course,
            exercise=exercise,
            version=version,
            student=student,
            received_at=received_at,
            sha256=content_sha256(files),
            files=files,
        )
        return SubmissionRow(
            id=id,
            course=course,
            exercise=exercise,
            student=student,
            received_at=received_at,
            sha256=receipt.sha256,
            version=version,
            size=sum(file.size for file in files),
            receipt=sign(receipt, private_key(self.places)).text(),
        )

    def _found(self, query: Select[SubmissionRow]) -> Iterator[Submission]:
        with database.session(self.places) as session:
            rows = list(session.scalars(query))
        return (self._submission(row) for row in rows)

    def _submission(self, row: SubmissionRow) -> Submission:
        return Submission(
            number=row.number,
            id=row.id,
            course=row.course,
            exercise=row.exercise,
            student=row.student,
            received_at=row.received_at,
            sha256=row.sha256,
            version=row.version,
            receipt=read_receipt(row.receipt),
            blobs=self.blobs,
        )


def _rows(course: str, exercise: str, student: str | None) -> Select[SubmissionRow]:
    query = select(SubmissionRow).where(SubmissionRow.course == course, SubmissionRow.exercise == exercise)
    if student is not None:
        query = query.where(SubmissionRow.student == student)
    return query.order_by(SubmissionRow.number.desc())


def _blob(blobs: Path, sha256: str) -> Path:
    return blobs / sha256[:2] / sha256


def _write_blob(path: Path, data: bytes) -> None:
    """Write bytes so that the name exists only with all of them, also after a power cut."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_whole(path, data, mode=0o400, durable=True)


def feedback_folder(places: Places, submission: str) -> Path:
    """Return where the released feedback of a submission lies, one HTML file per notebook."""
    return places.intake / ".feedback" / submission
