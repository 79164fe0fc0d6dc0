"""Runs a grading job in a box of `tpc_kernels`, forked from a process in which numpy and JAX are imported already."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import signal
import sys

from tpc_kernels.box.box import Box, software
from tpc_kernels.box.order import Order
from tpc_kernels.forkserver.client import (
    Ending,
    Forked,
    NoForkserver,
    ensure,
    fork,
    run_alone,
    runtime_folder,
)

from tpc_grader.sandbox.environment import children_of, environment, fresh_uid, job_name, packages
from tpc_grader.sandbox.limits import Limits
from tpc_grader.values.seeding import HASH_SEED

PRELOADS = (
    "numpy", "jax", "jax.numpy", "optax", "scipy.stats", "scipy.optimize", "matplotlib.pyplot",
    "matplotlib_inline.backend_inline", "tpc_grader.oracle.preload",
)  # fmt: skip
IDLE_SECONDS = 900


class Boxed:
    """A process in a box, held by its keeper outside."""

    def __init__(self, forked: Forked) -> None:
        self.forked = forked

    def interrupt(self) -> None:
        """Do what Ctrl-C does."""
        self.forked.send_signal(signal.SIGINT)

    def end(self) -> None:
        """Kill the first process of the box, and with it the box: a keeper's death it could survive."""
        if self.forked.poll() is None:
            for pid in children_of(self.forked.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def wait(self, timeout: float) -> Ending:
        """Wait for its end; kill it after `timeout` seconds."""
        return self.forked.wait(timeout)


def start_boxed(module: str, limits: Limits, files: tuple[int, ...]) -> Boxed:
    """Start a job that is a module of this package, with these descriptors; raises NoForkserver."""
    box = Box(
        name=job_name(),
        uid=fresh_uid(),
        read_only=(*software(), *packages()),
        tmp_bytes=limits.tmp_bytes,
        limits=limits.of_processes(),
    )
    order = Order(f"{module}:serve", environment=environment(), box=box, tied=True)
    installed = _installed()
    around = environment() | HASH_SEED
    try:
        path = runtime_folder() / f"grading-{installed}.sock"
        ensure(path, PRELOADS, around, path.with_suffix(".log"), IDLE_SECONDS, gather=True)
        return Boxed(fork(path, order, files))
    except NoForkserver:
        return Boxed(run_alone(order, files, environment=around))


@functools.cache
def _installed() -> str:
    """Return a name for what is installed: two of one user, or an old and a new one, do not run each other's code."""
    files = (file.stat() for folder in packages() for file in os.scandir(folder) if file.name.endswith(".py"))
    newest = max(found.st_mtime_ns for found in files)
    return hashlib.sha256(repr((sys.executable, *packages(), newest)).encode()).hexdigest()[:12]
