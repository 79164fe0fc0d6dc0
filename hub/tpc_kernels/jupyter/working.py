"""What works in a person's server: kernels that compute, programs in terminals and in the background.

No message is needed for that: a silent cell works, and so does a silent program. A kernel or program that says
nothing of itself (a thread, a job sent to the background) works when it takes processor time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psutil

from tpc_kernels.jupyter.server import SOCKET, SOCKET_VARIABLE

# This much of a processor is work; a kernel at rest takes less than a hundredth.
WORKING_SHARE = 0.05
LONGEST_NAME = 80
_SHELLS = {"bash", "dash", "fish", "ksh", "sh", "tcsh", "zsh"}


@dataclass(frozen=True)
class Work:
    """Something that runs, and since when (seconds of `time.time`)."""

    what: str
    since: float


class Lookout:
    """Looks at a Jupyter server again and again, and remembers since when each thing has worked."""

    def __init__(self, app: Any) -> None:
        self.kernels, self.sessions = app.kernel_manager, app.session_manager
        self.settings = app.web_app.settings
        self.worked = time.time()
        self._since = dict[str, float]()
        self._taken = dict[int, tuple[float, float]]()

    async def look(self) -> list[Work]:
        """Return what works now; `worked` is then the last moment at which something did."""
        notebooks = {each["kernel"]["id"]: each["path"] for each in await self.sessions.list_sessions()}
        now, shares, found, known = time.time(), self._shares(), dict[str, float](), set[int]()
        for key in self.kernels.list_kernel_ids():
            kernel = self.kernels.get_kernel(key)
            pid = getattr(kernel.provisioner, "pid", None)
            tree = _tree(pid)
            known |= {each.pid for each in tree}
            said = kernel.last_activity.timestamp()
            self.worked = max(self.worked, said)
            if kernel.execution_state == "busy" or _share(shares, tree) >= WORKING_SHARE:
                found[notebooks.get(key) or "a kernel without a notebook"] = said
        for name, terminal in self._terminals().items():
            tree = _tree(terminal.ptyproc.pid)
            known |= {each.pid for each in tree}
            self.worked = max(self.worked, terminal.last_activity.timestamp())
            program = _program(tree, terminal.ptyproc.fd)
            if program or _share(shares, tree) >= WORKING_SHARE:
                found[f"Terminal {name}: {program or 'the shell'}"] = now
        for each in _all_processes():
            if each.pid not in known and shares.get(each.pid, 0) >= WORKING_SHARE:
                found[f"In the background: {_command(each)}"] = now
        return self._noted(found, now)

    def _noted(self, found: dict[str, float], now: float) -> list[Work]:
        self._since = {
            what[:LONGEST_NAME]: self._since.get(what[:LONGEST_NAME], at) for what, at in found.items()
        }
        if found:
            self.worked = now
        return [Work(what, since) for what, since in self._since.items()]

    def _terminals(self) -> dict[str, Any]:
        manager = self.settings.get("terminal_manager")
        return manager.terminals if manager else {}

    def _shares(self) -> dict[int, float]:
        """Return process -> the share of a processor that it took since the last look."""
        before, now = self._taken, time.monotonic()
        self._taken = {each.pid: (now, _seconds(each)) for each in _all_processes()}
        return {
            pid: (taken - before[pid][1]) / max(now - before[pid][0], 1e-3)
            for pid, (_, taken) in self._taken.items()
            if pid in before
        }


def _all_processes() -> Iterable[psutil.Process]:
    """Return the processes of this server without itself: those of its box, else those that it started."""
    own = os.getpid()
    if os.environ.get(SOCKET_VARIABLE) != SOCKET:
        return psutil.Process(own).children(recursive=True)
    return [each for each in psutil.process_iter() if each.pid not in (1, own)]


def _tree(pid: int | None) -> list[psutil.Process]:
    """Return a process and what it started, as far as it runs."""
    try:
        first = psutil.Process(pid)
        return [each for each in (first, *first.children(recursive=True)) if _runs(each)] if pid else []
    except psutil.Error:
        return []


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _program(tree: list[psutil.Process], terminal: int) -> str:
    """Return what runs in a terminal, the program in front first; empty while its shell waits for a command."""
    try:
        front = os.tcgetpgrp(terminal)
    except OSError:
        front = 0
    programs = [each for i, each in enumerate(tree) if i > 0 or not _is_shell(each)]
    return next(map(_command, sorted(programs, key=lambda each: each.pid != front)), "")


def _is_shell(process: psutil.Process) -> bool:
    try:
        return process.name() in _SHELLS
    except psutil.Error:
        return True


def _command(process: psutil.Process) -> str:
    try:
        program, *arguments = process.cmdline() or [process.name()]
    except psutil.Error:
        return "a program"
    return " ".join([os.path.basename(program), *arguments])


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def _share(shares: dict[int, float], tree: list[psutil.Process]) -> float:
    return sum(shares.get(each.pid, 0) for each in tree)
