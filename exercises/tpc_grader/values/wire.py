"""Lines of JSON over a socket, capped in size: how the sandbox and the process outside it talk."""

from __future__ import annotations

import json
import select
import socket
import time
from typing import Any

from tpc_grader.values.bounded_json import Bounds, TooMuch, check_json, read_json

# The descriptor at which a sandboxed process finds its socket.
SOCKET = 3
# The largest message takes 0.12 GB to read; what answers hold is far below.
BOUNDS = Bounds(bytes=32 * 2**20, values=1_000_000, depth=250)


class WireFault(Exception):
    """The conversation failed. None of its kinds is built in, so nothing that an answer raises is taken for one."""


class Closed(WireFault):
    """The other side is gone."""


class Late(WireFault):
    """Nothing came, or nobody took what was sent, in time."""


class Garbage(WireFault):
    """What arrived is no message, or too large for one."""


class Wire:
    """One end of a conversation."""

    def __init__(self, end: socket.socket) -> None:
        self.end = end
        self._read = bytearray()

    def send(self, message: dict[str, Any], deadline: float | None = None) -> None:
        """Send a message; raises Closed, Late when nobody takes it until `deadline` (monotonic), and TooMuch.

        What is beyond the bounds is not sent at all: the other side would take it for garbage.
        """
        data = json.dumps(message).encode()
        check_json(data, BOUNDS)
        self.end.settimeout(None if deadline is None else max(0.01, deadline - time.monotonic()))
        try:
            self.end.sendall(data + b"\n")
        except TimeoutError as e:
            raise Late("nobody took a message in time") from e
        except OSError as e:
            raise Closed(str(e)) from e

    def receive(self, deadline: float | None = None) -> dict[str, Any]:
        """Return the next message; raises Closed, Garbage, and Late after `deadline` (monotonic)."""
        seen = 0
        while (end := self._read.find(b"\n", seen)) < 0:
            seen = len(self._read)
            if seen > BOUNDS.bytes:
                raise Garbage(f"a message of more than {BOUNDS.bytes} bytes")
            self._read += self._more(deadline)
        line = bytes(self._read[:end])
        del self._read[: end + 1]
        try:
            message = read_json(line, BOUNDS)
        except TooMuch as e:
            raise Garbage(str(e)) from e
        except ValueError as e:
            raise Garbage(f"not JSON: {type(e).__name__}") from e
        if not isinstance(message, dict):
            raise Garbage("not an object")
        return message

    def has_more(self) -> bool:
        """Return whether something has arrived that nobody asked for yet."""
        return bool(self._read) or bool(select.select([self.end], [], [], 0)[0])

    def _more(self, deadline: float | None) -> bytes:
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise Late("no answer in time")
        self.end.settimeout(left)
        try:
            more = self.end.recv(2**18)
        except TimeoutError as e:
            raise Late("nobody took a message in time") from e
        except OSError as e:
            raise Closed(str(e)) from e
        if not more:
            raise Closed("the other side has closed the connection")
        return more
