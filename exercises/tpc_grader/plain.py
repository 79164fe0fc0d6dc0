"""A grading job that is a process of our own: bubblewrap's, or an unconfined one where everyone is trusted."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from tpc_kernels.client import Ending
from tpc_kernels.keeper import OUT_OF_MEMORY
from tpc_kernels.limits import Group, remove_group
from tpc_kernels.limits import Limits as BoxLimits

from tpc_grader.limits import Limits
from tpc_grader.surroundings import children_of, environment

# The kernel takes a moment to end what is left in a process namespace.
EMPTY_SECONDS = 5.0


class Plain:
    """A process of our own, leader of its group, and perhaps under the limits of a control group."""

    def __init__(self, popen: subprocess.Popen[bytes], group: Group | None) -> None:
        self.popen, self.group = popen, group
        self.ending: Ending | None = None

    def interrupt(self) -> None:
        """Do what Ctrl-C does, to the Python that runs the code: bwrap itself would end at once."""
        for pid in _innermost(self.popen.pid):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGINT)

    def end(self) -> None:
        """Kill it, and what is left of its group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.popen.pid, signal.SIGKILL)

    def wait(self, timeout: float) -> Ending:
        """Wait for its end; kill it after `timeout` seconds."""
        if self.ending is None:
            self.ending = self._ending(timeout)
            if self.group is not None:
                _remove(self.group)
        return self.ending

    def _ending(self, timeout: float) -> Ending:
        try:
            code = self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.end()
            self.popen.wait()
            return Ending("timeout", int(signal.SIGKILL))
        self.end()
        if code != 0 and self.group is not None and self.group.ran_out_of_memory():
            return Ending("oom", OUT_OF_MEMORY)
        # bwrap tells of a signal as a shell does.
        number = -code if code < 0 else code - 128 if code > 128 else 0
        return Ending("signalled", number) if number else Ending("exited", code)


def start_plain(role: str, limits: Limits, files: tuple[int, ...]) -> Plain:
    """Start an unconfined job whose role is a module of this package, with these descriptors."""
    # Without an identity of its own its processes would count together with all of the operator's.
    own = replace(limits.of_processes(), processes=0)
    return run_plain([sys.executable, "-P", "-m", f"tpc_grader.{role}"], own, files, None)


def run_plain(
    command: list[str], own: BoxLimits | None, files: tuple[int, ...], group: Group | None
) -> Plain:
    """Run a command with these descriptors as 0, 1, 2, 3, under resource limits and in a control group, if given."""

    def prepare() -> None:
        for number, each in enumerate([fcntl.fcntl(each, fcntl.F_DUPFD, 50) for each in files]):
            os.dup2(each, number)
        os.closerange(4, 100)
        if group is not None:
            group.add(os.getpid())
        if own is not None:
            own.apply_to_process()

    process = subprocess.Popen(
        command, env=environment(), cwd="/tmp", close_fds=False, preexec_fn=prepare, start_new_session=True
    )
    return Plain(process, group)


def _remove(group: Group) -> None:
    deadline = time.monotonic() + EMPTY_SECONDS
    while not remove_group(group.name) and time.monotonic() < deadline:
        time.sleep(0.02)


def _innermost(pid: int) -> list[int]:
    """Return the first processes below bwrap's own, or the process itself."""
    try:
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return []
    return [each for child in children_of(pid) for each in _innermost(child)] if name == "bwrap" else [pid]
