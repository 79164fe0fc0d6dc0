"""What runs inside the sandbox with the student's code: does what it is asked, one message at a time.

Everything here shares a process with hostile code, so nothing it says is believed without a check outside:
scores come from tests that run elsewhere (`oracle`), or are guarded by canaries.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import faulthandler
import os
import signal
import socket
import sys
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tpc_grader.inside.kernel import in_loop
from tpc_grader.inside.shell import Caps, Recorder, Shell, attach, make_shell
from tpc_grader.inside.working_folder import enter_folder, see_new_files
from tpc_grader.results.last_value import said_score
from tpc_grader.values.bounded_json import TooMuch
from tpc_grader.values.seeding import Draws
from tpc_grader.values.values import Handle, NotPlain, decode, encode
from tpc_grader.values.wire import SOCKET, Closed, Wire

MAX_ARTEFACT_BYTES = 8 * 2**20
MAX_HANDLES = 100_000
# Where the process says why it ends, for an instructor.
COMPLAINTS = 2


class Runner:
    """Serves the requests of the process outside until it hangs up."""

    def __init__(self, wire: Wire, draws: Draws) -> None:
        self.wire, self.draws = wire, draws
        self.pid = os.getpid()
        self.shell: Shell | None = None
        self.handles: list[Any] = []
        self.operations: dict[str, Callable[..., dict[str, Any]]] = {
            "start": self.start,
            "cell": self.run_cell,
            "lookup": self.look_up,
            "call": self.call,
            "attribute": self.attribute,
            "await": self.wait_for,
            "read": self.read,
        }

    def serve(self) -> None:
        """Answer requests, one after the other."""
        while True:
            request = self.wire.receive()
            answer = self._answer(request)
            if os.getpid() != self.pid:
                os._exit(0)  # a process that the student's code forked and that came back here
            try:
                self.wire.send({"id": request["id"], **answer})
            except TooMuch as e:
                told = {"ok": False, "error": "ValueError", "message": f"too much to pass to the tests: {e}"}
                self.wire.send({"id": request["id"], **told})

    def start(self, files: dict[str, str], plots: bool, caps: dict[str, int]) -> dict[str, Any]:
        """Write the support files into the working folder and make the shell."""
        for name, text in files.items():
            path = Path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(base64.b64decode(text))
        enter_folder()
        self.folder = Path.cwd()
        self.recorder = Recorder(Caps(**caps))
        self.shell = make_shell()
        attach(self.shell, self.recorder, plots)
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        return {}

    def run_cell(self, source: str, seed: str = "", tests: bool = False) -> dict[str, Any]:
        """Run a cell and return how it went and what it put out."""
        assert self.shell is not None
        if tests:
            self.draws.begin_test(seed, list(self._names().values()))
        else:
            self.draws.begin(seed)
        self.recorder.start()
        see_new_files()
        result = self._in_loop(lambda: self._run(source))
        error = result.error_before_exec or result.error_in_exec
        answer: dict[str, Any] = {"ok": error is None, "outputs": self.recorder.finished()}
        if error is not None:
            name = _name_of(error)
            answer |= {"error": name, "line": _line_of(error), "trouble": trouble(error)}
            answer["detail"] = f"{name}: {_text_of(error)}"
        answer["result"] = said_score(result.result)
        return answer

    async def _run(self, source: str) -> Any:
        shell: Any = self.shell
        translated = shell.transform_cell(source) if "await" in source or "async" in source else None
        if translated is not None and shell.should_run_async(source, transformed_cell=translated):
            return await shell.run_cell_async(source, store_history=True, transformed_cell=translated)
        return shell.run_cell(source, store_history=True)

    def _in_loop(self, act: Callable[[], Awaitable[Any]]) -> Any:
        if self.loop.is_closed():
            self.loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self.loop)
        return in_loop(self.loop, act)

    def look_up(self, names: list[str], seed: str = "") -> dict[str, Any]:
        """Return the values of names that tests use and that the exercise's own cells do not define."""
        self.draws.begin(seed)
        self.recorder.start()
        found = {}
        for name in names:
            if name in self._names():
                # What cannot pass, for whatever reason, is not there; the other names are.
                with contextlib.suppress(Exception):
                    found[name] = encode(self._names()[name], self._keep)
        return {"values": found}

    def call(self, handle: int, args: Any, kwargs: Any, without: list[str]) -> dict[str, Any]:
        """Call what a handle stands for, while some names mean nothing."""
        function = self.handles[handle]
        given = [self._decode(each) for each in args]
        named = {str(name): self._decode(each) for name, each in kwargs.items()}
        hidden = {name: self._names().pop(name) for name in without if name in self._names()}
        try:

            async def called() -> dict[str, Any]:
                return self._outcome(lambda: function(*given, **named))

            found: dict[str, Any] = self._in_loop(called)
            return found
        finally:
            for name, value in hidden.items():
                self._names().setdefault(name, value)

    def attribute(self, handle: int, name: str) -> dict[str, Any]:
        """Return an attribute of what a handle stands for."""
        return self._outcome(lambda: getattr(self.handles[handle], name))

    def wait_for(self, handle: int) -> dict[str, Any]:
        """Wait for what a handle stands for, and return what it gives."""
        return self._outcome(lambda: self._in_loop(lambda: awaited(self.handles[handle])))

    def read(self, names: list[str]) -> dict[str, Any]:
        """Return files of the working folder; what is no plain file, or too large, is not there."""
        found = {name: _file(name) or _file(str(self.folder / name)) for name in names}
        return {"files": {name: text for name, text in found.items() if text is not None}}

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        operation = self.operations[request["do"]]
        arguments = {name: value for name, value in request.items() if name not in {"id", "do"}}
        answer: dict[str, Any] = {}
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            answer = operation(**arguments)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        except BaseException as e:
            # An interrupt may come when all is done, or while another is dealt with.
            answer = answer or _failure(e)
        with contextlib.suppress(KeyboardInterrupt):
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        return answer

    def _outcome(self, act: Callable[[], Any]) -> dict[str, Any]:
        self.recorder.start()
        try:
            return {"value": encode(act(), self._keep)}
        except NotPlain as e:
            return {"error": "TypeError", "message": str(e)}
        except BaseException as e:
            return {"error": _name_of(e), "message": _text_of(e), "trouble": trouble(e)}

    def _names(self) -> dict[str, Any]:
        assert self.shell is not None
        return self.shell.user_ns

    def _keep(self, value: Any) -> Handle | None:
        if len(self.handles) >= MAX_HANDLES:
            return None
        self.handles.append(value)
        return Handle(len(self.handles) - 1, type(value).__name__[:80], callable(value))

    def _decode(self, data: Any) -> Any:
        return decode(data, self._names(), lambda handle: self.handles[handle.number])


