"""Rosters from CSV."""

from __future__ import annotations

import csv
import io
import unicodedata

from sqlalchemy.orm import Session

from tpc_hub.people import PeopleError, Person, checked_name, enrol

COLUMNS = ("name", "display_name", "role")


def import_roster(session: Session, course: str, text: str) -> list[str]:
    """Enrol the people of a CSV (`name,display_name,role`; the last two optional); returns their names.

    All problems are reported at once in one PeopleError, and then nobody is enrolled.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    unknown = sorted(set(reader.fieldnames or ()) - set(COLUMNS))
    if "name" not in (reader.fieldnames or ()) or unknown:
        raise PeopleError(
            f"line 1: the columns are {reader.fieldnames}; expected name and perhaps display_name, role."
        )
    problems: list[str] = []
    rows: dict[str, tuple[str, str]] = {}
    for line, row in enumerate(reader, start=2):
        try:
            name, display_name, role = _row(row)
            if name in rows:
                raise PeopleError(f"{name} appears twice. Keep one line.")
            rows[name] = (display_name, role)
        except PeopleError as e:
            problems.append(f"line {line}: {e}")
    if problems:
        raise PeopleError("\n".join(problems))
    for name, (display_name, role) in rows.items():
        if session.get(Person, name) is None:
            session.add(Person(name=name, display_name=display_name))
            session.flush()
        enrol(session, course, name, role)
    return list(rows)


def _row(row: dict[str, str | None]) -> tuple[str, str, str]:
    if not (row.get("name") or "").strip():
        raise PeopleError("the name is empty. Give each person a user name.")
    name = checked_name(row["name"] or "")
    display_name = unicodedata.normalize("NFC", (row.get("display_name") or name).strip())
    if display_name[:1] in "=+-@\t\r":
        raise PeopleError(
            f"display name {display_name!r} would run as a formula in a spreadsheet. Correct it."
        )
    role = (row.get("role") or "student").strip()
    if role not in ("student", "instructor"):
        raise PeopleError(f"{role!r} is no role. Use student or instructor.")
    return name, display_name, role
