"""Runs the tests of oracle and artefact cells, away from the student's code.

Names that the exercise's own cells do not define are the student's. A function of theirs is a `Remote` here:
calling it sends plain arguments into the sandbox and brings a plain answer back. So no test, no expected value
and no comparison is ever in a process with the student's code.

This process too is confined, with the same limits: what arrives from the sandbox may be large or odd.
"""

from __future__ import annotations

import ast
import asyncio
import base64
import builtins
import contextlib
import inspect
import os
import socket
import sys
import traceback
from collections.abc import Callable, Generator
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from tpc_grader.inside.working_folder import enter_folder, see_new_files
from tpc_grader.oracle.answer_checks import Doubts
from tpc_grader.oracle.comparing import HELPER, Comparing, rewritten
from tpc_grader.oracle.model import PATIENCE_SECONDS, Model, Question, Unknown
from tpc_grader.oracle.prepared import CELL, compiled, names_in, parse, prepared, unpacked
from tpc_grader.results.last_value import said_score
from tpc_grader.values.artefacts import read_artefact, widened
from tpc_grader.values.seeding import Draws
from tpc_grader.values.values import Handle, decode, encode
from tpc_grader.values.wire import SOCKET, Closed, Wire, WireFault
from tpc_grader.versions.names import changed_by


class StudentError(RuntimeError):
    """The student's code raised an exception of a type that is not built in."""


class Remote:
    """Stands for an object in the sandbox: it can be called, its attributes read, and nothing else."""

    def __init__(self, oracle: Oracle, handle: Handle, label: str) -> None:
        self._oracle, self._handle, self._label = oracle, handle, label

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        plain = [self._oracle.encode(each) for each in args]
        named = {name: self._oracle.encode(each) for name, each in kwargs.items()}
        without = {"without": self._oracle.deleted()}
        question = {"do": "call", "handle": self._handle.number, "args": plain, "kwargs": named}
        return self._oracle.ask(self._label, question, without)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        question = {"do": "attribute", "handle": self._handle.number, "name": name}
        return self._oracle.ask(f"{self._label}.{name}", question)

    def __await__(self) -> Generator[Any, None, Any]:
        yield from ()
        return self._oracle.ask(self._label, {"do": "await", "handle": self._handle.number})

    def __repr__(self) -> str:
        return f"<the student's {self._handle.kind}>"


