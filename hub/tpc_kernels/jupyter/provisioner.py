"""A kernel provisioner for jupyter_client: kernels forked from a preloaded process, else started as usual.

Registered as `tpc-fork-provisioner`. Any Jupyter client uses it by naming it in a kernelspec
(`metadata.kernel_provisioner.provisioner_name`) or in JUPYTER_DEFAULT_PROVISIONER_NAME.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from tpc_kernels.box.order import Order
from tpc_kernels.forkserver.client import Forked, NoForkserver, ensure, fork, runtime_folder
from tpc_kernels.jupyter.server import KERNEL_MODULES, PRELOAD_ENVIRONMENT, SOCKET_VARIABLE, kernel_order

# A forkserver that a client started for itself goes away when nobody uses it.
IDLE_SECONDS = 600
LISTENING_SECONDS = 5


class ForkedProcess:
    """A forked process, with the part of `subprocess.Popen` that a provisioner uses."""

    stdin = stdout = stderr = None

    def __init__(self, forked: Forked) -> None:
        self.forked = forked
        self.pid = forked.pid

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal, or None while it runs."""
        ending = self.forked.poll()
        return None if ending is None else ending.exit_code

    def wait(self) -> int:
        """Wait for the exit code."""
        return self.forked.wait().exit_code

    def send_signal(self, number: int) -> None:
        """Send a signal."""
        self.forked.send_signal(number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


class ForkProvisioner(LocalProvisioner):
    """Forks kernels of this Python; whatever it cannot fork starts as a new process."""

    _warned = False

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Launch the kernel and return its connection information."""
        streams = [kwargs.get(name) for name in ("stdin", "stdout", "stderr")]
        environment = kwargs.get("env") or dict(os.environ)
        tied = not kwargs.get("independent", False)
        order = kernel_order(cmd, environment, kwargs.get("cwd") or os.getcwd(), tied)
        if (
            order is None
            or _has_own_path(environment)
            or not all(each is None or (isinstance(each, int) and each >= 0) for each in streams)
        ):
            return await super().launch_kernel(cmd, **kwargs)
        files = [number if each is None else each for number, each in enumerate(streams)]
        try:
            process = ForkedProcess(await asyncio.to_thread(_fork, order, files))
        except (NoForkserver, OSError) as e:
            self._warn(e)
            return await super().launch_kernel(cmd, **kwargs)
        self.process = process  # type: ignore[assignment]
        self.pid = self.pgid = process.pid  # the child leads a session of its own
        await self._until_reachable(process)
        return self.connection_info

    async def _until_reachable(self, process: ForkedProcess) -> None:
        """Wait until the kernel listens: who connects before is refused, and ZeroMQ tries again 0.1 to 0.5 s later."""
        deadline = time.monotonic() + LISTENING_SECONDS
        while not _listens(self.connection_info) and process.poll() is None and time.monotonic() < deadline:
            await asyncio.sleep(0.004)

    def _warn(self, error: Exception) -> None:
        """Say once per process that kernels start slowly."""
        level = logging.DEBUG if ForkProvisioner._warned else logging.WARNING
        self.log.log(level, "Kernels start slowly, as new processes: %s", error)
        ForkProvisioner._warned = True


def _listens(kernel: KernelConnectionInfo) -> bool:
    """Return whether a kernel accepts connections on the last of the channels that a client connects to."""
    ip, port = str(kernel["ip"]), int(kernel["iopub_port"])
    if kernel["transport"] == "ipc":
        return os.path.exists(f"{ip}-{port}")
    with socket.socket() as probe:
        return probe.connect_ex((ip, port)) == 0


def _has_own_path(environment: dict[str, str]) -> bool:
    """Return whether a kernel finds modules where the forkserver it would be given to does not look."""
    return SOCKET_VARIABLE in os.environ and bool(environment.get("PYTHONPATH"))


def _fork(order: Order, files: list[int]) -> Forked:
    return fork(_forkserver(order.environment), order, files)


def _forkserver(environment: dict[str, str]) -> Path:
    """Return the socket of the box's own forkserver; outside a box, of one for this user, started if needed."""
    given = os.environ.get(SOCKET_VARIABLE)
    if given:
        return Path(given)
    folder = runtime_folder()
    names = ("PATH", "HOME", "LANG", "PYTHONPATH")
    kept = {name: environment[name] for name in names if name in environment}
    # One for each interpreter and surroundings: modules are found, and settings read, at their import.
    digest = hashlib.sha256(repr((sys.executable, sorted(kept.items()))).encode()).hexdigest()[:12]
    path = folder / f"kernels-{digest}.sock"
    ensure(path, KERNEL_MODULES, kept | PRELOAD_ENVIRONMENT, path.with_suffix(".log"), IDLE_SECONDS)
    return path
