"""What the author's own solution answers to the questions that tests ask the student's code.

It runs in a process of its own, forked before any test: what it draws, changes or takes of time is nothing to the
tests. It is asked only when an answer is doubtful, so in most runs it does nothing at all.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tpc_grader.artefacts import read_artefact
from tpc_grader.values import Handle, NotPlain, decode, encode
from tpc_grader.wire import Wire, WireFault

# For all questions about one cell of tests.
PATIENCE_SECONDS = 5.0
# How tests came by a thing: ["name", name], ["file", name], ["call", of, args, kwargs] or ["attribute", of, name].
Origin = list[Any]
Run = Callable[[str, dict[str, Any]], None]


class Unknown(Exception):
    """The author's solution gives no answer that says anything: it raises, or takes too long, or there is none."""


class Model:
    """The author's solution, cell by cell: `cells` are (index in the notebook, source), `run` runs one in names.

    It works in a folder of its own, which `prepare` fills: what it writes must not take the place of an answer.
    """

    def __init__(self, cells: list[tuple[int, str]], prepare: Callable[[], None], run: Run) -> None:
        self.cells, self.prepare, self.run = cells, prepare, run
        self.left = PATIENCE_SECONDS
        self.wire: Wire | None = None
        self.pid = 0

    def start(self, other_end: socket.socket) -> None:
        """Fork the process; `other_end` is what it must not keep open."""
        ours, theirs = socket.socketpair()
        self.pid = os.fork()
        if not self.pid:
            with contextlib.suppress(BaseException):
                ours.close()
                other_end.close()
                os.chdir(tempfile.mkdtemp())
                self.prepare()
                _Author(Wire(theirs), self.cells, self.run).serve()
            os._exit(0)
        theirs.close()
        self.wire = Wire(ours)

    def begin(self) -> None:
        """Begin another cell of tests."""
        self.left = PATIENCE_SECONDS

    def answer(self, until: int, origin: Origin, handles: dict[int, Origin], names: dict[str, Any]) -> Any:
        """Return the author's answer where the student's came from `origin`, as cell `until` finds it.

        `handles` says where things came from that are arguments. Raises Unknown.
        """
        if self.wire is None:
            raise Unknown
        began = time.monotonic()
        try:
            self.wire.send({"until": until, "origin": origin, "handles": list(handles.items())})
            told = self.wire.receive(began + self.left)
            self.left -= time.monotonic() - began
            if "value" in told:
                return decode(told["value"], names, asked=frozenset())
        except (WireFault, NotPlain) as e:
            self._end()
            raise Unknown from e
        raise Unknown

    def _end(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self.wire = None


class _Author:
    """The process of the author's solution."""

    def __init__(self, wire: Wire, cells: list[tuple[int, str]], run: Run) -> None:
        self.wire, self.cells, self.run = wire, list(cells), run
        self.names: dict[str, Any] = {"__name__": "__main__"}

    def serve(self) -> None:
        while True:
            request = self.wire.receive()
            self._run_until(request["until"])
            self.handles = {int(number): origin for number, origin in request["handles"]}
            try:
                value = self._value(request["origin"])
                answer = {"value": encode(value, lambda each: Handle(0, type(each).__name__, callable(each)))}
            except BaseException:
                answer = {}
            self.wire.send(answer)

    def _run_until(self, until: int) -> None:
        while self.cells and self.cells[0][0] < until:
            with contextlib.suppress(BaseException):
                self.run(self.cells[0][1], self.names)
            self.cells.pop(0)

    def _value(self, origin: Origin) -> Any:
        how, of, *rest = origin
        if how == "file":
            return read_artefact(Path(of))
        if how == "name":
            return self.names[of]
        thing = self._value(of)
        if how == "attribute":
            return getattr(thing, str(rest[0]))
        args = [self._plain(each) for each in rest[0]]
        return thing(*args, **{name: self._plain(each) for name, each in rest[1].items()})

    def _plain(self, data: Any) -> Any:
        return decode(data, self.names, lambda handle: self._value(self.handles[handle.number]))
