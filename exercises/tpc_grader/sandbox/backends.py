"""Starts the confined processes of a grading job, by the strongest means that this machine has.

box    forked from a preloaded process into a box of `tpc_kernels`: 35 ms, numpy and JAX already imported
none   a plain process with resource limits; only where no box can be built and the operator trusts everyone
fork   a fork of this process, unconfined: for the code of an exercise's author, who runs it themselves (`trial`)
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from tpc_kernels.forkserver.client import Ending, NoForkserver
from tpc_kernels.forkserver.probe import probe

from tpc_grader.results.results import InfrastructureFault
from tpc_grader.sandbox.boxed import start_boxed
from tpc_grader.sandbox.forked import start_forked
from tpc_grader.sandbox.limits import Limits
from tpc_grader.sandbox.plain import start_plain

Backend = Literal["box", "none", "fork"]
Role = Literal["runner", "oracle"]
# What a job of each role runs.
_MODULES: dict[Role, str] = {"runner": "tpc_grader.inside.runner", "oracle": "tpc_grader.oracle.tests"}
TRUST_VARIABLE = "CAMPUS_TRUST_EVERYONE"


class Unconfined(InfrastructureFault):
    """Nothing here can confine a student's code, so none is run."""


class Process(Protocol):
    """A confined process."""

    def interrupt(self) -> None:
        """Do what Ctrl-C does."""

    def end(self) -> None:
        """Kill it and all that it started."""

    def wait(self, timeout: float) -> Ending:
        """Wait for its end; kill it after `timeout` seconds."""


Starter = Callable[[str, Limits, tuple[int, ...]], Process]


@dataclass(frozen=True)
class Started:
    """A process that was started: how to talk to it, and the file of its standard error, in memory."""

    process: Process
    end: socket.socket
    complaints: int


def confines() -> bool:
    """Return whether a student's code can be confined on this machine."""
    return probe().confined


def chosen() -> Backend:
    """Return the backend to grade with; raises Unconfined when nothing confines and nobody opted in."""
    if confines():
        return "box"
    if trusted():
        return "none"
    raise Unconfined(
        f"Nothing here can confine a student's code ({probe().reason}), so nothing is graded. Run as root or allow "
        f"user namespaces; or, where students are trusted like yourself, set {TRUST_VARIABLE}=1."
    )


def describe() -> str:
    """Return in one line how submissions are confined here, or that none is graded."""
    try:
        backend = chosen()
    except Unconfined as e:
        return str(e)
    if backend == "none":
        return "NOT confined: students' code runs as you, because everyone is trusted here"
    found = probe()
    return f"in boxes without a network; memory: {found.memory}, processes: {found.processes}"


def trusted() -> bool:
    """Return whether the operator runs students' code unconfined where nothing confines it."""
    return os.environ.get(TRUST_VARIABLE, "").lower() in ("1", "true", "yes")


def start(backend: Backend, role: Role, limits: Limits) -> Started:
    """Start a process in a role; raises InfrastructureFault when it cannot be started."""
    ours, theirs = socket.socketpair()
    # A pipe would fill up, and then hold whoever writes. The limit on files bounds this one.
    complaints = os.memfd_create("complaints", os.MFD_CLOEXEC)
    try:
        with theirs, open(os.devnull, "r+b", buffering=0) as silence:
            files = (silence.fileno(), silence.fileno(), complaints, theirs.fileno())
            process = _STARTERS[backend](_MODULES[role], limits, files)
    except (NoForkserver, OSError, subprocess.SubprocessError) as e:
        ours.close()
        os.close(complaints)
        raise InfrastructureFault(f"The sandbox ({backend}) could not start: {e}") from e
    return Started(process, ours, complaints)


_STARTERS: dict[Backend, Starter] = {"box": start_boxed, "none": start_plain, "fork": start_forked}
