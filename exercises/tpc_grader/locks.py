"""Locks that the kernel frees when their process ends, however it ends: one worker, one writer to a campus."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator

from tpc_courses.places import Places


class Busy(RuntimeError):
    """Another process has this part."""


@contextlib.contextmanager
def only_one(places: Places, part: str, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold the lock of a part, `worker` or `writer`, of the campus in this state folder; raises Busy."""
    path = places.intake / f".{part}.lock"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "w") as file:
        deadline = time.monotonic() + wait_seconds
        while not _locked(file.fileno()):
            if time.monotonic() >= deadline:
                raise Busy(f"{places.state}: a {part} serves this campus already.")
            time.sleep(0.05)
        yield


def is_serving(places: Places) -> bool:
    """Return whether a worker serves this campus."""
    try:
        with only_one(places, "worker"):
            return False
    except Busy:
        return True


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