class Oracle:
    """Serves the requests of the process outside; asks it for what only the sandbox knows."""

    def __init__(self, wire: Wire, draws: Draws) -> None:
        self.wire, self.draws = wire, draws
        self.comparing = Comparing()
        self.names: dict[str, Any] = {
            "__name__": "__main__",
            "__builtins__": builtins,
            HELPER: self.comparing,
        }
        self.wanted: set[str] = set()
        self.brought: dict[str, Any] = {}
        self.testing = False
        self.imports: dict[str, Any] = {}
        # Types of NumPy's that the tests want as they come; all others are read in double precision.
        self.asked = frozenset[str]()
        self.model: Model | None = None
        self.doubts = Doubts(self.author_answer)
        self.operations: dict[str, Callable[..., dict[str, Any]]] = {
            "start": self.start,
            "given": self.run_given,
            "answer": self.note_answer,
            "artefacts": self.take_artefacts,
            "test": self.run_test,
        }

    def serve(self) -> None:
        """Answer requests, one after the other."""
        while True:
            request = self.wire.receive()
            arguments = {name: value for name, value in request.items() if name not in {"id", "do"}}
            self.wire.send({"id": request["id"], **self.operations[request["do"]](**arguments)})

    def start(self, files: dict[str, str], solution: list[tuple[int, str]] | None = None) -> dict[str, Any]:
        """Write files into the working folder. `solution` is the author's, as Model takes it."""
        enter_folder()
        if solution:
            self.model = Model(solution, lambda: _write(files), _run)
            self.model.start(self.wire.end)
        _write(files)
        return {}

    def take_artefacts(self, files: dict[str, str], asked: list[str]) -> dict[str, Any]:
        """Write files that the student's code made into the working folder, their numbers in double precision."""
        for name, text in files.items():
            try:
                data = widened(name, base64.b64decode(text), frozenset(asked))
            except (ValueError, TypeError, MemoryError):
                continue
            _write({name: base64.b64encode(data).decode()})
        return {}

    def run_given(self, source: str, seed: str = "") -> dict[str, Any]:
        """Run a cell that the exercise gives. What it does with the student's code fails here.

        It ran beside the student's code already, so that code is not called again. What a statement that fails
        would have bound or changed is the student's.
        """
        self._forget_brought()
        self.draws.begin(seed)
        see_new_files()
        try:
            tree = parse(source)
            self.wanted |= _names_in_functions(compiled(tree))
        except BaseException as e:
            return {"ok": False, "error": type(e).__name__}
        error = ""
        for statement in tree.body:
            try:
                _done(compiled(rewritten(ast.Module([statement], []))), self.names)
            except BaseException as e:
                error = error or type(e).__name__
                for name in changed_by(statement):
                    if not isinstance(self.names.get(name), ModuleType):
                        self.names.pop(name, None)
        if "matplotlib.pyplot" in sys.modules:  # as a notebook closes what it has shown
            sys.modules["matplotlib.pyplot"].close("all")
        return {"ok": not error, "error": error}

    def note_answer(self, imports: str, binds: list[str]) -> dict[str, Any]:
        """Take what the author's solution of a cell says of names, which the student's own may only follow.

        What it imports, tests get where the student has something of that name. What it binds is the student's.
        """
        for name in binds:
            self.names.pop(name, None)
        try:
            exec(imports, self.imports)
        except BaseException as e:
            return {"ok": False, "error": type(e).__name__}
        return {"ok": True}

    def run_test(
        self,
        source: str,
        seed: str = "",
        cell: int = 0,
        asked: list[str] | None = None,
        artefacts: list[str] | None = None,
        code: str = "",
    ) -> dict[str, Any]:
        """Run a cell of tests; the answer says whether it passed, where it stopped, and what its answers lack.

        `code` is the cell as `prepared.packed` gives it.
        """
        self.testing, self.cell, self.asked = True, cell, frozenset(asked or ())
        self.doubts = Doubts(self.author_answer)
        self.comparing.begin()
        if self.model is not None:
            self.model.begin()
        self.draws.begin_test(seed, list(self.names.values()))
        try:
            cell_code = unpacked(code) if code else prepared(source)
            self._bring_names(cell_code.names)
            self._look_at(artefacts or [])
            _done(cell_code.body, self.names)
            value = _done(cell_code.last, self.names) if cell_code.last else None
        except WireFault:
            raise
        except BaseException as e:
            said = {"fault": self.doubts.fault, "hint": self.doubts.hint_of_failed(e, self.comparing)}
            return {"ok": False, "error": type(e).__name__, "line": _line_of(e), "detail": _detail(e), **said}
        finally:
            self.testing = False
        # A thing of the student's says nothing of the score: it would be asked for its value.
        score = None if isinstance(value, Remote) else said_score(value)
        fault = self.doubts.fault_of_passed(self.comparing)
        # An answer that lacks something earned nothing of a score: it was no number for any comparison.
        if fault and (score is None or not self.doubts.fault):
            return {"ok": False, "error": "", "line": 0, "detail": fault, "fault": fault}
        return {"ok": True, "result": score, "fault": fault}

    def _look_at(self, artefacts: list[str]) -> None:
        """Have files that the student's code made looked at as answers are."""
        for name in artefacts:
            with contextlib.suppress(ValueError, OSError):
                self._taken(name, {"do": "file", "name": name}, read_artefact(Path(name)))

    def encode(self, value: Any) -> Any:
        """Return a value for the sandbox; a Remote goes back as what it stands for."""
        return encode(value, lambda each: each._handle if isinstance(each, Remote) else None)

    def author_answer(self, number: int, patience: float = PATIENCE_SECONDS) -> Any:
        """Return what the author's solution answers to a question that was asked; raises Unknown and Slow."""
        if self.model is None:
            raise Unknown
        return self.model.answer(number, self.names, patience)

    def ask(self, label: str, question: Question, more: Question | None = None) -> Any:
        """Have the process outside ask the sandbox; raises what the student's code raised."""
        if not self.testing:
            raise StudentError("only tests may call the student's code")
        self.wire.send({"ask": question | (more or {})})
        answer = self.wire.receive()
        if answer.get("error"):
            self._note(question, None)
            raise _raised(str(answer["error"]), str(answer.get("message", "")))
        return self._decode(label, question, answer["value"])

    def deleted(self) -> list[str]:
        """Return the student's names that the tests deleted, to see whether other functions use them."""
        return [name for name in self.brought if name not in self.names]

    def _bring_names(self, used: frozenset[str]) -> None:
        """Bind the student's names that the tests and the given cells use, as they are now."""
        self._forget_brought()
        wanted = sorted((self.wanted | used) - set(self.names) - set(dir(builtins)))
        self.wire.send({"ask": {"do": "lookup", "names": wanted}})
        values = self.wire.receive().get("values")
        found = {name: values[name] for name in wanted if name in values} if isinstance(values, dict) else {}
        self.brought = {
            name: self.imports[name]
            if name in self.imports
            else self._decode(name, {"do": "name", "name": name}, data)
            for name, data in found.items()
        }
        self.names |= self.brought

    def _forget_brought(self) -> None:
        """Unbind what a test brought from the student; what it bound itself under such a name stays."""
        for name, value in self.brought.items():
            if self.names.get(name) is value:
                self.names.pop(name, None)
        self.brought = {}

    def _decode(self, label: str, question: Question, data: Any) -> Any:
        """Return an answer to a question as tests may have it."""
        value = decode(data, self.names, lambda handle: Remote(self, handle, label), self.asked)
        return self._taken(label, question, value)

    def _taken(self, label: str, question: Question, value: Any) -> Any:
        """Return an answer as tests may have it, the question noted."""
        handle = value._handle.number if isinstance(value, Remote) else None
        number = self._note(question, handle)
        if handle is not None:
            return value
        taken = self.doubts.taken((number, label), value)
        self.comparing.note(taken)
        return taken

    def _note(self, question: Question, gives: int | None) -> int:
        return self.model.note({**question, "cell": self.cell, "gives": gives}) if self.model else 0


