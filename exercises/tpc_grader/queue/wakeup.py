"""Wakes who waits for work on this machine, so that nobody waits for the next look: a pipe with a name.

A ring that is lost costs a moment and nothing else: everybody looks now and then, rung or not.
"""

from __future__ import annotations

import contextlib
import os
import select
import stat
from pathlib import Path
from typing import Literal, get_args

from tpc_courses.base.places import Places

Part = Literal["worker", "writer"]


class Bell:
    """The end of who waits; only one process of a campus has it at a time."""

    def __init__(self, places: Places, part: Part) -> None:
        path = _path(places, part)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.suppress(FileExistsError):
            os.mkfifo(path, 0o600)
        # Open for both, or it would be at its end whenever nobody rings.
        self._end = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        if not stat.S_ISFIFO(os.fstat(self._end).st_mode):
            os.close(self._end)
            raise RuntimeError(f"{path}: not a pipe. Remove it.")

    def fileno(self) -> int:
        """Return what can be waited for."""
        return self._end

    def wait(self, seconds: float) -> None:
        """Wait for a ring, at most so long."""
        if select.select([self._end], [], [], seconds)[0]:
            self.hear()

    def hear(self) -> None:
        """Take in all rings so far."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self._end, 4096):
                pass

    def close(self) -> None:
        """Wait for no ring any more."""
        os.close(self._end)


def take_down(places: Places) -> None:
    """Remove the pipes once nobody waits: a state folder is copied for a backup, and not every copy takes a pipe."""
    for part in get_args(Part):
        _path(places, part).unlink(missing_ok=True)


def ring(places: Places, part: Part) -> None:
    """Wake who waits; does nothing when nobody does."""
    with contextlib.suppress(OSError):
        end = os.open(_path(places, part), os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if stat.S_ISFIFO(os.fstat(end).st_mode):
                os.write(end, b".")
        finally:
            os.close(end)


def _path(places: Places, part: Part) -> Path:
    return places.intake / f".{part}.bell"
