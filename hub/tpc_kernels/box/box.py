"""A box: what one confined process tree sees and may use, and how its first process gets into it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tpc_kernels.box.limits import Limits
from tpc_kernels.linux import calls as linux
from tpc_kernels.linux import seccomp

# Read-only from the machine: programs, libraries, and the settings a Python process reads.
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/opt/nvidia")
SETTINGS = (
    "/etc/alternatives", "/etc/ca-certificates", "/etc/fonts", "/etc/host.conf", "/etc/ld.so.cache",
    "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime", "/etc/mime.types", "/etc/nsswitch.conf",
    "/etc/ssl", "/etc/timezone", "/sys/devices/system/cpu",
)  # fmt: skip
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_SAFE = linux.NO_SUID | linux.NO_DEVICES


@dataclass(frozen=True)
class Box:
    """What a confined process tree sees and may use. All paths are absolute."""

    name: str
    # Its identity when we are root; a normal user keeps the own uid inside a user namespace.
    uid: int | None = None
    # Software and data, shown read-only at their own paths.
    read_only: tuple[str, ...] = ()
    # (path outside, path inside), writable.
    writable: tuple[tuple[str, str], ...] = ()
    home: str = "/tmp"
    user: str = "student"
    tmp_bytes: int = 512 * 2**20
    # Loopback ports of the machine that the box may reach; everything else on any network is out of reach.
    reachable_ports: tuple[int, ...] = ()
    # Share the machine's network instead of having an own one: weaker, said by the doctor.
    share_network: bool = False
    limits: Limits = field(default_factory=Limits)

    def to_json(self) -> dict[str, object]:
        """Return plain data that `from_json` reads."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, object]) -> Box:
        """Return the box described by plain data."""
        fields: dict[str, object] = dict(data)
        for name in ("read_only", "reachable_ports"):
            fields[name] = tuple(fields.get(name) or ())  # type: ignore[arg-type]
        fields["writable"] = tuple((a, b) for a, b in fields.get("writable") or ())  # type: ignore[attr-defined]
        fields["limits"] = Limits(**(fields.get("limits") or {}))  # type: ignore[arg-type]
        return cls(**fields)  # type: ignore[arg-type]


def software() -> tuple[str, ...]:
    """Return the folders this interpreter needs: its environment and the Python below it."""
    return tuple(sorted({os.path.realpath(sys.prefix), sys.prefix, sys.base_prefix}))


def open_doors(box: Box) -> list[socket.socket]:
    """Make the namespaces of the box for this process; returns the sockets that lead out, to be relayed.

    Each listens on 127.0.0.1 inside, at the number of the port outside that it stands for.
    """
    network = 0 if box.share_network else linux.NEW_NETWORK
    linux.unshare(linux.NEW_MOUNTS | linux.NEW_IPC | linux.NEW_HOSTNAME | linux.NEW_CGROUP | network)
    socket.sethostname("campus")
    if box.share_network:
        return []
    linux.raise_loopback()
    return [socket.create_server(("127.0.0.1", port), backlog=64) for port in box.reachable_ports]


def close_in(box: Box, as_root: bool) -> None:
    """Show the box's files only, take its identity, and give up every way back. Irreversible."""
    _build_view(box)
    if as_root and not box.uid:
        raise PermissionError(f"box {box.name}: started by root, it needs an identity other than root's")
    give_up_rights(box.limits, box.uid if as_root else None)
    os.chdir(box.home)


def give_up_rights(limits: Limits, uid: int | None) -> None:
    """Take an identity, if one is given, and give up all rights beyond it. Irreversible; raises OSError."""
    limits.apply_to_process()
    if uid is None:
        _drop_namespace_rights()
    else:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    if os.getuid() == 0:
        raise PermissionError("this process would stay root")
    linux.die_with_parent()
    linux.set_dumpable(True)  # the change of identity took it away, and Python reads /proc/self
    linux.forbid_new_privileges()
    if seccomp.available():
        seccomp.apply()
    os.umask(0o077)


def _drop_namespace_rights() -> None:
    """Give up what a user namespace granted us over the box: all capabilities, for good."""
    with contextlib.suppress(OSError):
        # No further user namespaces from inside.
        Path("/proc/sys/user/max_user_namespaces").write_text("0")
    for capability in range(64):
        linux.libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP; unknown numbers are refused, harmlessly
    header, none = (0x20080522).to_bytes(4, sys.byteorder) + bytes(4), bytes(24)
    linux._check(linux.libc.capset(header, none), "capset")


