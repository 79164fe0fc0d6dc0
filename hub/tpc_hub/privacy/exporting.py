"""Everything that a campus holds about a person, as one zip with a README that says what each file is."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import stat
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData, create_engine, select
from tpc_courses.base.places import Places
from tpc_grader.database import audit
from tpc_grader.desk import holdings as leaving
from tpc_grader.feedback.publish import released_feedback
from tpc_grader.submissions.store import Store

from tpc_hub.people import people
from tpc_hub.people.people import Person
from tpc_hub.privacy.whose import rows_of
from tpc_hub.settings.profile import Settings

README = """\
What {campus} holds about {person}{of}

{files}
Passwords, and what signs people in, are kept as hashes that nobody can read, and are not in here. So are backups, which
the operator makes. Times are in UTC.
"""
# What each file is; of which export.
FILES = {
    "README.txt": "this text",
    "campus/*.json": "rows of the campus's database that are the person's or name them, one file for each table",
    "hub/*.json": "rows of JupyterHub's database: user, groups, servers, tokens without their secrets",
    "gradebook/*.json": "rows of nbgrader's gradebook, one file for each course",
    "submissions/": "what was handed in: course/exercise/time/ with files/, receipt.json (see `campus receipt`) "
    "and feedback/, as far as it was released",
    "coursework/": "the copies of it that grading made, with what an instructor wrote into them",
    "audit.jsonl": "lines of the audit log that name the person: who did what, when, before and after",
    "home/": "the files of the home folder, as in JupyterLab",
}
# What a person sees of grading before it is released is not theirs to see yet.
OWN_TABLES = (
    "enrolment",
    "extension",
    "kept_server",
    "lesson_visit",
    "person",
    "regrade_request",
    "submission",
)
NOT_OWN = ("gradebook/*.json", "coursework/", "audit.jsonl", "home/")
OWN_NOTE = """
Your files are in JupyterLab. What grading noted (results, gradebook, audit log) may not be released to you yet: the
operator gives it out on request.
"""
# What opens something, and what the hub keeps for itself.
_SECRET = {"cookie_id", "encrypted_auth_state", "hashed", "prefix", "state", "session_id", "code"}


def export(
    places: Places, settings: Settings, name: str, file: Path, course: str = "", own: bool = False
) -> Path:
    """Write the zip, readable by its owner only: all, or what belongs to a course, or what the person may see by now.

    Raises OSError, also where the file is there already.
    """
    with people.session(places) as session:
        person = session.get_one(Person, name)
        tables = rows_of(session, name, course)
    raw = os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    with raw, zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("README.txt", _readme(settings, person, course, own))
        for title, rows in tables.items():
            if not own or title in OWN_TABLES:
                made.writestr(f"campus/{title}.json", _json(rows))
        for title, rows in ({} if course else hub_rows(places, settings, name)).items():
            made.writestr(f"hub/{title}.json", _json(rows))
        _write_submissions(made, places, name, course)
        if not own:
            _write_grading(made, places, name, course)
            _write_audit(made, places, name, course)
        if not own and not course:
            _write_folder(made, "home", places.homes / name)
    return file


def hub_rows(places: Places, settings: Settings, name: str) -> dict[str, list[dict[str, Any]]]:
    """Return table -> rows of the hub that are a person's: the user's, and those that say whose they are."""
    url = settings.database or f"sqlite:///{places.hub_dir / 'jupyterhub.sqlite'}"
    if not settings.database and not (places.hub_dir / "jupyterhub.sqlite").exists():
        return {}
    engine, known = create_engine(url), MetaData()
    try:
        known.reflect(engine)
        with engine.connect() as connection:
            users = known.tables["users"]
            user = connection.execute(select(users).where(users.c["name"] == name)).mappings().first()
            if user is None:
                return {}
            found = {"users": [user]}
            for title, table in known.tables.items():
                if "user_id" in table.c:
                    query = select(table).where(table.c["user_id"] == user["id"])
                    found[title] = list(connection.execute(query).mappings())
    finally:
        engine.dispose()
    return {title: [_plain(dict(row)) for row in rows] for title, rows in found.items() if rows}


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in _SECRET}


def _readme(settings: Settings, person: Person, course: str, own: bool) -> str:
    left_out = NOT_OWN if own else ("hub/*.json", "home/") if course else ()
    files = [f"{name:<18} {what}" for name, what in FILES.items() if name not in left_out]
    return README.format(
        campus=settings.url,
        person=f"{person.display_name} ({person.name})",
        of=f", as far as it belongs to the course {course}" if course else "",
        files="\n".join(files) + "\n" + (OWN_NOTE if own else ""),
    )


def _write_submissions(made: zipfile.ZipFile, places: Places, name: str, course: str) -> None:
    for each in Store(places).of_student(name):
        if course in ("", each.course):
            folder = f"submissions/{each.course}/{each.exercise}/{each.received_at:%Y-%m-%dT%H%M%S}-{each.id}"
            made.writestr(f"{folder}/receipt.json", each.receipt.text())
            for file in each.files:
                made.write(each.path(file), f"{folder}/files/{file.name}")
            for notebook, page in released_feedback(places, each.id).items():
                made.writestr(f"{folder}/feedback/{notebook}.html", page)


def _write_grading(made: zipfile.ZipFile, places: Places, name: str, course: str) -> None:
    for folder_of in leaving.folders(places, name):
        of = folder_of.parent.parent.name
        if course in ("", of):
            _write_folder(made, f"coursework/{of}/{folder_of.parent.name}", folder_of)
    for path in sorted(places.state.glob("nbgrader/*/gradebook.db")):
        if course in ("", path.parent.name):
            with contextlib.suppress(sqlite3.OperationalError):
                rows = leaving.gradebook_rows(places, path.parent.name, name)
                made.writestr(f"gradebook/{path.parent.name}.json", _json(rows))


def _write_audit(made: zipfile.ZipFile, places: Places, name: str, course: str) -> None:
    rows = (row for row in audit.entries(places, course) if name in (row.who, row.student))
    made.writestr("audit.jsonl", "".join(f"{audit.line(row)}\n" for row in rows))


def _write_folder(made: zipfile.ZipFile, name: str, top: Path) -> None:
    """Add the plain files below a folder that its person may change meanwhile: no link is followed."""
    skipped = list[str]()
    for path, descriptor, file in _files(top):
        where = os.path.relpath(f"{path}/{file}", top)
        try:
            opened = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=descriptor)
        except OSError:
            skipped.append(where)
            continue
        with os.fdopen(opened, "rb") as source:
            if not stat.S_ISREG(os.fstat(opened).st_mode):
                skipped.append(where)
                continue
            entry = zipfile.ZipInfo(f"{name}/{where}".encode("utf-8", "replace").decode())
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            with made.open(entry, "w", force_zip64=True) as target:
                while part := source.read(2**20):
                    target.write(part)
    if skipped:
        listed = "\n".join(skipped).encode("utf-8", "replace").decode()
        made.writestr(f"{name}-not-included.txt", f"No plain files, or not readable:\n{listed}\n")


def _files(top: Path) -> Iterator[tuple[str, int, str]]:
    if top.is_dir() and not top.is_symlink():
        for path, _, names, descriptor in os.fwalk(top, follow_symlinks=False):
            yield from ((path, descriptor, each) for each in names)


def _json(rows: dict[str, Any] | Iterable[Any]) -> str:
    return json.dumps(rows, indent=1, default=str, ensure_ascii=False)
