"""Keeps what a person's box may fill within a size, on file systems without quotas.

The keeper counts what lies in the writable folders, a moment each second. While that is more than the size, no
process of the box can make a file longer than 64 KiB, so that its owner can get in and tidy up. What grows on all the
same, by small files, is hostile: at twice the size the box is ended, and none starts until the operator has made room.

Python and the kernel answer "File too large"; `seccomp` keeps a box from lifting the limit. Deleted files
that are held open are counted; those only mapped, or on their way between processes, are not, and end with the box.
"""

from __future__ import annotations

import contextlib
import os
import resource
import stat
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

# So long may a file become while too much is there: enough for a kernel's connection file and a small notebook.
LONGEST_BYTES = 64 * 2**10
# So many files are too much, whatever their size: they take a file system's inodes, and the counting takes time.
MOST_FILES = 200_000
MOST_LEVELS = 500
# The disk keeps so much free for the hub, its database and the submissions.
RESERVE_BYTES = 2**30
# Of each second this much is spent on counting; more where the disk has lost what the home had left.
MOMENT_SECONDS, HURRY_SECONDS = 0.015, 0.2
# A complete count is good for so long.
REST_SECONDS = 5.0
_REMEDY = "The server ends, and starts again when the operator has removed some."


class NoRoom(Exception):
    """So much lies there that the box must end."""


class Room:
    """Follows what lies in the folders of one box, whose first process is `first`; `uid` is its identity.

    `most_bytes` is the size that it may have; 0 means any.
    """

    def __init__(self, folders: Iterable[str], most_bytes: int, first: int, uid: int) -> None:
        self._folders = tuple(folders) if most_bytes else ()
        self._most = most_bytes
        self._first = first
        self._uid = uid
        self._counting: Iterator[int] | None = None
        self._bytes = self._files = 0
        self._left = most_bytes
        self._due = 0.0
        self._free = 0
        self._full = False

    def count(self) -> None:
        """Count all at once; raises NoRoom."""
        if self._folders:
            self._begin()
            self._go_on(float("inf"))

    def look(self) -> None:
        """Go on counting for a moment if it is time to, and set the limit of all processes; raises NoRoom."""
        if not self._folders:
            return
        free = self._free_bytes()
        hurry = 0 <= self._left <= self._free - free
        if self._counting is None and (hurry or time.monotonic() >= self._due):
            self._begin()
        if self._counting is not None:
            self._go_on(time.monotonic() + (HURRY_SECONDS if hurry else MOMENT_SECONDS))
        full = self._left < 0 or free < RESERVE_BYTES
        if full or self._full:  # again while it is full: a process may have slipped through
            self._limit(full)
        if full and not self._full:
            print("The home, or the disk, is full: files cannot grow until some are deleted.", flush=True)
        self._full = full

    def _begin(self) -> None:
        self._free = self._free_bytes()
        self._bytes = self._files = 0
        self._closed: list[str] = []
        self._counting = _sizes(self._folders, _tree(self._first), self._closed)

    def _go_on(self, until: float) -> None:
        """Count until a time; whoever has too much is not counted to the end."""
        assert self._counting is not None
        for size in self._counting:
            self._bytes += size
            self._files += 1
            if self._bytes > 2 * self._most or self._files > 2 * MOST_FILES:
                most = f"{2 * self._most / 2**30:.3g} GiB or {2 * MOST_FILES:,} files"
                raise NoRoom(f"The home holds more than {most}, twice what is allowed. {_REMEDY}")
            if time.monotonic() > until:
                return
        self._counting = None
        fits = self._files <= MOST_FILES and not self._closed
        self._left = self._most - self._bytes if fits else -1
        self._due = time.monotonic() + REST_SECONDS

    def _free_bytes(self) -> int:
        """Return what is left on the disk of the folders: nobody can have written more than it has lost."""
        found = [os.statvfs(folder) for folder in self._folders if os.path.isdir(folder)]
        return min((each.f_bavail * each.f_frsize for each in found), default=RESERVE_BYTES)

    def _limit(self, full: bool) -> None:
        with _as_real_user(self._uid):
            for pid in _tree(self._first):
                with contextlib.suppress(ProcessLookupError, PermissionError):  # gone, or not in its box yet
                    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
                    soft = LONGEST_BYTES if hard == resource.RLIM_INFINITY else min(LONGEST_BYTES, hard)
                    resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft if full else hard, hard))


