"""A real PostgreSQL for tests: a server of our own in a temporary folder, a new database for each test."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from glob import glob
from pathlib import Path

from sqlalchemy import create_engine, make_url

_numbers = itertools.count()


def programs() -> Path:
    """Return the folder of the server's programs; Debian keeps them off PATH."""
    found = [shutil.which("initdb"), *sorted(glob("/usr/lib/postgresql/*/bin/initdb"))]
    return Path(next(each for each in reversed(found) if each)).parent


@contextlib.contextmanager
def running_postgres(folder: Path) -> Iterator[str]:
    """Run a server that listens on a socket in the folder only; gives the URL of its first database."""
    # PostgreSQL does not run as root.
    who = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    if who:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    bin, data = programs(), folder / "data"
    run = {"cwd": folder, "check": True, "stdout": subprocess.DEVNULL, **who}
    subprocess.run([bin / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "-N"], **run)
    options = f"-c listen_addresses='' -c fsync=off -c max_connections=300 -k {folder}"
    control = [bin / "pg_ctl", "-D", data, "-w"]
    subprocess.run([*control, "-o", options, "-l", folder / "log", "start"], **run)
    try:
        yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], **run)


def new_database(server: str) -> str:
    """Make an empty database and return its URL."""
    name = f"campus_{next(_numbers)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return make_url(server).set(database=name).render_as_string(hide_password=False)
