"""Locks that the kernel frees when their process ends, however it ends: one worker, one writer to a campus."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tpc_courses.base.files import Busy, locked
from tpc_courses.base.places import Places


@contextlib.contextmanager
def only_one(places: Places, part: str, wait_seconds: float = 0.0, note: str = "") -> Iterator[None]:
    """Hold the lock of a part, `worker` or `writer`, of the campus in this state folder; raises Busy."""
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(locked(_path(places, part), wait_seconds, note))
        except Busy:
            raise Busy(f"{places.state}: a {part} serves this campus already.") from None
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
