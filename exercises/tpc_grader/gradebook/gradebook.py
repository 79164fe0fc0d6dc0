"""nbgrader's gradebook, made and brought up to date without asking another process what is newest.

nbgrader 0.9.6 runs `alembic heads` for each new gradebook: 2 to 5 CPU seconds, for a constant.
"""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from nbgrader.api import Base, Gradebook
from nbgrader.dbutil import upgrade
from sqlalchemy import (
    Column,
    Connection,
    Inspector,
    MetaData,
    String,
    Table,
    create_engine,
    insert,
    inspect,
    select,
)
from tpc_courses.base.places import Places

# The newest of nbgrader/alembic/versions; a test compares it with what nbgrader itself asks for.
HEAD = "e43177bfe90b"
_VERSION = Table("alembic_version", MetaData(), Column("version_num", String(32), nullable=False))
# What stands for the revision of a gradebook from before nbgrader noted any.
_UNNOTED = "old"


def ensure_gradebook(path: Path) -> None:
    """Make a gradebook where there is none, and run nbgrader's migrations on one of an older nbgrader.

    The old one is kept beside it. Raises RuntimeError for one that this nbgrader cannot bring up to date.
    """
    if not path.exists() or not path.stat().st_size:
        _make(path)
    found = _revision(path)
    if found == HEAD:
        return
    kept = path.with_name(f"{path.name}.{found}")
    shutil.copyfile(path, kept)
    try:
        upgrade(_url(path))
    except subprocess.CalledProcessError as e:
        raise RuntimeError(
            f"{path}: a gradebook of revision {found}, which nbgrader could not bring to {HEAD}; as it was, it is in "
            f"{kept.name}. Use the nbgrader that made it, or restore the backup made before the change."
        ) from e


@contextlib.contextmanager
def open_gradebook(places: Places, course: str) -> Iterator[Gradebook]:
    """Open a course's gradebook, for one thread at a time; what is not committed at the end is not kept.

    It stays connected for the next time: to connect anew, and to compile each query, takes longer than most queries.
    """
    path = places.gradebook(course)
    book = _connected(places.gradebook_url(course), course, path.stat().st_ino if path.exists() else 0)
    try:
        yield book
    finally:
        book.db.remove()


@functools.lru_cache(maxsize=16)
def _connected(url: str, course: str, file: int) -> Gradebook:
    """Return a gradebook; a file that took the place of another is another."""
    return Gradebook(url, course)


def _make(path: Path) -> None:
    """Make it under another name first, so that whoever looks, or is killed, finds it whole or not at all."""
    draft = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    engine = create_engine(_url(draft))
    with engine.begin() as connection:
        Base.metadata.create_all(connection)
        _stamp(connection)
    engine.dispose()
    try:
        os.link(draft, path)
    except FileExistsError:
        if not path.stat().st_size:  # what SQLite leaves where somebody looked before there was one
            os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _revision(path: Path) -> str:
    """Return what alembic noted in a gradebook; one that lacks nothing but the note, as after a kill, gets it."""
    engine = create_engine(_url(path))
    with engine.begin() as connection:
        there = inspect(connection)
        if there.has_table(_VERSION.name):
            found = connection.scalar(select(_VERSION)) or _UNNOTED
        elif all(_is_whole(there, table) for table in Base.metadata.sorted_tables):
            _stamp(connection)
            found = HEAD
        else:
            found = _UNNOTED
    engine.dispose()
    return found


def _is_whole(there: Inspector, table: Table) -> bool:
    names = {each["name"] for each in there.get_columns(table.name)} if there.has_table(table.name) else set()
    return names >= set(table.columns.keys())


def _stamp(connection: Connection) -> None:
    _VERSION.create(connection)
    connection.execute(insert(_VERSION).values(version_num=HEAD))


def _url(path: Path) -> str:
    return f"sqlite:///{path}"
