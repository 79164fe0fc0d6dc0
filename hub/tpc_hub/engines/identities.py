"""Homes and, when we run as root, their identities: a user id for each home, which no other home on this machine has.

Every id that was given out is a link in one folder of the machine, named by its number, to the home that has
it. So two campuses never give out the same one, and a copied campus gets new ones beside the first.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from tpc_courses.base.files import locked
from tpc_kernels.linux.calls import count_of_uids

REGISTRY = Path("/var/lib/tpc-campus-identities")
# Above accounts of the machine, below the identities of grading jobs (`tpc_grader.sandbox.environment`).
FIRST_UID, LAST_UID = 200_000, 999_999
# In a container there may be no more than 65536 ids; jobs take the upper half of them.
FIRST_OF_FEW = 10_000


def prepare_home(homes: Path, name: str) -> Path:
    """Return a person's home, made with an identity of its own at first; the home remembers the identity."""
    home = homes / name
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if os.geteuid() == 0:
        ensure_identity(home)
    return home


def ensure_identity(home: Path) -> int:
    """Return the user id that a home has, on this machine alone; gives it one, with all that is in it, if needed."""
    first, last = id_range()
    home = home.resolve()
    with _registry() as folder:
        uid = home.stat().st_uid
        if first <= uid <= last and _claim(folder, uid, home):
            return uid
        uid = max([first - 1, *_given_out(folder, home)]) + 1
        if uid > last:
            raise RuntimeError(
                f"{folder}: the last of the user ids {first} to {last} is given out. "
                "Remove the links there whose homes are gone."
            )
        _claim(folder, uid, home)
        _give(home, uid)
        return uid


def release_identity(home: Path) -> None:
    """Let go of the user id of a home that is gone: the note of it tells whose it was."""
    if os.geteuid() != 0 or not REGISTRY.is_dir():
        return
    home = home.resolve()
    with _registry() as folder:
        for note in (folder / each for each in os.listdir(folder) if each.isdigit()):
            with contextlib.suppress(OSError):
                if note.readlink() == home and not home.exists():
                    note.unlink()


def id_range() -> tuple[int, int]:
    """Return the first and the last user id for people on this machine."""
    count = count_of_uids()
    return (FIRST_UID, LAST_UID) if count > 2 * LAST_UID + 3 else (FIRST_OF_FEW, count // 2 - 2)


@contextlib.contextmanager
def _registry() -> Iterator[Path]:
    """Hold the folder of what was given out, for one process at a time."""
    with locked(REGISTRY / "lock"):
        yield REGISTRY


def _claim(folder: Path, uid: int, home: Path) -> bool:
    """Note that an id belongs to a home; False when it belongs to another that is still there."""
    note = folder / str(uid)
    with contextlib.suppress(OSError):  # never noted, or the home is gone or was moved
        holder = note.readlink()
        if holder == home:
            return True
        if holder.stat().st_uid == uid:
            return False
    note.unlink(missing_ok=True)
    note.symlink_to(home)
    return True


def _given_out(folder: Path, home: Path) -> list[int]:
    """Return ids that were given out: noted ones, and those of homes beside this one that are not noted yet."""
    noted = [int(name) for name in os.listdir(folder) if name.isdigit()]
    _, last = id_range()
    return noted + [uid for each in home.parent.iterdir() if (uid := each.lstat().st_uid) <= last]


def _give(home: Path, uid: int) -> None:
    """Make a home and all in it belong to an identity; links are changed, never followed."""
    # By descriptors: a path could be made to lead elsewhere meanwhile.
    for _, folders, files, descriptor in os.fwalk(home):
        for name in (*folders, *files):
            os.chown(name, uid, uid, dir_fd=descriptor, follow_symlinks=False)
    os.chown(home, uid, uid)