def serve() -> int:
    """Be the process of the tests: descriptor 3 leads to whoever asks."""
    silence = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(silence, number)
    try:
        Oracle(Wire(socket.socket(fileno=SOCKET)), Draws()).serve()
    except Closed:
        return 0
    return 1


def _write(files: dict[str, str]) -> None:
    """Write files into the working folder."""
    for name, text in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(text))


def _run(source: str, names: dict[str, Any]) -> None:
    exec(compile(parse(source), CELL, "exec"), names)


def _done(code: CodeType, names: dict[str, Any]) -> Any:
    """Return what code gives once all that it awaits is there."""
    value = eval(code, names)
    return asyncio.run(value) if code.co_flags & inspect.CO_COROUTINE else value


def _names_in_functions(code: CodeType) -> set[str]:
    """Return the names that the functions in code look up when they are called."""
    inner = (each for each in code.co_consts if isinstance(each, CodeType))
    return set[str]().union(*map(names_in, inner))


def _raised(name: str, message: str) -> BaseException:
    """Return the exception that stands for the student's: a built-in one, or StudentError."""
    kind = getattr(builtins, name, None)
    stand_in = StudentError(f"{name}: {message}")
    if not (isinstance(kind, type) and issubclass(kind, BaseException)):
        return stand_in
    # A group must hold something; UnicodeDecodeError and others want more than a text.
    arguments: tuple[Any, ...] = (message, [stand_in]) if issubclass(kind, BaseExceptionGroup) else (message,)
    try:
        return kind(*arguments)
    except (TypeError, ValueError):
        return stand_in


def _line_of(error: BaseException) -> int:
    """Return the line of the tests at which an error left them."""
    if isinstance(error, SyntaxError):
        return error.lineno or 0
    lines = [
        frame.lineno or 0 for frame in traceback.extract_tb(error.__traceback__) if frame.filename == CELL
    ]
    return lines[-1] if lines else 0


def _detail(error: BaseException) -> str:
    return "".join(traceback.format_exception_only(error))[-500:]


if __name__ == "__main__":
    sys.exit(serve())
