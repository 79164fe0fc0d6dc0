"""Starts a real campus for tests with `campus up` on free ports, and stops it again."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tpc_courses.base.places import Places
from tpc_grader.sandbox.backends import TRUST_VARIABLE

READY_SECONDS = 180
WORKERS = 8  # as many have ports of their own


@dataclass
class RunningCampus:
    """A campus that runs: its address, its state and what it printed."""

    places: Places
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://hub.localhost:{self.port}"

    @property
    def campus_url(self) -> str:
        return f"http://campus--service.hub.localhost:{self.port}/services/campus"

    @property
    def screen(self) -> str:
        return (self.places.state / "screen.txt").read_text()

    def code(self, course: str) -> str:
        """Return the class code of a course from the start screen."""
        return re.search(rf"{course}\s+class code (\S+)", self.screen)[1]

    def instructor_password(self) -> str:
        """Return the demo instructor's password from the start screen."""
        return re.search(r"name instructor, password (\S+)", self.screen)[1]

    def run(self, *arguments: str) -> str:
        """Run a `campus` command on this campus and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "tpc_hub.cli", *arguments],
            env=environment(self.places, self.port),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def environment(places: Places, port: int, book: bool = False) -> dict[str, str]:
    """Return the environment of a campus process in tests; only one that shows its book builds it."""
    ours = {"CAMPUS_ROOT": str(places.root), "CAMPUS_STATE": str(places.state), "CAMPUS_PORT": str(port)}
    # What a command that ran in this process told processes of its own.
    theirs = {
        name: value for name, value in os.environ.items() if name not in {"CAMPUS_PROFILE", TRUST_VARIABLE}
    }
    # Python for the browser and PDFs have their own tests; here they would only take time from others.
    left_out = {"CAMPUS_BOOK": str(book).lower(), "CAMPUS_LITE": "false", "CAMPUS_PDF": "false"}
    return left_out | theirs | ours | {"PYTHONUNBUFFERED": "1"}


@contextlib.contextmanager
def running_campus(
    places: Places, port: int | None = None, *arguments: str, book: bool = False, **process: Any
) -> Iterator[RunningCampus]:
    """Start a campus and stop it at the end; what it prints is kept in the state folder."""
    campus = start_campus(places, port or free_ports(), *arguments, book=book, **process)
    try:
        wait_for(
            lambda: "TPC Campus is ready at" in campus.screen and "Stop with" in campus.screen, campus.process
        )
        yield campus
    finally:
        stop_campus(campus)


def start_campus(
    places: Places, port: int, *arguments: str, book: bool = False, **process: Any
) -> RunningCampus:
    """Start `campus up` without waiting for it; `process` is for Popen."""
    places.state.mkdir(parents=True, exist_ok=True)
    with open(places.state / "screen.txt", "ab") as screen:
        started = subprocess.Popen(
            [sys.executable, "-m", "tpc_hub.cli", "up", *arguments],
            env=environment(places, port, book),
            stdout=screen,
            stderr=screen,
            **process,
        )
    return RunningCampus(places, port, started)


def stop_campus(campus: RunningCampus) -> None:
    """Stop a campus as Ctrl-C does."""
    if campus.process.poll() is None:
        campus.process.send_signal(signal.SIGINT)
    campus.process.wait(READY_SECONDS)


def wait_for(
    condition, process: subprocess.Popen[bytes] | None = None, seconds: float = READY_SECONDS
) -> None:
    """Wait until a condition holds; fails when it does not in time or when the process has ended."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        assert process is None or process.poll() is None, f"the campus ended with code {process.returncode}"
        time.sleep(0.2)


def free_ports() -> int:
    """Return a port that is free together with the nine above it; workers that run tests at once look apart."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
    mine = range(18000 + 20 * worker, 30000, 20 * WORKERS)
    first = random.randrange(len(mine))  # several test runs may share the machine
    for base in (*mine[first:], *mine[:first]):
        with contextlib.ExitStack() as stack:
            try:
                for port in range(base, base + 10):
                    probe = stack.enter_context(socket.socket())
                    probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return base
    raise RuntimeError("no ten free ports in a row between 18000 and 30000")
