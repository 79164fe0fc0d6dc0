"""Where a campus's database names people: read by who exports or erases a person. A new table belongs in here."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Table, or_, select
from sqlalchemy.orm import Session
from tpc_grader.database.engine import Base

# What stands where the name of an erased person stood.
ERASED = "(erased)"


@dataclass(frozen=True)
class Names:
    """How a table names people: `owner` is whose the row is, `by` who did something, `words` are people's texts."""

    owner: str = ""
    by: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    # What nobody may read, not even whose it is.
    hidden: tuple[str, ...] = ()


TABLES = {
    "announcement": Names(by=("by",), words=("text",)),
    "answer": Names("student"),
    # Its rows stay, without names: see `tpc_grader.database.audit.forget`.
    "audit": Names(by=("who", "student"), words=("before", "after", "note")),
    "class_code": Names(),
    "enrolment": Names("person"),
    "extension": Names("student", ("granted_by",), ("reason",)),
    "job": Names("student"),
    "kept_server": Names("person"),
    "lesson_visit": Names("person"),
    "password_link": Names("person", hidden=("digest",)),
    "person": Names("name", hidden=("password_hash",)),
    "policy": Names(by=("by",)),
    "regrade_request": Names("student", ("answered_by",), ("reason", "answer")),
    "submission": Names("student"),
}


def table(name: str) -> Table:
    """Return a table of the campus's database."""
    # All that have tables, so that they are known.
    from tpc_grader.database import audit  # noqa: F401
    from tpc_grader.desk import appeals  # noqa: F401
    from tpc_grader.grades import visibility  # noqa: F401
    from tpc_grader.grading import answers  # noqa: F401
    from tpc_grader.queue import jobs  # noqa: F401

    from tpc_hub.people import announcements, links, people  # noqa: F401

    return Base.metadata.tables[name]


def rows_of(session: Session, name: str, course: str = "") -> dict[str, list[dict[str, object]]]:
    """Return table -> the rows that are a person's or name them, of one course where it is given."""
    found = {}
    for title, names in TABLES.items():
        made = table(title)
        columns = [made.c[each] for each in (*([names.owner] if names.owner else []), *names.by)]
        query = select(made).where(or_(*(column == name for column in columns)))
        if course:
            if "course" not in made.c:
                continue
            query = query.where(made.c["course"] == course)
        rows = session.execute(query).mappings() if columns else ()
        found[title] = [{key: value for key, value in row.items() if key not in names.hidden} for row in rows]
    return {title: rows for title, rows in found.items() if rows}