@contextlib.contextmanager
def _as_real_user(uid: int) -> Iterator[None]:
    """Have the real identity that lets us set the limits of its processes; the effective one stays ours.

    In a container root may lack the right to set anybody's. No process of a box can name this one meanwhile.
    """
    if os.geteuid() != 0:
        yield  # the same identity already
        return
    os.setresgid(uid, -1, -1)
    os.setresuid(uid, -1, -1)
    try:
        yield
    finally:
        os.setresuid(0, -1, -1)
        os.setresgid(0, -1, -1)


def _tree(first: int) -> Iterator[int]:
    """Yield a process and all below it; the children are listed after it, so that they inherit what it was given."""
    waiting = [first]
    while waiting:
        pid = waiting.pop()
        yield pid
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{pid}/task"):
                waiting += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())


def _sizes(folders: Iterable[str], processes: Iterable[int], closed: list[str]) -> Iterator[int]:
    """Yield the size of everything that takes room, in bytes, 0 for what turned out not to; raises NoRoom.

    Folders that cannot be read are noted in `closed`: without root rights, their owner may have hidden something.
    """
    devices = set()
    for folder in folders:
        with contextlib.suppress(FileNotFoundError):
            devices.add(os.stat(folder).st_dev)
        yield from _sizes_below(folder, closed)
    seen: set[int] = set()
    for pid in processes:
        yield from _sizes_of_deleted(f"/proc/{pid}/fd", devices, seen)


def _sizes_below(folder: str, closed: list[str]) -> Iterator[int]:
    """Yield the size of each file below a folder, holes counted, divided among its names.

    By descriptors: a path could be made to lead elsewhere meanwhile. Depth first: few folders are open at a time.
    """
    levels: list[tuple[int, Iterator[os.DirEntry[str]]]] = []
    _enter(levels, folder, closed)
    try:
        while levels:
            entry = next(levels[-1][1], None)
            if entry is None:
                os.close(levels.pop()[0])
                continue
            try:
                found = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            except PermissionError:
                closed.append(entry.name)
                continue
            size = max(found.st_size, 512 * found.st_blocks)
            yield size if stat.S_ISDIR(found.st_mode) else size // max(1, found.st_nlink)
            if stat.S_ISDIR(found.st_mode):
                _enter(levels, entry.name, closed)
    finally:
        for descriptor, _ in levels:
            os.close(descriptor)


def _enter(levels: list[tuple[int, Iterator[os.DirEntry[str]]]], name: str, closed: list[str]) -> None:
    """Open a folder in the last of some; one that is gone, or was never one, is left out. Raises NoRoom."""
    if len(levels) > MOST_LEVELS:
        raise NoRoom(f"The home has more than {MOST_LEVELS} folders one in another. {_REMEDY}")
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(name, flags, dir_fd=levels[-1][0] if levels else None)
    except (FileNotFoundError, NotADirectoryError):
        return
    except PermissionError:
        closed.append(name)
        return
    levels.append((descriptor, os.scandir(descriptor)))


def _sizes_of_deleted(folder: str, devices: set[int], seen: set[int]) -> Iterator[int]:
    """Yield the sizes of files without a name that a process holds open, each once, and 0 for its other ones."""
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            size = 0
            with contextlib.suppress(OSError):
                found = os.stat(f"{folder}/{name}")
                nameless = stat.S_ISREG(found.st_mode) and found.st_nlink == 0 and found.st_dev in devices
                if nameless and found.st_ino not in seen:
                    seen.add(found.st_ino)
                    size = max(found.st_size, 512 * found.st_blocks)
            yield size