def _failure(error: BaseException) -> dict[str, Any]:
    return {"ok": False, "error": _name_of(error), "message": "", "trouble": trouble(error), "outputs": []}


async def awaited(thing: Awaitable[Any]) -> Any:
    """Return what something gives that can be awaited; raises TypeError for what cannot."""
    return await thing


def trouble(error: BaseException) -> str:
    """Return which limit an error speaks of: "memory", "quota" or ""."""
    if isinstance(error, MemoryError):
        return "memory"
    if isinstance(error, OSError) and OSError.__dict__["errno"].__get__(error) in (
        11,
        12,
        23,
        24,
        27,
        28,
        122,
    ):
        return "quota"  # no more processes, memory for one, files, or space
    return "quota" if type(error) is RuntimeError and "start new thread" in _text_of(error) else ""


def serve() -> int:
    """Be the sandboxed process: descriptor 3 leads to whoever asks."""
    silence = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1):
        os.dup2(silence, number)
    faulthandler.enable(COMPLAINTS)
    end = socket.socket(fileno=SOCKET)
    os.set_inheritable(SOCKET, False)
    try:
        Runner(Wire(end), Draws()).serve()
    except Closed:
        return 0
    except BaseException:
        # Python's own place for it is taken by cells.
        os.write(COMPLAINTS, traceback.format_exc().encode(errors="replace"))
    return 1


def _name_of(error: BaseException) -> str:
    """Return the name of an error's class, whatever that class says of itself."""
    return str(type.__dict__["__name__"].__get__(type(error)))[:80]


def _text_of(error: BaseException) -> str:
    """Return an error's text as a plain one; empty when it cannot be had."""
    try:
        return str.__getitem__(str(error), slice(500))
    except BaseException:
        return ""


def _line_of(error: BaseException) -> int:
    """Return the line of the cell at which an error left it; 0 when it never ran."""
    if isinstance(error, SyntaxError):
        return error.lineno or 0
    trace, line = error.__traceback__, 0
    cell = ""
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if not cell and ("ipython-input" in name or "ipykernel_" in name):
            cell = name
        if cell and name == cell:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _file(name: str) -> str | None:
    try:
        number = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(number, "rb") as file:
        data = file.read(MAX_ARTEFACT_BYTES + 1)
    return base64.b64encode(data).decode() if len(data) <= MAX_ARTEFACT_BYTES else None


if __name__ == "__main__":
    sys.exit(serve())
