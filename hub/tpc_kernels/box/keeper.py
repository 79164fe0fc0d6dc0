"""The keeper of a box: stays outside, relays its doors, passes signals in, and tells how it ended.

One keeper process per box. It is a child of the forkserver (or of a plain process, see `main`), and
the parent of the first process in the box. When it dies, the kernel kills the box.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tpc_kernels.box.box import Box, close_in, open_doors, reset_signals
from tpc_kernels.box.cpu_shares import LOOK_SECONDS, Turns
from tpc_kernels.box.limits import Group, remove_group
from tpc_kernels.box.log import Log
from tpc_kernels.box.quota import NoRoom, Room
from tpc_kernels.box.relay import Relay
from tpc_kernels.linux import calls as linux

FAILED = 125
OUT_OF_MEMORY = 137
OUT_OF_ROOM = 122
Run = Callable[[], int]


@dataclass(frozen=True)
class Front:
    """The way into a box: connections to `outer` are led to the listening Unix socket `inner`, a descriptor."""

    outer: socket.socket
    inner: int


def keep(
    box: Box, run: Run, front: Front | None, outside: list[socket.socket], logged: bool = False
) -> tuple[str, int]:
    """Run `run` as the first process of a box and wait for it; returns (how it ended, code).

    How: "exited" (code of the program), "signalled" (number of the signal), "oom", "full" (what it may write is
    far too large), or "failed" (the box could not be built; the reason is on stderr). The sockets `outside` are
    closed inside. If the box is `logged`, our standard output is its log, and stays outside.
    """
    as_root = os.geteuid() == 0
    _allow_connections()
    if not as_root:
        _enter_user_namespace()
        box = replace(box, uid=os.getuid())
    group = Group(group_name(box.name, os.getpid()), box.limits)
    ours, theirs = socket.socketpair()
    log = Log() if logged else None
    linux.unshare(linux.NEW_PID)
    first = os.fork()
    if first == 0:
        for each in (ours, *outside, *([front.outer] if front else [])):
            each.close()
        if log is not None:
            log.enter()
        code = _first_process(box, run, theirs, as_root)
        flush()
        os._exit(code)
    theirs.close()
    try:
        group.add(first)
        room = Room((outside for outside, _ in box.writable), box.limits.home_bytes, first, box.uid or 0)
        room.count()  # whoever has far too much must not get a moment to add to it
        with Relay() as relay:
            for door in _receive_doors(ours, box):
                relay.lead(door, door.getsockname())
            if front is not None:
                _open_front(relay, front)
            if log is not None:
                log.follow(relay)
            status = _wait(first, relay, Turns(group), room)
        if log is not None:
            log.finish()
        if ours.recv(1) != b"r":
            return "failed", FAILED
        return _ending(status, group)
    except NoRoom as e:
        print(e, flush=True)
        return "full", OUT_OF_ROOM
    finally:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(first, signal.SIGKILL)
            os.waitpid(first, 0)
        remove_group(group.name)


def _allow_connections() -> None:
    """Let the keeper open two descriptors per connection; what runs inside gets limits of its own."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _open_front(relay: Relay, front: Front) -> None:
    with socket.socket(fileno=front.inner) as inner:  # closed here: only the box may accept
        relay.lead(front.outer, inner.getsockname())


def group_name(box: str, keeper: int) -> str:
    """Return the name of the control group of a box with this keeper."""
    return f"{box}-{keeper}"


def flush() -> None:
    """Write out what is buffered, before a process leaves without Python's own farewell."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()


def _enter_user_namespace() -> None:
    uid, gid = os.getuid(), os.getgid()
    linux.unshare(linux.NEW_USER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def _first_process(box: Box, run: Run, outside: socket.socket, as_root: bool) -> int:
    """Be the first process of the box: get in, say so, run; returns the exit code."""
    try:
        reset_signals()
        outside.recv(1)  # the keeper has put us under our limits
        doors = open_doors(box)
        socket.send_fds(outside, [b"d"], [door.fileno() for door in doors])
        for door in doors:
            door.close()
        close_in(box, as_root)
        outside.send(b"r")
        outside.close()
        return run()
    except BaseException:
        traceback.print_exc()
        return 1


def _receive_doors(ours: socket.socket, box: Box) -> list[socket.socket]:
    ours.send(b"g")
    _, descriptors, _, _ = socket.recv_fds(ours, 1, len(box.reachable_ports) + 1)
    return [socket.socket(fileno=each) for each in descriptors]


def _wait(first: int, relay: Relay, turns: Turns, room: Room) -> int:
    """Relay until the first process ends; signals to the keeper go to it. Returns its wait status."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, _: os.kill(first, received))

    def look() -> None:
        turns.look()
        room.look()

    end = os.pidfd_open(first)
    try:
        relay.run_until(end, look, LOOK_SECONDS)
    finally:
        os.close(end)
    return os.waitpid(first, 0)[1]


def _ending(status: int, group: Group) -> tuple[str, int]:
    code = os.waitstatus_to_exitcode(status)
    if code != 0 and group.ran_out_of_memory():
        return "oom", OUT_OF_MEMORY
    return ("exited", code) if code >= 0 else ("signalled", -code)
