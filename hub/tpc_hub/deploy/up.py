"""`campus up`: the whole campus in the foreground. It stops what it started."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from types import FrameType
from urllib.parse import urlsplit

import psutil
from tpc_courses.base.files import Busy, locked
from tpc_courses.base.places import Places
from tpc_courses.base.problems import SourceError
from tpc_kernels.jupyter.server import SOCKET_VARIABLE

from tpc_hub.deploy import machine
from tpc_hub.deploy.preparation import prepare
from tpc_hub.engines import engine_for
from tpc_hub.settings.profile import Settings, note_profile

READY_SECONDS = 120
STOP_SECONDS = 15
RESTART_SECONDS = 2
# A hub that died is started so often before the campus gives up.
RESTARTS = 5
GRADER_RESTART_SECONDS = 5


class HubFailed(RuntimeError):
    """The hub ended while it started, or did not answer in time."""


class Stopped(Exception):
    """Somebody asked the campus to stop."""


def up(places: Places, settings: Settings, profile: str) -> None:
    """Start the campus and serve until Ctrl-C; raises SourceError with all that keeps it from starting."""
    os.umask(0o077)
    with _lock(places, settings):
        signal.signal(signal.SIGTERM, _stop)
        # A shell that starts us with `&` leaves SIGINT ignored, and every child would inherit that.
        signal.signal(signal.SIGINT, _stop)
        stop_leftovers(places)
        # In a copied state folder this names the proxy of another campus, which the hub would end.
        (places.hub_dir / "proxy.pid").unlink(missing_ok=True)
        found = machine.problems(places, settings)
        if found:
            raise SourceError(found)
        machine.write_state_version(places)
        note_profile(places, profile)
        for folder in (places.hub_dir, places.logs, places.homes):
            folder.mkdir(parents=True, exist_ok=True)
        print("Building lessons and exercises ...", flush=True)
        try:
            engine = engine_for(settings)
            engine.prepare(settings, places)
            preloaded = engine.kernels(settings, places).get(SOCKET_VARIABLE, "")
            welcome = prepare(places, settings.sign_in.method, preloaded)
            _serve(places, settings, welcome)
        except Stopped:
            print("\nStopping ...", flush=True)
        finally:
            stop_leftovers(places)
        print("Stopped. Your campus is kept in", places.state, flush=True)


def stop_leftovers(places: Places, of_hub: bool = False) -> int:
    """Stop every process of this campus that still runs, also after a `kill -9`; returns how many there were.

    Each process we start carries CAMPUS_INSTANCE in its environment, and its children inherit it. With
    `of_hub` only what a hub left behind is stopped: not people's servers, which a new hub finds again, and
    not what runs beside the hub (CAMPUS_PART): grading and the book go on.
    """
    ours = [
        process
        for process in psutil.process_iter()
        if process.pid != os.getpid() and _belongs(process, places, of_hub)
    ]
    for process in ours:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(ours, timeout=STOP_SECONDS)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=5)
    return len(ours)


def _belongs(process: psutil.Process, places: Places, of_hub: bool = False) -> bool:
    try:
        environment = process.environ()
        ours = environment.get("CAMPUS_INSTANCE") == str(places.state)
        return ours and not (of_hub and environment.keys() & {"CAMPUS_ENGINE", "CAMPUS_PART"})
    except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):
        return False


def _serve(places: Places, settings: Settings, welcome: list[str]) -> None:
    """Run the hub, and start it again when it dies; returns only by an exception."""
    hub = _start_hub(places, settings)
    _wait_ready(settings, hub, places)
    print(f"\nTPC Campus is ready at {settings.url}\n", flush=True)
    print("\n".join(_start_screen(places, settings, welcome)), flush=True)
    grader = Grader(places, settings)
    book = _start_book(places, settings) if settings.book else None
    while True:
        while hub.poll() is None:
            grader.keep()
            time.sleep(1)
            if book is not None:
                book.poll()  # so that it leaves no zombie
        print(
            f"The hub ended with code {hub.returncode}; starting it again. See {places.logs / 'hub.log'}.",
            flush=True,
        )
        hub = _start_again(places, settings, grader)
        print(f"TPC Campus is ready at {settings.url} again", flush=True)


def _start_again(places: Places, settings: Settings, grader: Grader) -> subprocess.Popen[bytes]:
    """Start the hub in the place of one that died; what ends it while it starts may be over a moment later."""
    left = RESTARTS
    while True:
        left -= 1
        stop_leftovers(places, of_hub=True)
        time.sleep(RESTART_SECONDS)
        hub = _start_hub(places, settings)
        try:
            _wait_ready(settings, hub, places, meanwhile=grader.keep)
            return hub
        except HubFailed as e:
            if not left:
                raise
            print(f"{e}\nStarting it again.", flush=True)
            hub.kill()
            hub.wait()


class Grader:
    """The worker that grades, started again when it ends; not faster than every few seconds."""

    def __init__(self, places: Places, settings: Settings) -> None:
        self.places, self.settings = places, settings
        self.process: subprocess.Popen[bytes] | None = None
        self.started = -math.inf

    def keep(self) -> None:
        """Start the worker unless it runs."""
        ended = self.process is None or self.process.poll() is not None
        if not ended or time.monotonic() - self.started < GRADER_RESTART_SECONDS:
            return
        if self.process is not None:
            log = self.places.logs / "worker.log"
            print(
                f"The grader ended with code {self.process.returncode}; starting it again. "
                f"No submission is lost. See {log}.",
                flush=True,
            )
        self.started = time.monotonic()
        command = [sys.executable, "-m", "tpc_hub.cli", "worker"]
        self.process = _start(self.places, self.settings, "worker", command)


def _start_hub(places: Places, settings: Settings) -> subprocess.Popen[bytes]:
    config = places.root / "hub" / "jupyterhub_config.py"
    return _start(places, settings, "hub", [sys.executable, "-m", "tpc_hub.deploy.hub", "-f", str(config)])


def _start_book(places: Places, settings: Settings) -> subprocess.Popen[bytes]:
    steps = ["book", *(["lite"] if settings.lite else []), *(["pdf"] if settings.pdf else [])]
    return _start(places, settings, "book", [sys.executable, "-m", "tpc_hub.cli", "build", *steps])


def _start(places: Places, settings: Settings, name: str, command: list[str]) -> subprocess.Popen[bytes]:
    environment = os.environ | {
        "CAMPUS_ROOT": str(places.root),
        "CAMPUS_STATE": str(places.state),
        "CAMPUS_INSTANCE": str(places.state),
        "CAMPUS_PORT": str(settings.port),
        **({} if name == "hub" else {"CAMPUS_PART": name}),
    }
    with open(places.logs / f"{name}.log", "ab") as log:
        # A session of its own: Ctrl-C reaches us, and we stop the rest in order.
        return subprocess.Popen(
            command, cwd=places.hub_dir, env=environment, stdout=log, stderr=log, start_new_session=True
        )


def _wait_ready(
    settings: Settings,
    hub: subprocess.Popen[bytes],
    places: Places,
    meanwhile: Callable[[], None] = lambda: None,
) -> None:
    """Wait until the hub answers, doing something else meanwhile; raises HubFailed."""
    deadline = time.monotonic() + READY_SECONDS
    log = places.logs / "hub.log"
    while time.monotonic() < deadline:
        meanwhile()
        if hub.poll() is not None:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            raise HubFailed(
                f"{tail}\nThe hub ended with code {hub.returncode} while starting. Its log is {log}."
            )
        if _is_healthy(settings):
            return
        time.sleep(0.25)
    raise HubFailed(f"The hub did not answer in {READY_SECONDS} s. Its log is {log}.")


def _is_healthy(settings: Settings) -> bool:
    """Return whether the hub answers inside and, without TLS, also through the proxy."""
    inside = urllib.request.Request(f"http://127.0.0.1:{settings.hub_port}/hub/health")
    through = urllib.request.Request(
        f"http://127.0.0.1:{settings.port}/services/campus/openapi.json",
        headers={"Host": urlsplit(settings.campus_url).netloc},
    )
    try:
        for request in (inside,) if settings.tls else (inside, through):
            with urllib.request.urlopen(request, timeout=5):
                pass
    except OSError:
        return False
    return True


def _start_screen(places: Places, settings: Settings, welcome: list[str]) -> list[str]:
    instructor, *codes = welcome
    return [
        "Sign in",
        instructor,
        f"  As student: {_first_step(settings)}:",
        *(f"    {line.strip()}" for line in codes),
        f"Read the book without an account: {settings.url}/book/ (its figures appear as the lessons run)",
        f"State (copy it for a backup, delete it for a fresh campus): {places.state}",
        *protection_lines(settings),
        "Stop with Ctrl-C.",
    ]


def _first_step(settings: Settings) -> str:
    if settings.sign_in.method == "campus":
        return f"open {settings.url}/hub/signup and sign up with a class code"
    return f"open {settings.url}, sign in by {settings.sign_in.method} and enter a class code"


def protection_lines(settings: Settings) -> list[str]:
    """Return what is protected here and what is not, for people to read."""
    active, missing = engine_for(settings).protections(settings)
    lines = ["Protected on this machine:", *(f"  - {line}" for line in active)] if active else []
    return lines + (["Not protected:", *(f"  - {line}" for line in missing)] if missing else [])


@contextlib.contextmanager
def _lock(places: Places, settings: Settings) -> Iterator[None]:
    """Hold the state folder for this process; a second start says who has it."""
    with contextlib.ExitStack() as held:
        try:
            note = f"{settings.url}, process {os.getpid()}\n"
            held.enter_context(locked(places.state / "lock", wait_seconds=0, note=note))
        except OSError:
            raise SourceError(machine.problems(places, settings)) from None
        except Busy as e:
            raise RuntimeError(
                f"{places.state}: this campus already runs ({e}). "
                "Open that one, stop it with Ctrl-C, or set CAMPUS_STATE and CAMPUS_PORT for a second campus."
            ) from None
        yield


def _stop(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Stopped
