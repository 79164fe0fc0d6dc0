"""A grading job that is an unconfined process of our own, where everyone is trusted."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace

from tpc_kernels.forkserver.client import Ending

from tpc_grader.sandbox.environment import environment
from tpc_grader.sandbox.limits import Limits
from tpc_grader.values.seeding import HASH_SEED


class Plain:
    """A process of our own, leader of its group, in a folder that goes with it."""

    def __init__(self, popen: subprocess.Popen[bytes], folder: str) -> None:
        self.popen, self.folder = popen, folder
        self.ending: Ending | None = None

    def interrupt(self) -> None:
        """Do what Ctrl-C does."""
        self._signal(os.kill, signal.SIGINT)

    def end(self) -> None:
        """Kill it, and what is left of its group."""
        self._signal(os.killpg, signal.SIGKILL)

    def wait(self, timeout: float) -> Ending:
        """Wait for its end; kill it after `timeout` seconds."""
        if self.ending is None:
            self.ending = self._ending(timeout)
            shutil.rmtree(self.folder, ignore_errors=True)
        return self.ending

    def _ending(self, timeout: float) -> Ending:
        try:
            code = self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.end()
            self.popen.wait()
            return Ending("timeout", int(signal.SIGKILL))
        self.end()
        return Ending("signalled", -code) if code < 0 else Ending("exited", code)

    def _signal(self, send: Callable[[int, int], None], number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            send(self.popen.pid, number)


def start_plain(module: str, limits: Limits, files: tuple[int, ...]) -> Plain:
    """Start a job that is a module of this package, with these descriptors as 0, 1, 2 and 3."""
    # Without an identity of its own its processes would count together with all of the operator's.
    own = replace(limits.of_processes(), processes=0)

    def prepare() -> None:
        for number, each in enumerate([fcntl.fcntl(each, fcntl.F_DUPFD, 50) for each in files]):
            os.dup2(each, number)
        os.closerange(4, 100)
        own.apply_to_process()

    # What one leaves behind, modules above all, the next must not find.
    folder = tempfile.mkdtemp(prefix="grade-")
    command = [sys.executable, "-P", "-m", module]
    return Plain(
        subprocess.Popen(
            command,
            env=environment() | HASH_SEED,
            cwd=folder,
            close_fds=False,
            preexec_fn=prepare,
            start_new_session=True,
        ),
        folder,
    )
