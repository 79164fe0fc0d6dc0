"""What a person gave belongs to the answer that was read, not to the part: other answers wait to be read.

nbgrader keeps one row of points and one comment for each part, whatever is handed in. Here each row is bound to the
digest of its answer. When another answer comes, what the row holds is put away with the answer it was given to, and
comes back when that answer does. The row then gets a new id: who still has the old answer open in the formgrader
and saves points there is told that there is no such row, and gives nothing to an answer that they have not seen.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from nbformat import NotebookNode
from nbgrader.api import Comment, Grade
from nbgrader.utils import is_grade, is_solution
from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column

from tpc_grader.database.engine import Base
from tpc_grader.feedback.autograded import WRITTEN


class AnswerRow(Base):
    """One answer to a part; `row` is the id of nbgrader's row while it is the answer that counts.

    `points`, `extra` and `comment` are what a person gave, as far as it was put away. `waits` says that a part
    which tests score is to be looked at, since a person had given other points to an answer before it.
    """

    __tablename__ = "answer"
    number: Mapped[int] = mapped_column(primary_key=True)
    course: Mapped[str]
    exercise: Mapped[str]
    student: Mapped[str]
    cell: Mapped[str]
    kind: Mapped[str]
    digest: Mapped[str]
    row: Mapped[str]
    waits: Mapped[bool] = mapped_column(default=False)
    points: Mapped[float | None]
    extra: Mapped[float | None]
    comment: Mapped[str | None]


class Answers:
    """The answers of one student to one exercise, within a transaction of the campus database."""

    def __init__(self, session: Session, course: str, exercise: str, student: str) -> None:
        self.session = session
        self.where = {"course": course, "exercise": exercise, "student": student}
        self.rows = list(session.scalars(select(AnswerRow).filter_by(**self.where)))

    def bind(self, found: Grade | Comment, cell: str, digest: str) -> AnswerRow:
        """Make a row of the gradebook one of this answer, with what a person gave to it before, if anything."""
        known = next((each for each in self.rows if each.row == found.id), None)
        if known is not None and known.digest == digest:
            if isinstance(found, Grade) and not found.needs_manual_grade:
                known.waits = False
            return known
        if known is None and not _is_given(found):
            return self._row(found, cell, digest)
        # Given before anything was bound: to which answer, nobody knows.
        before = known or self._row(found, cell, "")
        _put_away(found, before)
        found.id = uuid.uuid4().hex
        kind = type(found).__name__
        same = ((each.kind, each.cell, each.digest) == (kind, cell, digest) for each in self.rows)
        answer = next(itertools.compress(self.rows, same), None)
        if answer is None:
            answer = self._row(found, cell, digest)
            answer.waits = before.waits or before.points is not None or before.extra is not None
        answer.row = found.id
        _put_back(found, answer)
        return answer

    def _row(self, found: Grade | Comment, cell: str, digest: str) -> AnswerRow:
        made = AnswerRow(
            **self.where, cell=cell, kind=type(found).__name__, digest=digest, row=found.id, waits=False
        )
        self.session.add(made)
        self.rows.append(made)
        return made


def answer_digest(cell: NotebookNode, nb: NotebookNode, files: Mapping[str, bytes]) -> str:
    """Return what tells one answer to a part from another: of text its words, of anything else all that was written.

    What code puts out, and what tests say of it, depends on every cell and every file of a student.
    """
    if is_solution(cell) and (cell.cell_type == "markdown" or not is_grade(cell)):
        return _digest([_content(cell)])
    written = [_content(each) for each in nb.cells if each.metadata.get(WRITTEN)]
    beside = [f"{name} {hashlib.sha256(data).hexdigest()}" for name, data in sorted(files.items())]
    return _digest([*beside, *written])


def _content(cell: NotebookNode) -> str:
    """Return what a person reads in a cell; spaces at the ends of lines are nothing they could see."""
    lines = [line.rstrip() for line in str(cell.source).strip().splitlines()]
    pictures = json.dumps(cell.get("attachments", {}), sort_keys=True)
    return "\n".join((cell.cell_type, *lines, pictures))


def _digest(texts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()


def _is_given(found: Grade | Comment) -> bool:
    if isinstance(found, Comment):
        return bool(found.manual_comment)
    return found.manual_score is not None or found.extra_credit is not None


def _put_away(found: Any, answer: AnswerRow) -> None:
    """Keep with an answer what a person gave to it."""
    if isinstance(found, Comment):
        answer.comment = found.manual_comment
        return
    answer.points, answer.extra = found.manual_score, found.extra_credit
    answer.waits = answer.waits and found.needs_manual_grade


def _put_back(found: Any, answer: AnswerRow) -> None:
    if isinstance(found, Comment):
        found.manual_comment = answer.comment
    else:
        found.manual_score, found.extra_credit = answer.points, answer.extra
