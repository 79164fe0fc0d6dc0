"""What the author's own solution answers to the questions that tests ask the student's code.

It runs in a process of its own: what it draws, changes or takes of time is nothing to the
tests. It is asked only when an answer is doubtful, so in most runs it does nothing at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tpc_grader.values.artefacts import read_artefact
from tpc_grader.values.values import Handle, NotPlain, decode, encode
from tpc_grader.values.wire import Late, Wire, WireFault

# For all doubts about one cell of tests.
PATIENCE_SECONDS = 20.0
# How much is kept of what was asked, until somebody wants to know what the author answers.
MOST_QUESTIONS = 20_000
MOST_BYTES = 2**26
# What tests asked: {"cell", "do": "name" | "file" | "call" | "attribute" | "await", "gives": handle or None, ...}.
Question = dict[str, Any]
Run = Callable[[str, dict[str, Any]], None]
_NOTHING = object()


class Unknown(Exception):
    """The author's solution gives no answer that says anything: it raises, or there is none."""


class Slow(Exception):
    """The author's solution takes too long to answer; it goes on."""


class Model:
    """The author's solution, cell by cell: `cells` are (index in the notebook, source), `run` runs one in names.

    It works in a folder of its own, which `prepare` fills: what it writes must not take the place of an answer.
    """

    def __init__(self, cells: list[tuple[int, str]], prepare: Callable[[], None], run: Run) -> None:
        self.cells, self.prepare, self.run = cells, prepare, run
        self.left = PATIENCE_SECONDS
        self.wire: Wire | None = None
        self.other_end: socket.socket | None = None
        self.pid = 0
        self.count = 0
        self.waiting: list[Question] = []
        self.bytes = 0
        # Answers that nobody waited for to the end.
        self.owed = 0

    def start(self, other_end: socket.socket) -> None:
        """Be ready to be asked; `other_end` is what the process must not keep open.

        It is forked when it is asked first, but at once where JAX is used: after that has computed, a fork hangs.
        """
        self.other_end = other_end
        if any("jax" in source for _, source in self.cells):
            self._fork(other_end)

    def _fork(self, other_end: socket.socket) -> None:
        self.other_end = None
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

    def note(self, question: Question) -> int:
        """Take what tests asked, and return its number: the author is asked all of it, in the same order."""
        self.count += 1
        if self.wire is not None or self.other_end is not None:
            self.waiting.append(question)
            self.bytes += sum(map(_weight, question.get("args", ())))
            if len(self.waiting) > MOST_QUESTIONS or self.bytes > MOST_BYTES:
                self._end()
        return self.count - 1

    def answer(self, number: int, names: dict[str, Any], patience: float = PATIENCE_SECONDS) -> Any:
        """Return the author's answer to the question of that number; raises Unknown and Slow."""
        if self.other_end is not None:
            self._fork(self.other_end)
        if self.wire is None:
            raise Unknown
        began = time.monotonic()
        deadline = began + min(self.left, patience)
        try:
            while self.owed:
                self.wire.receive(deadline)
                self.owed -= 1
            # Its process only listens now, so it takes all of this at once.
            for question in self.waiting:
                self.wire.send({"question": question})
            self.waiting, self.bytes = [], 0
            self.wire.send({"number": number})
            self.owed += 1
            told = self.wire.receive(deadline)
            self.owed -= 1
        except Late as e:
            raise Slow from e
        except WireFault as e:
            self._end()
            raise Unknown from e
        finally:
            self.left -= time.monotonic() - began
        try:
            return decode(told["value"], names, asked=frozenset())
        except (KeyError, NotPlain) as e:
            raise Unknown from e

    def _end(self) -> None:
        self.other_end, self.waiting = None, []
        if self.wire is None:
            return
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self.wire = None


class _Author:
    """The process of the author's solution."""

    def __init__(self, wire: Wire, cells: list[tuple[int, str]], run: Run) -> None:
        self.wire, self.cells, self.run = wire, list(cells), run
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.waiting: list[Question] = []
        self.answers: list[Any] = []
        self.things: dict[int, Any] = {}

    def serve(self) -> None:
        while True:
            request = self.wire.receive()
            if "question" in request:
                self.waiting.append(request["question"])
                continue
            while self.waiting:
                self._take(self.waiting.pop(0))
            try:
                value = self.answers[request["number"]]
                if value is _NOTHING:
                    raise Unknown
                answer = {"value": encode(value, lambda each: Handle(0, type(each).__name__, callable(each)))}
            except BaseException:
                answer = {}
            self.wire.send(answer)

    def _take(self, question: Question) -> None:
        while self.cells and self.cells[0][0] < question["cell"]:
            with contextlib.suppress(BaseException):
                self.run(self.cells[0][1], self.names)
            self.cells.pop(0)
        try:
            value = self._answer(question)
        except BaseException:
            value = _NOTHING
        self.answers.append(value)
        if question["gives"] is not None:
            self.things[question["gives"]] = value

    def _answer(self, question: Question) -> Any:
        if question["do"] == "file":
            return read_artefact(Path(question["name"]))
        if question["do"] == "name":
            return self.names[question["name"]]
        thing = self.things[question["handle"]]
        if question["do"] == "await":
            return asyncio.run(_awaited(thing))
        if question["do"] == "attribute":
            return getattr(thing, question["name"])
        args = [self._plain(each) for each in question["args"]]
        return thing(*args, **{name: self._plain(each) for name, each in question["kwargs"].items()})

    def _plain(self, data: Any) -> Any:
        return decode(data, self.names, lambda handle: self.things[handle.number])


async def _awaited(thing: Any) -> Any:
    return await thing


def _weight(argument: Any) -> int:
    """Return about how many bytes an argument takes."""
    body = next(iter(argument.values()), None) if isinstance(argument, dict) else argument
    data = body[-1] if isinstance(body, list) and body else body
    return len(data) if isinstance(data, str) else 20 * len(body) if isinstance(body, list) else 20
