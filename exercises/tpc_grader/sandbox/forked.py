"""A grading job that is a fork of this process: for an author's own code, which needs no box, in 10 ms."""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import os
import shutil
import signal
import sys
import tempfile
import time

from tpc_kernels.forkserver.client import Ending

from tpc_grader.sandbox.limits import Limits

_POLL_SECONDS = 0.002


class Forked:
    """A child of this process, leader of its group, in a folder that goes with it."""

    def __init__(self, pid: int, folder: str) -> None:
        self.pid, self.folder = pid, folder
        self.ending: Ending | None = None

    def interrupt(self) -> None:
        """Do what Ctrl-C does."""
        self._signal(signal.SIGINT)

    def end(self) -> None:
        """Kill it, and what is left of its group."""
        if self.ending is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def wait(self, timeout: float) -> Ending:
        """Wait for its end; kill it after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while self.ending is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                code = os.waitstatus_to_exitcode(status)
                self.ending = Ending("signalled", -code) if code < 0 else Ending("exited", code)
            elif time.monotonic() > deadline:
                self.end()
                os.waitpid(self.pid, 0)
                self.ending = Ending("timeout", int(signal.SIGKILL))
            else:
                time.sleep(_POLL_SECONDS)
        shutil.rmtree(self.folder, ignore_errors=True)
        return self.ending

    def _signal(self, number: int) -> None:
        if self.ending is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def start_forked(module: str, limits: Limits, files: tuple[int, ...]) -> Forked:
    """Start a job that is a module of this package, with these descriptors as 0, 1, 2 and 3."""
    # What a box is forked with; imported once, before the first fork. Its shell takes the place of `__main__`, at which
    # multiprocessing looks when it starts processes.
    main = sys.modules["__main__"]
    importlib.import_module("tpc_grader.oracle.preload")
    sys.modules["__main__"] = main
    serve = importlib.import_module(module).serve
    folder = tempfile.mkdtemp(prefix="try-")
    pid = os.fork()
    if pid:
        with contextlib.suppress(PermissionError, ProcessLookupError):
            os.setpgid(pid, pid)
        return Forked(pid, folder)
    code = 1
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number, each in enumerate([fcntl.fcntl(each, fcntl.F_DUPFD, 50) for each in files]):
            os.dup2(each, number)
        os.closerange(4, 1024)
        os.chdir(folder)
        code = serve()
    finally:
        os._exit(code)
