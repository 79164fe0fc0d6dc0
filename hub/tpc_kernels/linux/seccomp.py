"""A filter of system calls that no lesson needs and that most kernel exploits start from.

It is a list of refusals (EPERM), not of permissions: Python, JAX and a shell work unchanged.
The numbers are those of the kernel's own tables for the two architectures we know.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import resource
import socket
import struct
from dataclasses import dataclass

from tpc_kernels.linux import calls as linux

_X86_64 = {
    "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "add_key": 248, "request_key": 249,
    "keyctl": 250, "bpf": 321, "userfaultfd": 323, "perf_event_open": 298, "io_uring_setup": 425,
    "io_uring_enter": 426, "io_uring_register": 427, "mount": 165, "umount2": 166, "pivot_root": 155,
    "chroot": 161, "unshare": 272, "setns": 308, "open_by_handle_at": 304, "open_tree": 428,
    "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "mount_setattr": 442,
    "kexec_load": 246, "kexec_file_load": 320, "init_module": 175, "finit_module": 313,
    "delete_module": 176, "swapon": 167, "swapoff": 168, "reboot": 169, "acct": 163, "quotactl": 179,
    "pidfd_getfd": 438, "syslog": 103, "personality": 135,
}  # fmt: skip
_AARCH64 = {
    "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271, "add_key": 217, "request_key": 218,
    "keyctl": 219, "bpf": 280, "userfaultfd": 282, "perf_event_open": 241, "io_uring_setup": 425,
    "io_uring_enter": 426, "io_uring_register": 427, "mount": 40, "umount2": 39, "pivot_root": 41,
    "chroot": 51, "unshare": 97, "setns": 268, "open_by_handle_at": 265, "open_tree": 428,
    "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "mount_setattr": 442,
    "kexec_load": 104, "kexec_file_load": 294, "init_module": 105, "finit_module": 273,
    "delete_module": 106, "swapon": 224, "swapoff": 225, "reboot": 142, "acct": 89, "quotactl": 60,
    "pidfd_getfd": 438, "syslog": 116, "personality": 92,
}  # fmt: skip
# With these a home would grow past its count: room taken without writing, and kept beside the files.
# Whoever is told that a file system knows neither goes on without.
_UNSUPPORTED_X86_64 = {
    "fallocate": 285,
    "setxattr": 188,
    "lsetxattr": 189,
    "fsetxattr": 190,
    "setxattrat": 463,
}
_UNSUPPORTED_AARCH64 = {"fallocate": 47, "setxattr": 5, "lsetxattr": 6, "fsetxattr": 7, "setxattrat": 463}


@dataclass(frozen=True)
class Machine:
    """An architecture: its audit code, refused calls, and the numbers of those whose arguments decide."""

    architecture: int
    refused: dict[str, int]
    unsupported: dict[str, int]
    clone: int
    socket: int
    prctl: int
    setrlimit: int
    prlimit64: int


MACHINES = {
    "x86_64": Machine(0xC000003E, _X86_64, _UNSUPPORTED_X86_64, 56, 41, 157, 160, 302),
    "aarch64": Machine(0xC00000B7, _AARCH64, _UNSUPPORTED_AARCH64, 220, 198, 167, 164, 261),
}
# With it a box's first process could choose to outlive its keeper, and so every limit of time.
_SET_PARENT_DEATH_SIGNAL = 1
# Of the other families, vsock reaches a virtual machine's host past any network namespace, and the rest
# is seldom used kernel code.
_FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK)
_CLONE3 = 435
_NEW_NAMESPACES = (
    linux.NEW_MOUNTS | linux.NEW_CGROUP | linux.NEW_HOSTNAME | linux.NEW_IPC | linux.NEW_USER
    | linux.NEW_PID | linux.NEW_NETWORK
)  # fmt: skip

_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
# Where a call's data lie; an argument has eight bytes, the lower four first.
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _SECOND_ARGUMENT, _THIRD_ARGUMENT = 0, 4, 16, 24, 32
_X32_CALLS = 0x40000000
_SET_SECCOMP, _FILTER = 22, 2


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def available() -> bool:
    """Return whether the filter is known for this machine's architecture."""
    return platform.machine() in MACHINES


def apply(machine: Machine | None = None) -> None:
    """Refuse the listed calls from now on, here and in every child; needs `forbid_new_privileges` first.

    `machine` is for tests: this one with other numbers.
    """
    code = _assemble(machine or MACHINES[platform.machine()])
    program = _Program(len(code) // 8, code)
    linux._check(
        linux.libc.prctl(_SET_SECCOMP, ctypes.c_ulong(_FILTER), ctypes.byref(program), 0, 0), "seccomp"
    )


def _assemble(machine: Machine) -> bytes:
    refuse, unknown = _ERROR | errno.EPERM, _ERROR | errno.ENOSYS
    families = [(_JUMP_EQUAL, len(_FAMILIES) - at, 0, family) for at, family in enumerate(_FAMILIES)]
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, machine.architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_JUMP_AT_LEAST, 0, 1, _X32_CALLS),
        (_RETURN, 0, 0, refuse),
        # clone3 hides its flags in memory; told that it does not exist, libc takes clone.
        *_when(_CLONE3, unknown),
    ]
    for number in machine.refused.values():
        lines += _when(number, refuse)
    for number in machine.unsupported.values():
        lines += _when(number, _ERROR | errno.EOPNOTSUPP)
    lines += [
        (_JUMP_EQUAL, 0, 4, machine.prctl),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_JUMP_EQUAL, 0, 1, _SET_PARENT_DEATH_SIGNAL),
        (_RETURN, 0, 0, refuse),
        (_RETURN, 0, 0, _ALLOW),
        (_JUMP_EQUAL, 0, 3, machine.clone),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_JUMP_ANY_BIT, 0, 1, _NEW_NAMESPACES),
        (_RETURN, 0, 0, refuse),
        # The longest file is the keeper's to set (`tpc_kernels.box.quota`), whatever else a program limits.
        (_LOAD, 0, 0, _NUMBER),
        (_JUMP_EQUAL, 0, 4, machine.setrlimit),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_JUMP_EQUAL, 0, 1, resource.RLIMIT_FSIZE),
        (_RETURN, 0, 0, refuse),
        (_RETURN, 0, 0, _ALLOW),
        (_JUMP_EQUAL, 0, 8, machine.prlimit64),
        (_LOAD, 0, 0, _SECOND_ARGUMENT),
        (_JUMP_EQUAL, 0, 5, resource.RLIMIT_FSIZE),
        (_LOAD, 0, 0, _THIRD_ARGUMENT),  # without new limits it only reads
        (_JUMP_EQUAL, 0, 2, 0),
        (_LOAD, 0, 0, _THIRD_ARGUMENT + 4),
        (_JUMP_EQUAL, 1, 0, 0),
        (_RETURN, 0, 0, refuse),
        (_RETURN, 0, 0, _ALLOW),
        (_JUMP_EQUAL, 0, len(families) + 2, machine.socket),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        *families,
        (_RETURN, 0, 0, _ERROR | errno.EAFNOSUPPORT),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


def _when(number: int, answer: int) -> list[tuple[int, int, int, int]]:
    return [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, answer)]
