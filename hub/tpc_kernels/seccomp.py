"""A filter of system calls that no lesson needs and that most kernel exploits start from.

It is a list of refusals (EPERM), not of permissions: Python, JAX and a shell work unchanged.
The numbers are those of the kernel's own tables for the two architectures we know.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import socket
import struct

from tpc_kernels import linux

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
# machine: (audit code of the architecture, refused calls, number of clone, of socket, of prctl)
_MACHINES = {"x86_64": (0xC000003E, _X86_64, 56, 41, 157), "aarch64": (0xC00000B7, _AARCH64, 220, 198, 167)}
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
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_X32_CALLS = 0x40000000
_SET_SECCOMP, _FILTER = 22, 2


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def available() -> bool:
    """Return whether the filter is known for this machine's architecture."""
    return platform.machine() in _MACHINES


def apply() -> None:
    """Refuse the listed calls from now on, here and in every child; needs `forbid_new_privileges` first."""
    code = _assemble(*_MACHINES[platform.machine()])
    program = _Program(len(code) // 8, code)
    linux._check(
        linux.libc.prctl(_SET_SECCOMP, ctypes.c_ulong(_FILTER), ctypes.byref(program), 0, 0), "seccomp"
    )


def _assemble(architecture: int, refused: dict[str, int], clone: int, new_socket: int, prctl: int) -> bytes:
    refuse, unknown = _ERROR | errno.EPERM, _ERROR | errno.ENOSYS
    families = [(_JUMP_EQUAL, len(_FAMILIES) - at, 0, family) for at, family in enumerate(_FAMILIES)]
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_JUMP_AT_LEAST, 0, 1, _X32_CALLS),
        (_RETURN, 0, 0, refuse),
        # clone3 hides its flags in memory; told that it does not exist, libc takes clone.
        *_when(_CLONE3, unknown),
    ]
    for number in refused.values():
        lines += _when(number, refuse)
    lines += [
        (_JUMP_EQUAL, 0, 4, prctl),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_JUMP_EQUAL, 0, 1, _SET_PARENT_DEATH_SIGNAL),
        (_RETURN, 0, 0, refuse),
        (_RETURN, 0, 0, _ALLOW),
        (_JUMP_EQUAL, 0, 3, clone),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_JUMP_ANY_BIT, 0, 1, _NEW_NAMESPACES),
        (_RETURN, 0, 0, refuse),
        (_LOAD, 0, 0, _NUMBER),
        (_JUMP_EQUAL, 0, len(families) + 2, new_socket),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        *families,
        (_RETURN, 0, 0, _ERROR | errno.EAFNOSUPPORT),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


def _when(number: int, answer: int) -> list[tuple[int, int, int, int]]:
    return [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, answer)]
