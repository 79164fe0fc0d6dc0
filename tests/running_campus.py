"""Starts a real campus for tests with `campus up` on free ports, and stops it again."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tpc_courses.places import Places

READY_SECONDS = 180


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


def environment(places: Places, port: int) -> dict[str, str]:
    """Return the environment of a campus process in tests."""
    ours = {"CAMPUS_ROOT": str(places.root), "CAMPUS_STATE": str(places.state), "CAMPUS_PORT": str(port)}
    return os.environ | ours | {"PYTHONUNBUFFERED": "1"}


@contextlib.contextmanager
def running_campus(places: Places, port: int | None = None) -> Iterator[RunningCampus]:
    """Start a campus and stop it at the end; what it prints is kept in the state folder."""
    campus = start_campus(places, port or free_ports())
    try:
        wait_for(
            lambda: "TPC Campus is ready at" in campus.screen and "Stop with" in campus.screen, campus.process
        )
        yield campus
    finally:
        stop_campus(campus)


def start_campus(places: Places, port: int) -> RunningCampus:
    """Start `campus up` without waiting for it."""
    places.state.mkdir(parents=True, exist_ok=True)
    with open(places.state / "screen.txt", "ab") as screen:
        process = subprocess.Popen(
            [sys.executable, "-m", "tpc_hub.cli", "up"],
            env=environment(places, port),
            stdout=screen,
            stderr=screen,
        )
    return RunningCampus(places, port, process)


def stop_campus(campus: RunningCampus) -> None:
    """Stop a campus as Ctrl-C does."""
    if campus.process.poll() is None:
        campus.process.send_signal(signal.SIGINT)
    campus.process.wait(60)


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
    """Return a port that is free together with the nine above it."""
    for base in range(18000, 30000, 20):
        with contextlib.ExitStack() as stack:
            try:
                for port in range(base, base + 10):
                    probe = stack.enter_context(socket.socket())
                    probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return base
    raise RuntimeError("no ten free ports in a row between 18000 and 30000")
