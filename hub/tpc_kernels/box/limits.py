"""Limits of a box: control groups (v2 or v1) where they can be written, resource limits everywhere."""

from __future__ import annotations

import contextlib
import os
import resource
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = "tpc-campus"
_ROOT = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Limits:
    """What a box may use; 0 means no limit."""

    memory_bytes: int = 0
    processes: int = 0
    cpus: float = 0
    cpu_seconds: int = 0
    file_bytes: int = 0
    home_bytes: int = 0  # all that lies in the writable folders; kept by `tpc_kernels.box.quota`
    open_files: int = 1024

    def apply_to_process(self) -> None:
        """Set resource limits for this process and its children; they hold without control groups too."""
        chosen = [
            (resource.RLIMIT_CORE, 0, True),
            (resource.RLIMIT_NOFILE, self.open_files, self.open_files > 0),
            (resource.RLIMIT_FSIZE, self.file_bytes, self.file_bytes > 0),
            (resource.RLIMIT_CPU, self.cpu_seconds, self.cpu_seconds > 0),
            (resource.RLIMIT_NPROC, self.processes, self.processes > 0),
            # Data, not address space: JAX reserves much more than it uses.
            (resource.RLIMIT_DATA, self.memory_bytes, self.memory_bytes > 0 and not Group.kinds()["memory"]),
        ]
        for kind, value, wanted in chosen:
            if wanted:
                # The operator's own limit may be lower, and nobody can go above it.
                _, most = resource.getrlimit(kind)
                value = value if most == resource.RLIM_INFINITY else min(value, most)
                resource.setrlimit(kind, (value, value))


class Group:
    """The control group of one box."""

    def __init__(self, name: str, limits: Limits) -> None:
        self.name = name
        self.folders: dict[str, Path] = {}
        for controller, parent in _writable_controllers().items():
            folder = parent / name
            folder.mkdir(exist_ok=True)
            self.folders[controller] = folder
        self._set(limits)

    @staticmethod
    def kinds() -> dict[str, bool]:
        """Return which of memory, pids and cpu a control group can limit here."""
        return {name: name in _writable_controllers() for name in ("memory", "pids", "cpu")}

    def add(self, pid: int) -> None:
        """Put a process, and so its future children, under the limits."""
        for folder in set(self.folders.values()):
            (folder / "cgroup.procs").write_text(str(pid))

    def ran_out_of_memory(self) -> bool:
        """Return whether the kernel killed a process of the group for memory."""
        folder = self.folders.get("memory")
        if folder is None:
            return False
        text = ""
        for name in ("memory.events", "memory.oom_control"):
            with contextlib.suppress(OSError):
                text += (folder / name).read_text()
        return any(line.startswith("oom_kill ") and line.split()[1] != "0" for line in text.splitlines())

    def cpu_seconds(self) -> float | None:
        """Return the processor time that the group has used; None where it is not counted."""
        with contextlib.suppress(KeyError, OSError):
            return int((self.folders["cpuacct"] / "cpuacct.usage").read_text()) / 1e9
        with contextlib.suppress(KeyError, OSError):
            words = (self.folders["cpu"] / "cpu.stat").read_text().split()
            if "usage_usec" in words:
                return int(words[words.index("usage_usec") + 1]) / 1e6
        return None

    def set_cpu_share(self, percent: int) -> None:
        """Set the share of a short processor, in hundredths of what a group has by default."""
        if "cpu" in self.folders:
            self._write("cpu", ("cpu.weight",), str(percent))
            self._write("cpu", ("cpu.shares",), str(1024 * percent // 100))

    def _set(self, limits: Limits) -> None:
        if limits.memory_bytes and "memory" in self.folders:
            self._write("memory", ("memory.max", "memory.limit_in_bytes"), str(limits.memory_bytes))
            # Swap would turn a clear refusal into a machine that crawls.
            self._write("memory", ("memory.swap.max",), "0")
            self._write("memory", ("memory.memsw.limit_in_bytes",), str(limits.memory_bytes))
        if limits.processes and "pids" in self.folders:
            self._write("pids", ("pids.max",), str(limits.processes))
        if limits.cpus and "cpu" in self.folders:
            quota = int(limits.cpus * 100_000)
            self._write("cpu", ("cpu.max",), f"{quota} 100000")
            self._write("cpu", ("cpu.cfs_quota_us",), str(quota))

    def _write(self, controller: str, names: tuple[str, ...], value: str) -> None:
        for name in names:
            path = self.folders[controller] / name
            if path.exists():
                path.write_text(value)


def remove_group(name: str) -> bool:
    """Remove the control group of a box; returns whether it is gone. One with processes stays."""
    for folder in {parent / name for parent in _writable_controllers().values()}:
        with contextlib.suppress(FileNotFoundError):
            try:
                folder.rmdir()
            except OSError:
                return False
    return True


@cache
def _writable_controllers() -> dict[str, Path]:
    """Return controller: the folder in which we may make groups. Found by trying, once."""
    found = {}
    for controller, parent in _candidates().items():
        folder = parent / FOLDER
        probe = folder / f"probe-{os.getpid()}"
        with contextlib.suppress(OSError):
            folder.mkdir(exist_ok=True)
            _delegate(folder)
            probe.mkdir()
            if any(probe.glob(f"{controller}.*")):
                found[controller] = folder
            probe.rmdir()
    return found


def _candidates() -> dict[str, Path]:
    """Return controller: our own group's folder, in whichever hierarchy has that controller."""
    found: dict[str, Path] = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0":
            root = _ROOT / "unified" if (_ROOT / "unified").exists() else _ROOT
            # A v2 group with processes cannot hand controllers on, so ours lies beside it.
            parent = root / path.lstrip("/") if path == "/" else (root / path.lstrip("/")).parent
            names = _words(parent / "cgroup.controllers")
            found |= {name: parent for name in ("memory", "pids", "cpu") if name in names}
            continue
        for name in set(controllers.split(",")) & {"memory", "pids", "cpu", "cpuacct"}:
            found[name] = _ROOT / controllers / path.lstrip("/")
    return found


def _delegate(folder: Path) -> None:
    """Hand the v2 controllers on to the groups below; v1 needs no such step."""
    control = folder / "cgroup.subtree_control"
    if control.exists():
        for at in (folder.parent, folder):
            for name in ("memory", "pids", "cpu"):
                with contextlib.suppress(OSError):
                    (at / "cgroup.subtree_control").write_text(f"+{name}")


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []
