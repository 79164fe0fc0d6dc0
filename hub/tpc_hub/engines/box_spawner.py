"""The spawner of the local engine: starts each person's server in a box of its own, forked from a preloaded process."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import os
import signal
import socket
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import psutil
from jupyterhub.spawner import LocalProcessSpawner
from jupyterhub.utils import wait_for_http_server
from tornado.web import HTTPError
from tpc_kernels.box.box import Box, software
from tpc_kernels.box.limits import Limits
from tpc_kernels.box.log import MOST_BYTES
from tpc_kernels.box.order import Order
from tpc_kernels.forkserver.client import Ending, Forked, NoForkserver, ensure, fork, run_alone
from tpc_kernels.jupyter.server import SOCKET, SOCKET_VARIABLE, can_fork_server
from traitlets import Bool, Dict, Float, Unicode

from tpc_hub.engines import runtime
from tpc_hub.engines.identities import prepare_home

# Our packages that a person's server needs; exercises and their solutions stay out of sight.
PACKAGES = ("tpc_lab", "tpc_courses", "tpc_grader", "tpc_kernels")
# So often we look whether a server that is starting has ended.
ENDED_SECONDS = 0.2
# Commands that mean the server we fork.
_SINGLE_USER = (["jupyterhub-singleuser"], [sys.executable, "-m", "jupyterhub.singleuser"])


class ServerEnded(HTTPError):
    """A server ended while it was starting; the hub shows the person what `jupyterhub_message` says."""

    def __init__(self, ending: Ending) -> None:
        how = {
            "full": "your home holds far more than it may. Ask your instructor: the operator has to remove files",
            "oom": "it needed more memory than it may use. Start it again",
            "failed": "it could not be kept apart from others. Ask your instructor: the log of your server says why",
        }.get(
            ending.kind,
            f"it ended with code {ending.exit_code}. Start it again; if that does not help, ask your instructor: "
            "the log of your server says why",
        )
        self.jupyterhub_message = f"Your server did not start: {how}."
        super().__init__(500, self.jupyterhub_message)


class BoxSpawner(LocalProcessSpawner):
    """Starts a server in a box; stop, poll and state are those of JupyterHub's local spawner."""

    homes = Unicode(config=True, help="Folder of all homes.")
    runtime = Unicode(config=True, help="Folder of sockets.")
    logs = Unicode(config=True, help="Folder of one log per person.")
    visible = Unicode(config=True, help="More read-only paths for servers, separated by `:`.")
    campus_port = Unicode(config=True, help="Port of the campus service, which servers may reach.")
    preloaded = Bool(True, config=True, help="Fork from a preloaded process.")
    share_network = Bool(False, config=True, help="Give servers the machine's network.")
    box_limits = Dict(config=True, help="Limits of a box, as tpc_kernels.box.limits.Limits names them.")
    tmp_gib = Float(0.5, config=True, help="Size of /tmp.")
    base_environment = Dict(config=True, help="Environment of the preloaded process.")

    forked: Forked | None = None
    started: float = 0.0
    _warned = False

    async def start(self) -> tuple[str, int]:
        """Start the server; returns where the proxy reaches it."""
        visible = [path for path in self.visible.split(":") if path and os.path.exists(path)]
        await asyncio.to_thread(_open_to_all, visible)
        home = await asyncio.to_thread(prepare_home, Path(self.homes), self.user.escaped_name)
        outer = socket.create_server(("127.0.0.1", 0), backlog=128)
        inner = self._inner_socket()
        self.port = outer.getsockname()[1]
        order = self._order(home, visible)
        log_path = Path(self.logs) / f"{self.user.escaped_name}.log"
        _make_room(log_path)
        with outer, inner, open(os.devnull, "rb") as nothing, open(log_path, "ab") as log:
            files = (nothing.fileno(), log.fileno(), log.fileno())
            front = (outer.fileno(), inner.fileno())
            self.forked = await asyncio.to_thread(self._fork, order, files, front)
        self.pid = self.forked.pid
        self.started = _creation_time(self.pid)
        if self.server is not None:  # as in every hub
            await self._until_it_answers()
        return "127.0.0.1", self.port

    async def _until_it_answers(self) -> None:
        """Wait until the server can be used; raises ServerEnded when it ends instead, which the hub would not see."""
        assert self.forked is not None
        address = f"http://127.0.0.1:{self.port}{self.server.base_url}api"
        answer = asyncio.ensure_future(wait_for_http_server(address, self.http_timeout))
        try:
            while not answer.done():
                await asyncio.wait({answer}, timeout=ENDED_SECONDS)
                ending = self.forked.poll()
                if ending is not None and ending.kind != "lost":
                    self.log.error("The server of %s ended while it started: %s", self._log_name, ending)
                    raise ServerEnded(ending)
            await answer
        finally:
            answer.cancel()

    async def poll(self) -> int | None:
        """Return None while the server runs, else its exit code; 0 when only the hub's note of it is left."""
        if self.forked is not None:
            ending = self.forked.poll()
            if ending is None:
                return None
            if ending.kind != "lost":
                self.clear_state()
                return _exit_code(ending)
            self.forked = None  # the forkserver is gone; the server lives on under its keeper
        if self.pid and _creation_time(self.pid) == self.started:
            return None
        self.clear_state()
        return 0

    def get_state(self) -> dict[str, Any]:
        """Return what finds the server again after the hub's restart."""
        return super().get_state() | ({"started": self.started} if self.pid else {})

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `get_state` returned."""
        super().load_state(state)
        self.started = state.get("started", 0.0)
        if self.pid and not self._is_ours():
            self.clear_state()  # the state folder is a copy, and the server another campus's

    def _is_ours(self) -> bool:
        try:
            instance = psutil.Process(self.pid).environ().get("CAMPUS_INSTANCE")
        except psutil.Error:
            return False
        return bool(instance == self.base_environment.get("CAMPUS_INSTANCE"))

    def clear_state(self) -> None:
        """Forget the server."""
        super().clear_state()
        self.started = 0.0  # how it ended is kept: the hub may ask again

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        """Add the surroundings inside the box."""
        return env | {
            "USER": self.user.name,
            "HOME": runtime.HOME,
            "SHELL": "/bin/bash",
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "JUPYTER_RUNTIME_DIR": "/run/jupyter",
            "JUPYTER_DEFAULT_PROVISIONER_NAME": runtime.PROVISIONER,
            SOCKET_VARIABLE: SOCKET,
        }

    async def move_certs(self, paths: dict[str, str]) -> dict[str, str]:
        """Leave certificates where they are: inside the machine nothing is encrypted."""
        return paths

    def _order(self, home: Path, visible: list[str]) -> Order:
        name = hashlib.sha256(self._log_name.encode()).hexdigest()[:12]
        box = Box(
            name=f"server-{name}",
            uid=home.stat().st_uid,
            user=self.user.escaped_name,
            home=runtime.HOME,
            read_only=tuple(dict.fromkeys([*software(), *_packages(), *visible])),
            writable=((str(home), runtime.HOME),),
            tmp_bytes=int(self.tmp_gib * 2**30),
            reachable_ports=(self.hub.port, int(self.campus_port)),
            share_network=self.share_network,
            limits=Limits(**self.box_limits),
        )
        environment = self.get_env()
        target, arguments = self._program(environment)
        return Order(target, arguments, environment=environment, box=box, front=True, logged=True)

    def _program(self, environment: dict[str, str]) -> tuple[str, dict[str, Any]]:
        """Return what runs in the box: the forked single-user server, or `Spawner.cmd` as a new process."""
        if list(self.cmd) in _SINGLE_USER and can_fork_server(environment):
            return "tpc_kernels.jupyter.server:serve_person", {"arguments": self.get_args()}
        if self.share_network:
            raise ValueError(f"Spawner.cmd {self.cmd} needs a network of its own: set share_network = false")
        environment.pop(SOCKET_VARIABLE)  # nobody serves there
        command = [*self.cmd, *self.get_args()]
        return "tpc_kernels.jupyter.command:serve_command", {"command": command, "port": self.port}

    def _fork(self, order: Order, files: tuple[int, ...], front: tuple[int, int]) -> Forked:
        """Fork from the preloaded process; without one, start the same box from nothing."""
        environment = dict(self.base_environment)
        path = Path(self.runtime) / "forkserver.sock"
        try:
            if not self.preloaded:
                raise NoForkserver("preloading is switched off")
            ensure(path, runtime.preloads(), environment, Path(self.logs) / "forkserver.log")
            return fork(path, order, files, front)
        except (NoForkserver, OSError) as e:
            if not BoxSpawner._warned:
                self.log.warning("Servers start slowly, each from nothing: %s", e)
            BoxSpawner._warned = True
        return run_alone(order, files, front, environment)

    def _inner_socket(self) -> socket.socket:
        """Return the socket that the server accepts from: a path that no box can see."""
        name = hashlib.sha256(self._log_name.encode()).hexdigest()[:16]
        path = Path(self.runtime) / f"{name}.sock"
        path.unlink(missing_ok=True)
        inner = socket.socket(socket.AF_UNIX)
        inner.bind(str(path))
        inner.listen(128)
        return inner


@cache
def _packages() -> list[str]:
    found = [importlib.util.find_spec(name) for name in PACKAGES]
    return [folder for spec in found if spec for folder in spec.submodule_search_locations or ()]


def _make_room(log: Path) -> None:
    """Begin a new log when the old one has grown large; one old one is kept."""
    if log.exists() and log.stat().st_size > MOST_BYTES:
        log.replace(log.with_suffix(".old"))


def _open_to_all(paths: Iterable[str]) -> None:
    """Let every identity read what all servers are shown; the operator's umask closed it."""
    for path in paths:
        for each in (Path(path), *Path(path).rglob("*")):
            mode = 0o755 if each.is_dir() else 0o644
            if each.stat().st_mode & 0o777 != mode:
                each.chmod(mode)


def _exit_code(ending: Ending) -> int:
    """Return the code as JupyterHub knows it: negative for a signal, also when the box's first process told it."""
    code = ending.exit_code
    return code if ending.kind == "oom" or not 128 < code < 128 + signal.NSIG else 128 - code


def _creation_time(pid: int) -> float:
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return 0.0
