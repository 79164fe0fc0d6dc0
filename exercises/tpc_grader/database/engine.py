"""The grader's tables, and the one place that opens the campus database: `session` reads, `transaction` writes.

Submissions are only ever added: no function here updates or deletes a row of `submission` or `extension`. They go only
with the person whose they are (`tpc_hub.privacy.erasing`).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import (
    Connection,
    DateTime,
    Dialect,
    Engine,
    TypeDecorator,
    create_engine,
    event,
    inspect,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from tpc_courses.base.files import locked
from tpc_courses.base.places import Places

# A table of its own: the hub's people and our submissions share a database, not a history of changes.
_VERSION_TABLE = "grader_version"
# Any number that only we use, for PostgreSQL's advisory lock.
_UPGRADE_LOCK = 72_650_117


def utcnow() -> dt.datetime:
    """Return the time by the server's clock; tests replace this one function."""
    return dt.datetime.now(dt.UTC)


class Utc(TypeDecorator[dt.datetime]):
    """A moment with time zone in Python, naive UTC in the database (SQLite knows no zones)."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        return value.astimezone(dt.UTC).replace(tzinfo=None) if value else None

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        return value.replace(tzinfo=dt.UTC) if value else None


class Base(DeclarativeBase):
    pass


class SubmissionRow(Base):
    """One submission; `receipt` is the signed JSON that the student got, files and hashes included."""

    __tablename__ = "submission"
    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    course: Mapped[str]
    exercise: Mapped[str]
    student: Mapped[str]
    received_at: Mapped[dt.datetime] = mapped_column(Utc)
    sha256: Mapped[str]
    version: Mapped[str]
    size: Mapped[int]
    receipt: Mapped[str]


class ExtensionRow(Base):
    """More time for one student and one exercise; of several the newest counts."""

    __tablename__ = "extension"
    number: Mapped[int] = mapped_column(primary_key=True)
    course: Mapped[str]
    exercise: Mapped[str]
    student: Mapped[str]
    until: Mapped[dt.datetime] = mapped_column(Utc)
    reason: Mapped[str]
    granted_by: Mapped[str]
    granted_at: Mapped[dt.datetime] = mapped_column(Utc)


@functools.cache
def open_database(url: str) -> Engine:
    """Return the database at `url` with this version's tables, one engine per process and address.

    Raises RuntimeError for a database of a newer version.
    """
    engine = engine_of(url)
    bring_up_to_date(engine, Path(__file__).parent / "migrations", _VERSION_TABLE)
    return engine


def session(places: Places) -> Session:
    """Return a session that reads the campus database; its rows may be used after it."""
    return Session(open_database(places.database_url), expire_on_commit=False)


@contextlib.contextmanager
def transaction(places: Places) -> Iterator[Session]:
    """Yield a session; what it changes is kept at the end, all or, after an exception, nothing."""
    with session(places) as opened, opened.begin():
        yield opened


def engine_of(url: str) -> Engine:
    """Return an engine for a database; the folder of a file is made. Raises OSError,
    SQLAlchemyError, and RuntimeError where its driver is not installed."""
    try:
        engine = create_engine(url)
    except ModuleNotFoundError as e:
        raise RuntimeError(
            f"CAMPUS_DB: the driver {e.name} is not installed. Install it, or use postgresql+psycopg://..."
        ) from e
    if engine.dialect.name == "sqlite" and engine.url.database:
        Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        event.listen(engine, "connect", _sqlite_for_several_processes)
    return engine


def bring_up_to_date(engine: Engine, migrations: Path, table: str) -> None:
    """Run the migrations that a database lacks, as `table` notes; raises RuntimeError for a newer version's."""
    with _alone(engine), engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})")
        _upgrade(connection, migrations, table)


def _upgrade(connection: Connection, migrations: Path, table: str) -> None:
    newest = max(path.name.partition("_")[0] for path in (migrations / "versions").glob("[0-9]*.py"))
    current = text(f"select version_num from {table}")
    if inspect(connection).has_table(table) and connection.execute(current).scalar() == newest:
        return
    # Imported here: most processes find a database that is up to date, and 11 MB are saved in each.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.attributes.update(connection=connection, version_table=table)
    try:
        command.upgrade(config, "head")
    except CommandError as e:
        raise RuntimeError(
            f"{connection.engine.url}: the database was made by a newer TPC Campus (this one knows revision {newest}). "
            "Start the newer version, or restore the backup made before the upgrade."
        ) from e


@contextlib.contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """Let one process at a time bring a file up to date: service and worker of a campus start together."""
    if engine.dialect.name != "sqlite" or not engine.url.database:
        yield
        return
    with locked(Path(f"{engine.url.database}.lock")):
        yield


def _sqlite_for_several_processes(connection: object, _: object) -> None:
    """Let service, worker and command line write at once; a committed submission survives a power cut."""
    for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")  # type: ignore[attr-defined]
