"""The log of a box: written by its keeper, so that what a box once said stays said, and only so much of it."""

from __future__ import annotations

import contextlib
import os

from tpc_kernels.box.relay import CHUNK, Relay

# A day of a busy server is a few hundred KiB; the rest is somebody's loop.
MOST_BYTES = 16 * 2**20
_FULL = b"\n[the log of this run is full; the rest is left out]\n"


class Log:
    """A pipe that a box writes to, and the file that its end outside, our standard output, is copied to."""

    def __init__(self) -> None:
        self._near, self._far = os.pipe()
        os.set_blocking(self._near, False)
        self._left = MOST_BYTES

    def enter(self) -> None:
        """Be inside: standard output and error are the pipe, and nothing leads to the file."""
        for number in (1, 2):
            os.dup2(self._far, number)
        os.close(self._near)
        os.close(self._far)

    def follow(self, relay: Relay) -> None:
        """Be outside: copy what comes, while the relay runs."""
        os.close(self._far)
        relay.call(self._near, self._copy)

    def finish(self) -> None:
        """Copy what is left when nobody writes any more."""
        with contextlib.suppress(BlockingIOError):
            while self._copy():
                continue
        os.close(self._near)

    def _copy(self) -> bool:
        """Copy what waits; returns whether more may come. Raises BlockingIOError when nothing waits."""
        data = os.read(self._near, CHUNK)
        if data and self._left > 0:
            self._left -= len(data)
            with contextlib.suppress(OSError):  # a full disk loses lines of a log, and nothing else
                os.write(1, data if self._left > 0 else data + _FULL)
        return bool(data)
