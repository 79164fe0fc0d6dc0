"""State folders that older revisions left, kept small: packed from a campus that ran, unpacked for one that runs now.

`python tests/support/old_state.py STATE ARCHIVE` packs the state of a stopped campus. Databases are kept as SQL,
paths as marks; what is derived, what only a running campus has, and what names a machine stays out.
"""

from __future__ import annotations

import re
import sqlite3
import sys
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path

FOLDER = Path(__file__).parent / "states"
MARK = "@STATE@"
_TOP = (
    "build",
    "git",
    "homes",
    "hub",
    "intake",
    "nbgrader",
    "sources",
    "campus.sqlite",
    "profile",
    "version",
)
_OUT = re.compile(
    r"(^|/)(hooks|\.ipython|\.cache|labextensions|kernels|matplotlib|run|proxy\.pid|.*\.lock|.*-(wal|shm))(/|$)"
)
# Written anew by each start; it holds the machine's own paths.
_FORGET = "UPDATE services SET command = '[]', cwd = NULL, environment = '{}'"


def pack(state: Path, archive: Path) -> None:
    """Write an archive of a stopped campus's state."""
    with tempfile.TemporaryDirectory() as name, tarfile.open(archive, "w:xz", preset=9) as tar:
        for path in sorted(each for top in _TOP for each in (state / top, *(state / top).rglob("*"))):
            kept = path.relative_to(state).as_posix()
            if not path.is_file() or path.is_symlink() or _OUT.search(kept):
                continue
            data = path.read_bytes()
            if data.startswith(b"SQLite format 3"):
                kept, data = f"{kept}.sql", _dump(path, Path(name) / "copy").encode()
            data = data.replace(str(state).encode(), MARK.encode())
            if path.name == "nbgrader_config.py":
                data = re.sub(rb"'/[^'@]*'", b"'/elsewhere'", data)
            (new := Path(name) / "file").write_bytes(data)
            about = tarfile.TarInfo(kept)
            about.size, about.mode = len(data), 0o600
            with new.open("rb") as file:
                tar.addfile(about, file)


def unpack(archive: Path, state: Path) -> None:
    """Make a state folder of an archive."""
    state.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as tar:
        tar.extractall(state, filter="data")
    for path in [each for each in state.rglob("*") if each.is_file()]:
        data = path.read_bytes()
        if MARK.encode() in data:
            path.write_bytes(data.replace(MARK.encode(), str(state).encode()))
        if path.suffix == ".sql":
            with closing(sqlite3.connect(path.with_suffix(""))) as database:
                database.executescript(path.read_text())
            path.unlink()


def _dump(path: Path, copy: Path) -> str:
    copy.write_bytes(path.read_bytes())
    with closing(sqlite3.connect(copy)) as database:
        if path.name == "jupyterhub.sqlite":
            database.execute(_FORGET)
        return "\n".join(database.iterdump())


if __name__ == "__main__":
    pack(Path(sys.argv[1]).resolve(), Path(sys.argv[2]))
