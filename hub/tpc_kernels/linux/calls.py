"""The few Linux calls that Python has no function for. Each raises OSError with what was tried."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from pathlib import Path

NEW_MOUNTS = 0x00020000
NEW_CGROUP = 0x02000000
NEW_HOSTNAME = 0x04000000
NEW_IPC = 0x08000000
NEW_USER = 0x10000000
NEW_PID = 0x20000000
NEW_NETWORK = 0x40000000

READ_ONLY, NO_SUID, NO_DEVICES, NO_EXEC = 1, 2, 4, 8
REMOUNT, BIND, RECURSIVE, PRIVATE = 32, 4096, 16384, 1 << 18
NO_ATIME, NO_DIRATIME, RELATIVE_ATIME = 1024, 2048, 1 << 21
_DETACH = 2
_COLLAPSE = 25

_SET_PARENT_DEATH_SIGNAL, _SET_DUMPABLE, _SET_NO_NEW_PRIVILEGES = 1, 4, 38
_SET_INTERFACE_FLAGS, _INTERFACE_UP = 0x8914, 1 | 64

libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Move this process (for NEW_PID: its next child) to new namespaces."""
    _check(libc.unshare(flags), f"unshare({flags:#x})")


def mount(source: str | None, target: str, kind: str | None = None, flags: int = 0, data: str = "") -> None:
    """Mount `source` at `target`; without `kind`, change or bind what is there."""
    arguments = (_text(source), _text(target), _text(kind), ctypes.c_ulong(flags), _text(data))
    _check(libc.mount(*arguments), f"mount {target}")


def change_root(new_root: str) -> None:
    """Make `new_root`, a mount point, the root of this mount namespace and drop the old one."""
    os.chdir(new_root)
    # With both arguments the same, the old root lies under the new one and can be detached at once.
    _check(libc.pivot_root(b".", b"."), f"pivot_root {new_root}")
    _check(libc.umount2(b".", _DETACH), "detach the old root")
    os.chdir("/")


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies. A change of identity undoes it: call it after."""
    _prctl(_SET_PARENT_DEATH_SIGNAL, 9)


def forbid_new_privileges() -> None:
    """Take the effect from set-user-id programs, for this process and its children."""
    _prctl(_SET_NO_NEW_PRIVILEGES, 1)


def set_dumpable(on: bool) -> None:
    """Say whether other processes of this user may look into this one."""
    _prctl(_SET_DUMPABLE, int(on))


def count_of_uids() -> int:
    """Return how many user ids there are here; in a container often 65536."""
    *_, count = Path("/proc/self/uid_map").read_text().splitlines()[-1].split()
    return min(int(count), 2**31)


def raise_loopback() -> None:
    """Switch on the loopback interface of a new network namespace."""
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, _SET_INTERFACE_FLAGS, struct.pack("16sh22x", b"lo", _INTERFACE_UP))


def collapse(address: int, length: int) -> bool:
    """Put pages of this process together in large ones; returns whether the kernel did, since Linux 6.1."""
    return bool(libc.madvise(ctypes.c_void_p(address), ctypes.c_size_t(length), _COLLAPSE) == 0)


def _prctl(option: int, value: int) -> None:
    zero = ctypes.c_ulong(0)
    _check(libc.prctl(option, ctypes.c_ulong(value), zero, zero, zero), f"prctl({option})")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _text(value: str | None) -> bytes | None:
    return None if value is None else os.fsencode(value)
