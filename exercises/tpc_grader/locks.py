"""Locks that the kernel frees when their process ends, however it ends: one worker, one writer to a campus."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from tpc_courses.places import Places


class Busy(RuntimeError):
    """Another process has this part."""


@contextlib.contextmanager
def only_one(places: Places, part: str, wait_seconds: float = 0.0, note: str = "") -> Iterator[None]:
    """Hold the lock of a part, `worker` or `writer`, of the campus in this state folder; raises Busy.

    `note` is what others may read of the holder.
    """
    path = _path(places, part)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "w") as file:
        deadline = time.monotonic() + wait_seconds
        while not _locked(file.fileno()):
            if time.monotonic() >= deadline:
                raise Busy(f"{places.state}: a {part} serves this campus already.")
            time.sleep(0.05)
        file.truncate(0)
        file.write(note)
        file.flush()
        yield


def is_serving(places: Places) -> bool:
    """Return whether a worker serves this campus."""
    try:
        with only_one(places, "worker"):
            return False
    except Busy:
        return True


def jobs_at_once(places: Places) -> int | None:
    """Return how many jobs the worker of this campus runs at once, None when none serves."""
    if not is_serving(places):
        return None
    note = _path(places, "worker").read_text(encoding="ascii")
    return int(note) if note.isdecimal() else None


def _path(places: Places, part: str) -> Path:
    return places.intake / f".{part}.lock"


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
