"""Asks a forkserver for processes, and starts one where there is none."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tpc_kernels.box.order import Order, ending_line

START_SECONDS = 60
ANSWER_SECONDS = 60  # a retired forkserver's successor imports first


class NoForkserver(RuntimeError):
    """Nobody serves at the socket, or what serves there refused."""


@dataclass(frozen=True)
class Ending:
    """How a process ended: exited, signalled, oom, full, timeout, failed (no box could be built) or lost.

    Lost: the forkserver died before the process did, so that nobody knows its code.
    """

    kind: str
    code: int

    @property
    def exit_code(self) -> int:
        """Return the code as `subprocess` gives it: negative for a signal."""
        return -self.code if self.kind == "signalled" else self.code


class Forked:
    """A process that a forkserver made for us. For a boxed one, `pid` is its keeper's."""

    def __init__(self, pid: int, connection: socket.socket) -> None:
        self.pid = pid
        self.connection = connection
        self.ending: Ending | None = None
        self._read = b""
        self._end, self._close_end = _open_process(self, pid)

    def poll(self) -> Ending | None:
        """Return how it ended, or None while it runs."""
        return self._receive(0)

    def wait(self, timeout: float | None = None) -> Ending:
        """Wait for the end; after `timeout` seconds kill it, and say "timeout"."""
        ending = self._receive(timeout)
        if ending is None:
            self.kill()
            self._receive(ANSWER_SECONDS)
            self.ending = Ending("timeout", int(signal.SIGKILL))
        assert self.ending is not None
        return self.ending

    def send_signal(self, number: int) -> None:
        """Send a signal; without effect when the process is gone."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once, and with it everything in its box."""
        self.send_signal(signal.SIGKILL)

    def _receive(self, timeout: float | None) -> Ending | None:
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.ending is None:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            self.connection.settimeout(left)
            try:
                more = self.connection.recv(4096)
            except (BlockingIOError, TimeoutError):
                return None
            except OSError:
                more = b""
            self._read += more
            if b"\n" in self._read:
                self.ending = Ending(*json.loads(self._read.split(b"\n")[0])["ending"])
            elif not more and not _ended(self._end, left):
                return None  # the forkserver died, the process lives on
            elif not more:
                self.ending = Ending("lost", 0)
        self._close()
        return self.ending

    def _close(self) -> None:
        self.connection.close()
        self._close_end()
        self._end = None


def _open_process(owner: Forked, pid: int) -> tuple[int | None, Callable[[], object]]:
    """Return a descriptor of a process, which no later process with its number can be taken for.

    The second value closes it; that also happens when nobody holds the owner any more.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:  # it ended already
        return None, lambda: None
    return descriptor, weakref.finalize(owner, os.close, descriptor)


def _ended(process: int | None, seconds: float | None) -> bool:
    """Wait for the end of a process; returns whether it came in time."""
    if process is None:
        return True
    waiting = select.poll()  # not select(), which knows descriptors below 1024 only
    waiting.register(process, select.POLLIN)
    return bool(waiting.poll(None if seconds is None else seconds * 1000))


def fork(
    path: str | Path, order: Order, files: Sequence[int] = (), front: tuple[int, int] | None = None
) -> Forked:
    """Have the forkserver at `path` run an order with these descriptors; raises NoForkserver."""
    answer, connection = _ask(str(path), order, [*files, *(front or ())])
    if "pid" not in answer:
        connection.close()
        raise NoForkserver(f"{path}: {answer.get('error', 'the forkserver did not answer')}")
    return Forked(answer["pid"], connection)


def run_alone(
    order: Order,
    files: Sequence[int] = (),
    front: tuple[int, int] | None = None,
    environment: dict[str, str] | None = None,
) -> Forked:
    """Run an order in a new process, without a forkserver: the same box, without anything preloaded."""
    ours, theirs = socket.socketpair()
    numbers = [theirs.fileno(), *files, *(front or ())]
    command = [sys.executable, "-P", "-m", "tpc_kernels.forkserver.server", "--once", *map(str, numbers)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, pass_fds=numbers, env=environment, start_new_session=True
    )
    assert process.stdin is not None
    with process.stdin:
        process.stdin.write(order.to_line())
    threading.Thread(target=_report, args=(process, theirs), daemon=True).start()
    return Forked(process.pid, ours)


def _report(process: subprocess.Popen[bytes], client: socket.socket) -> None:
    """Wait for a process, so that it leaves no zombie, and tell how it ended, as a forkserver does."""
    code = process.wait()
    with client, contextlib.suppress(OSError):
        client.sendall(ending_line(code))


# A socket's path has at most 107 bytes (unix(7)), and the names in the folder up to 32.
LONGEST_FOLDER = 74


def runtime_folder() -> Path:
    """Return a folder of this user for sockets, with a path short enough for one; only they may enter it."""
    base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    folder = base / f"tpc-kernels-{os.getuid()}"
    if len(str(folder)) > LONGEST_FOLDER:
        folder = Path("/tmp") / folder.name
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o077:
        raise NoForkserver(f"{folder}: not a private folder of this user. Remove it.")
    return folder


def ensure(
    path: str | Path,
    preloads: Sequence[str],
    environment: dict[str, str],
    log: str | Path,
    idle_seconds: float | None = None,
    gather: bool = False,
) -> None:
    """Start a forkserver at `path` unless one serves there; returns when it serves. Raises NoForkserver.

    With `idle_seconds` it ends by itself after that time without work; with `gather` many short forks are cheaper.
    Its environment is seen by everything it forks (in /proc/PID/environ), so hand it nothing secret.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(f"{path}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if serves(path):
            return
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        idle = [f"--idle={idle_seconds}"] if idle_seconds else []
        options = [*idle, *(["--gather"] if gather else [])]
        command = [
            sys.executable,
            "-P",
            "-m",
            "tpc_kernels.forkserver.server",
            *options,
            str(path),
            *preloads,
        ]
        with open(log, "ab") as output:
            process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        _await_socket(path, time.monotonic() + START_SECONDS, process, str(log))


def serves(path: str | Path) -> bool:
    """Return whether somebody listens at the socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def _ask(path: str, order: Order, descriptors: list[int]) -> tuple[dict[str, Any], socket.socket]:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(ANSWER_SECONDS)
    try:
        line = order.to_line()
        connection.connect(path)
        connection.sendall(order.header().to_line())
        # Sent apart: the forkserver reads the header, the process it forks the rest.
        sent = socket.send_fds(connection, [line], descriptors)
        connection.sendall(line[sent:])
        return json.loads(_line(connection) or b"{}"), connection
    except OSError as e:
        connection.close()
        raise NoForkserver(f"{path}: {e.strerror or e}") from e


def _line(connection: socket.socket) -> bytes:
    """Return one line, byte by byte, so that what follows stays for later."""
    read = b""
    while not read.endswith(b"\n"):
        more = connection.recv(1)
        if not more:
            break
        read += more
    return read


def _await_socket(
    path: str | Path, deadline: float, process: subprocess.Popen[bytes] | None = None, log: str = ""
) -> None:
    while not serves(path):
        if process is not None and process.poll() is not None:
            raise NoForkserver(f"the forkserver ended with code {process.returncode}; see {log}")
        if time.monotonic() > deadline:
            raise NoForkserver(f"{path}: no forkserver after {START_SECONDS} s; see {log}")
        time.sleep(0.02)
