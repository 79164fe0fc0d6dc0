"""Erases a person: every row, file and name that the campus holds of them. What was decided about grades stays in the
audit log, naming nobody.

Begun again after it was broken off, it goes on: the person's row is the last to go.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session
from tpc_courses.base.places import Places
from tpc_grader.database import audit
from tpc_grader.desk import holdings as leaving
from tpc_grader.queue.jobs import JobRow
from tpc_grader.submissions.store import Store

from tpc_hub.engines.identities import release_identity
from tpc_hub.people import people
from tpc_hub.people.people import LEFT, Enrolment, PeopleError, Person
from tpc_hub.privacy.whose import ERASED, TABLES, table
from tpc_hub.settings.profile import Settings

WAIT_SECONDS = 60.0
# Makes the hub forget somebody whom the campus has blocked; returns whether a hub runs.
Forget = Callable[[str], bool]


def erase(places: Places, settings: Settings, name: str, by: str, forget: Forget) -> list[str]:
    """Erase a person for good; returns what is left, in sentences. Raises PeopleError, RuntimeError."""
    called = _block(places, name)
    _wait_for_jobs(places, name)
    if not forget(name):
        _forget_offline(places, settings, name)
    shutil.rmtree(places.homes / name, ignore_errors=True)
    release_identity(places.homes / name)
    leaving.forget(places, name)
    Store(places).forget(name)
    _erase_rows(places, name, called, by)
    audit.export_anew(places)
    _mask_logs(places, name, called)
    for path in databases(places):
        _compact(path)
    home = places.homes / name
    kept = [f"{home} could not be removed: remove it by hand."] if home.exists() else []
    return [*kept, *_left(places)]


def databases(places: Places) -> list[Path]:
    """Return the SQLite files of a campus that are in use."""
    found = (places.state / "campus.sqlite", places.hub_dir / "jupyterhub.sqlite")
    return [path for path in (*found, *sorted(places.state.glob("nbgrader/*/gradebook.db"))) if path.exists()]


def pattern_of(called: set[str], then: str = "@") -> re.Pattern[str]:
    """Return what finds a person's names in texts, as words; the sign `then` after one makes it another's address."""
    names = "|".join(re.escape(each) for each in sorted(called, key=len, reverse=True))
    # JupyterHub calls a server's client after its person.
    return re.compile(rf"(?:jupyterhub-user-|(?<![\w@-]))(?:{names})(?![\w{then}-])", re.I)


def _block(places: Places, name: str) -> set[str]:
    """Let the person in nowhere, and return all that they are called."""
    with people.transaction(places) as session:
        person = session.get_one(Person, name)
        for enrolment in session.scalars(select(Enrolment).where(Enrolment.person == name)):
            if people.members(session, enrolment.course, "instructor") == [name]:
                raise PeopleError(
                    f"{person.display_name} is the only instructor of {enrolment.course}. Let somebody else teach it "
                    f"first: `campus user add NAME --teaches {enrolment.course}`. Nothing was erased."
                )
        session.execute(update(Enrolment).where(Enrolment.person == name).values(role=LEFT))
        person.approved, person.password_hash = False, ""
        session.execute(
            update(JobRow).where(JobRow.student == name, JobRow.state == "queued").values(state="superseded")
        )
        kept = (person.name, person.sign_in, person.email, person.number, person.display_name)
        return {each for each in kept if each}


def _wait_for_jobs(places: Places, name: str) -> None:
    """Wait until nothing of the person's is being graded: it would write into what is erased."""
    running = select(func.count()).where(
        JobRow.student == name, JobRow.state.in_(("running", "ran", "recording"))
    )
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        with people.session(places) as session:
            if not session.scalar(running):
                return
        if time.monotonic() > deadline:
            raise RuntimeError(
                f"Work of {name} is being graded. {name} is signed out and in no course: "
                "run the same again in a minute, and the rest is erased."
            )
        time.sleep(0.5)


def _forget_offline(places: Places, settings: Settings, name: str) -> None:
    """Remove a user from the database of a hub that does not run."""
    from jupyterhub import orm

    if not settings.database and not (places.hub_dir / "jupyterhub.sqlite").exists():
        return
    url = settings.database or f"sqlite:///{places.hub_dir / 'jupyterhub.sqlite'}"
    with contextlib.closing(orm.new_session_factory(url)()) as hub:
        user = orm.User.find(hub, name)
        if user is not None:
            hub.delete(user)
            hub.commit()


def _erase_rows(places: Places, name: str, called: set[str], by: str) -> None:
    """Remove the person's rows from every table of the campus's database, and the name from those of others."""
    pattern = pattern_of(called)
    with people.transaction(places) as session:
        audit.write(session, audit.Entry(by if by != name else ERASED, "person erased", student=ERASED))
        audit.forget(session, name, pattern, ERASED)
        for title, names in TABLES.items():
            made = table(title)
            if title == "audit" or title == "person":
                continue
            if names.owner:
                session.execute(delete(made).where(made.c[names.owner] == name))
            for column in names.by:
                session.execute(update(made).where(made.c[column] == name).values({column: ERASED}))
            _mask_words(session, title, pattern)
        session.execute(delete(Person).where(Person.name == name))


def _mask_words(session: Session, title: str, pattern: re.Pattern[str]) -> None:
    made = table(title)
    (key,), words = made.primary_key.columns.values() if TABLES[title].words else (None,), TABLES[title].words
    if key is None:
        return
    columns = [made.c[each] for each in words]
    for number, *texts in session.execute(
        select(key, *columns).where(or_(*(each != "" for each in columns)))
    ):
        masked = {
            word: pattern.sub(ERASED, text)
            for word, text in zip(words, texts, strict=True)
            if pattern.search(text)
        }
        if masked:
            session.execute(update(made).where(key == number).values(masked))


def _mask_logs(places: Places, name: str, called: set[str]) -> None:
    """Write signs over the names in logs, as many as there were: other processes go on writing at the ends."""
    for path in places.logs.glob(f"servers/{name}.log*"):
        path.unlink()
    pattern = re.compile(pattern_of(called, then="").pattern.encode(), re.I)  # `name@address` in logs
    for path in (each for each in places.logs.rglob("*") if each.is_file() and not each.is_symlink()):
        with open(path, "r+b") as file:
            text = file.read()
            for match in pattern.finditer(text):
                file.seek(match.start())
                file.write(b"*" * len(match[0]))


def _compact(path: Path) -> None:
    """Leave nothing of removed rows in a file; one that is in use all the time is compacted the next time."""
    connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    with contextlib.closing(connection), contextlib.suppress(sqlite3.OperationalError):
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _left(places: Places) -> Iterator[str]:
    """Yield what still may hold the person: copies that the campus, or people, made before."""
    copies = [*places.hub_dir.glob("jupyterhub.sqlite.*"), *places.state.glob("nbgrader/*/gradebook.db.*")]
    for path in sorted(copies):
        if not path.name.endswith(("-wal", "-shm", "-journal")):
            yield f"{path} is from before an upgrade, and still holds the person. Delete it when you can."
    yield "Backups that you made of the state folder still hold the person: after restoring one, erase them again."
