"""The audit log: who changed what about grades, when, before and after. Entries are only ever added,
and change only when a person is erased: then they name nobody.

The table is the log (the database refuses to change it); `logs/audit.jsonl` repeats it for other tools, one
JSON object a line, and is completed from the table whenever something is written.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import or_, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column
from tpc_courses.base.places import Places

from tpc_grader.database import engine as database
from tpc_grader.database.engine import Base, Utc

# Enough to find the last whole line of the file.
_TAIL_BYTES = 65_536


class AuditRow(Base):
    """One entry; `before` and `after` are JSON or plain words."""

    __tablename__ = "audit"
    number: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(Utc)
    who: Mapped[str]
    what: Mapped[str]
    course: Mapped[str]
    exercise: Mapped[str]
    student: Mapped[str]
    submission: Mapped[str]
    cell: Mapped[str]
    before: Mapped[str]
    after: Mapped[str]
    note: Mapped[str]


@dataclass(frozen=True)
class Entry:
    """What is to be logged: `what` is for instance `score`, `extension`, `policy results`."""

    who: str
    what: str
    course: str = ""
    exercise: str = ""
    student: str = ""
    submission: str = ""
    cell: str = ""
    before: str = ""
    after: str = ""
    note: str = ""


def write(session: Session, *entries: Entry) -> None:
    """Add entries within the transaction that makes the change they tell of."""
    if entries and session.get_bind().dialect.name == "postgresql":
        # Numbers must appear in their order, or a reader that remembers the last one would miss some.
        session.execute(text("LOCK TABLE audit IN EXCLUSIVE MODE"))
    now = database.utcnow()
    session.add_all(AuditRow(at=now, **asdict(entry)) for entry in entries)
    session.flush()


def log(places: Places, *entries: Entry) -> None:
    """Add entries in a transaction of their own."""
    with database.transaction(places) as session:
        write(session, *entries)
    export(places)


def forget(session: Session, name: str, called: re.Pattern[str], instead: str) -> None:
    """Put `instead` in the place of a person's name in every entry; what was done, when and where, remains.

    Their own words, and what work of theirs it was, go too. This is the only way in which entries change.
    """
    rows = session.scalars(
        select(AuditRow).where(
            or_(
                AuditRow.who == name,
                AuditRow.student == name,
                *(AuditRow.__table__.c[each] != "" for each in ("before", "after", "note")),
            )
        )
    )
    with _open_for_change(session):
        for row in rows:
            if name in (row.who, row.student):
                row.who = instead if row.who == name else row.who
                if row.student == name:
                    row.student, row.submission, row.note = instead, "", ""
            for column in ("before", "after", "note"):
                setattr(row, column, called.sub(instead, getattr(row, column)))
        session.flush()


@contextlib.contextmanager
def _open_for_change(session: Session) -> Iterator[None]:
    """Let the entries be changed within a transaction; what it holds back from others is restored at its end."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("ALTER TABLE audit DISABLE TRIGGER audit_append_only"))
        yield
        session.execute(text("ALTER TABLE audit ENABLE TRIGGER audit_append_only"))
        return
    found = text("select name, sql from sqlite_master where type = 'trigger' and tbl_name = 'audit'")
    triggers = list(session.execute(found))
    # SQLite begins a transaction with the first change of a row, not of a table.
    session.execute(text("delete from audit where number = -1"))
    for name, _ in triggers:
        session.execute(text(f"drop trigger {name}"))
    yield
    for _, statement in triggers:
        session.execute(text(statement))


def entries(
    places: Places,
    course: str = "",
    exercise: str = "",
    student: str = "",
    after: int = 0,
    limit: int | None = None,
) -> list[AuditRow]:
    """Return entries, oldest first; with `limit` only the newest so many."""
    query = select(AuditRow).where(AuditRow.number > after).order_by(AuditRow.number.desc())
    chosen = {AuditRow.course: course, AuditRow.exercise: exercise, AuditRow.student: student}
    for column, value in chosen.items():
        query = query.where(column == value) if value else query
    with database.session(places) as session:
        return list(session.scalars(query.limit(limit)))[::-1]


def line(row: AuditRow) -> str:
    """Return an entry as one line of JSON, without fields that say nothing."""
    fields = {name: getattr(row, name) for name in Entry.__dataclass_fields__}
    told = {name: value for name, value in fields.items() if value}
    return json.dumps({"number": row.number, "at": row.at.isoformat(), **told})


def export_anew(places: Places) -> None:
    """Write the whole file again, after entries were changed."""
    path = places.logs / "audit.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        for row in _after(places, 0):
            file.write(line(row).encode() + b"\n")


def export(places: Places) -> None:
    """Bring the file up to date with the table; safe in several processes and after a kill at any moment."""
    path = places.logs / "audit.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        last = _cut_to_last_line(path)
        file.seek(0, os.SEEK_END)
        for row in _after(places, last):
            file.write(line(row).encode() + b"\n")


def _after(places: Places, number: int) -> Iterator[AuditRow]:
    with database.session(places) as session:
        query = select(AuditRow).where(AuditRow.number > number).order_by(AuditRow.number)
        yield from session.scalars(query.execution_options(yield_per=500))


def _cut_to_last_line(path: Path) -> int:
    """Remove a line that was cut off, and return the number of the last whole one."""
    size = path.stat().st_size
    with open(path, "r+b") as file:
        file.seek(max(0, size - _TAIL_BYTES))
        tail = file.read()
        whole, end, _ = tail.rpartition(b"\n")
        file.truncate(size - (len(tail) - len(whole + end)))
    return int(json.loads(whole.rpartition(b"\n")[2])["number"]) if whole else 0