def _build_view(box: Box) -> None:
    """Build a new root on a small tmpfs and enter it."""
    linux.mount(None, "/", None, linux.RECURSIVE | linux.PRIVATE)
    os.umask(0o022)  # what leads to the files must be passable, whatever the operator's umask
    base = "/tmp"
    with contextlib.ExitStack() as stack:
        sources = {path: stack.enter_context(_held(path)) for path in _sources(box)}
        linux.mount("tmpfs", base, "tmpfs", _SAFE, "size=16m,mode=755")
        _tmpfs(base + "/tmp", box.tmp_bytes, "1777")
        _tmpfs(base + "/run", 2**20, "755", box.uid)
        for path in (*SYSTEM, *SETTINGS, *box.read_only):
            _show(path, base + path, sources)
        for outside, inside in box.writable:
            _bind(sources[outside], base + inside, writable=True)
        _accounts(box, base)
        _devices(base, box.tmp_bytes, sources)
        os.makedirs(base + "/proc")
        linux.mount("proc", base + "/proc", "proc", _SAFE | linux.NO_EXEC)
        os.makedirs(base + box.home, exist_ok=True)
        linux.mount(None, base, None, linux.REMOUNT | linux.BIND | linux.READ_ONLY | _SAFE)
        linux.change_root(base)


def _sources(box: Box) -> Iterator[str]:
    yield from (path for path in (*SYSTEM, *SETTINGS, *box.read_only) if os.path.exists(path))
    yield from (outside for outside, _ in box.writable)
    yield from (f"/dev/{name}" for name in DEVICES)


@contextlib.contextmanager
def _held(path: str) -> Iterator[int]:
    """Keep a file at hand while something else is mounted over its path."""
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _show(path: str, target: str, sources: dict[str, int]) -> None:
    """Show a path of the machine read-only; a link stays a link, and what is not there stays away."""
    if path in SYSTEM and os.path.islink(path):
        os.symlink(os.readlink(path), target)
    elif path in sources:
        _bind(sources[path], target, writable=False)


def _bind(source: int, target: str, writable: bool) -> None:
    held = f"/proc/self/fd/{source}"
    if os.path.isdir(held):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if not os.path.exists(target):
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY))
    linux.mount(held, target, None, linux.BIND | linux.RECURSIVE)
    for point in [target] if writable else _mounts_below(target):
        flags = linux.REMOUNT | linux.BIND | _SAFE | _locked_flags(point)
        linux.mount(None, point, None, flags | (0 if writable else linux.READ_ONLY))


def _mounts_below(target: str) -> list[str]:
    """Return the mount points at and below a path, which a recursive bind leaves writable."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        points = [line.split()[4].replace("\\040", " ") for line in file]
    return [point for point in dict.fromkeys(points) if point == target or point.startswith(target + "/")]


def _locked_flags(point: str) -> int:
    """Return the flags a mount already has; inside a user namespace a remount must repeat them."""
    found = os.statvfs(point).f_flag
    pairs = (
        (os.ST_NOEXEC, linux.NO_EXEC),
        (os.ST_NOATIME, linux.NO_ATIME),
        (os.ST_NODIRATIME, linux.NO_DIRATIME),
        (os.ST_RELATIME, linux.RELATIVE_ATIME),
        (os.ST_RDONLY, linux.READ_ONLY),
    )
    return sum(flag for bit, flag in pairs if found & bit)


def _tmpfs(target: str, size: int, mode: str, owner: int | None = None) -> None:
    os.makedirs(target, exist_ok=True)
    identity = f",uid={owner},gid={owner}" if owner is not None else ""
    # An inode takes about 1 KiB of kernel memory; the bound keeps empty files from taking all of it.
    inodes = max(1024, size // 16384)
    linux.mount("tmpfs", target, "tmpfs", _SAFE, f"size={size},nr_inodes={inodes},mode={mode}{identity}")


def _accounts(box: Box, base: str) -> None:
    """Name the identity, so that a shell and `whoami` work."""
    os.makedirs(base + "/etc", exist_ok=True)
    Path(base + "/etc/passwd").write_text(f"{box.user}:x:{box.uid}:{box.uid}::{box.home}:/bin/bash\n")
    Path(base + "/etc/group").write_text(f"{box.user}:x:{box.uid}:\n")
    Path(base + "/etc/hosts").write_text("127.0.0.1 localhost campus\n")
    Path(base + "/etc/resolv.conf").write_text("")
    for name in ("passwd", "group", "hosts", "resolv.conf"):
        os.chmod(f"{base}/etc/{name}", 0o644)


def _devices(base: str, shared_memory: int, sources: dict[str, int]) -> None:
    os.makedirs(base + "/dev/pts")
    for name in DEVICES:
        target = f"{base}/dev/{name}"
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY))
        linux.mount(f"/proc/self/fd/{sources[f'/dev/{name}']}", target, None, linux.BIND)
    linux.mount(
        "devpts", base + "/dev/pts", "devpts", linux.NO_SUID | linux.NO_EXEC, "newinstance,ptmxmode=0666"
    )
    os.symlink("pts/ptmx", base + "/dev/ptmx")
    for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        os.symlink(f"/proc/self/fd{target}", f"{base}/dev/{name}")
    _tmpfs(base + "/dev/shm", shared_memory, "1777")


def reset_signals() -> None:
    """Give every signal its default effect, as a new program expects."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
    # What Python itself sets at its start.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
