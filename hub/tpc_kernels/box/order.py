"""What a forkserver is asked for, as one line of JSON with file descriptors beside it."""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tpc_kernels.box.box import Box

MAX_BYTES = 2**20
MAX_FILES = 16
_MAX_HEADER_BYTES = 1000


@dataclass(frozen=True)
class Header:
    """What the forkserver itself learns about an order: nothing that the next child must not find."""

    tied: bool
    box: str  # name of the box, or empty

    def to_line(self) -> bytes:
        """Return the header as one line."""
        return json.dumps(dataclasses.asdict(self)).encode() + b"\n"

    @classmethod
    def read(cls, client: socket.socket) -> Header | None:
        """Read a header and not a byte more; None when the client closes instead. Raises ValueError."""
        line = b""
        while not line.endswith(b"\n"):
            byte = client.recv(1)
            if not byte and not line:
                return None
            if not byte or len(line) > _MAX_HEADER_BYTES:
                raise ValueError("not the header of an order")
            line += byte
        try:
            data = json.loads(line)
            return cls(bool(data["tied"]), str(data["box"]))
        except (TypeError, KeyError, ValueError) as e:
            raise ValueError(f"not the header of an order: {e}") from e


@dataclass(frozen=True)
class Order:
    """One process to fork: a function of an importable module, and the surroundings it runs in.

    The function is called with `arguments` as keywords and may return an exit code. The descriptors
    sent with the order become 0, 1, 2, 3, ... of the new process.
    """

    target: str  # "package.module:function"
    arguments: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    box: Box | None = None
    # Two more descriptors follow the files: a listening TCP socket, which stays outside the box, and a
    # listening Unix socket, which becomes the next number inside. Connections to the first are led to the second.
    front: bool = False
    # Standard output and error are a log: a box writes to it, and can neither shorten nor rewrite it.
    logged: bool = False
    # End the process when whoever asked for it hangs up.
    tied: bool = False

    def header(self) -> Header:
        """Return what is sent ahead of the order."""
        return Header(self.tied, self.box.name if self.box else "")

    def to_line(self) -> bytes:
        """Return the order as one line."""
        data = dataclasses.asdict(self) | {"box": self.box.to_json() if self.box else None}
        line = json.dumps(data).encode() + b"\n"
        if len(line) > MAX_BYTES:
            raise ValueError(f"the order has {len(line)} bytes, at most {MAX_BYTES} are taken")
        return line

    @classmethod
    def from_line(cls, line: bytes) -> Order:
        """Return the order in a line; raises ValueError when it is not one."""
        try:
            data = json.loads(line)
            box = Box.from_json(data.pop("box")) if data.get("box") else None
            return cls(**{**data, "box": box})
        except (TypeError, KeyError, AttributeError) as e:
            raise ValueError(f"not an order: {e}") from e

    def function(self) -> Callable[..., int | None]:
        """Return what is to be called."""
        module, _, name = self.target.partition(":")
        found: Callable[..., int | None] = getattr(importlib.import_module(module), name)
        return found

    def run(self) -> int:
        """Call the target with its environment; returns the exit code."""
        os.environ.clear()
        os.environ.update(self.environment)
        time.tzset()
        if self.box is None:
            os.chdir(self.folder)
        return self.function()(**self.arguments) or 0


def ending_line(code: int) -> bytes:
    """Return what tells a client how its process ended; `code` is negative for a signal."""
    ending = ("exited", code) if code >= 0 else ("signalled", -code)
    return json.dumps({"ending": ending}).encode() + b"\n"
