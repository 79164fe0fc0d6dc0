"""A preloaded, single-threaded process that forks on request, over a Unix socket.

Protocol: the client connects and sends a header line (who hangs on whom), then one order
(`tpc_kernels.box.order`) with its descriptors; it reads JSON lines: `{"pid": ...}` or `{"error": ...}` at
once, later `{"ending": [how, code]}`. The server reads the header only; the order is read by the process
it forks. Only processes of the same user are served. Importing is slow and forking is not: everything
in `preloads` is there when the child starts.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import json
import os
import select
import selectors
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from tpc_kernels.box.keeper import group_name
from tpc_kernels.box.limits import Group, remove_group
from tpc_kernels.box.order import Header, Order, ending_line
from tpc_kernels.forkserver.child import be_forked, carry_out, obey
from tpc_kernels.linux.sharing import gather_pages, keep_shared

HEADER_SECONDS = 1


@dataclass
class Child:
    """A process we forked, and who wants to know how it ends."""

    pid: int
    end: int
    client: socket.socket
    tie: select.epoll | None
    group: str


class Forkserver:
    """Serves orders on a listening socket until `until` is readable or SIGTERM comes."""

    def __init__(
        self, listener: socket.socket, preloads: Iterable[str] = (), spared: Iterable[int] = ()
    ) -> None:
        self.listener = listener
        self.preloads = tuple(preloads)
        self.children: dict[int, Child] = {}
        self.spared = tuple(spared)  # children whose end the caller awaits
        self.selector = selectors.DefaultSelector()
        # Only a server with preloads has to know when they change.
        self.watched = _files_to_watch() if self.preloads else ()
        self.fingerprint = _fingerprint(self.watched)
        self.retired = False
        self.groups_left: list[str] = []

    def serve(
        self, until: int | None = None, adopt_orphans: bool = False, idle_seconds: float | None = None
    ) -> None:
        """Serve; a retired server, whose successor has the socket, stays until its last child ends.

        It ends after `idle_seconds` without an order and without a child. With `adopt_orphans` it does
        what a first process must: it reaps whoever lost its parent.
        """
        self.selector.register(self.listener, selectors.EVENT_READ, self._take_order)
        if adopt_orphans:
            self._watch_orphans()
        if until is not None:
            self.selector.register(until, selectors.EVENT_READ, None)
        while not (self.retired and not self.children):
            ready = self.selector.select(idle_seconds)
            if not ready and not self.children:
                return
            for key, _ in ready:
                if key.data is None:
                    return
                key.data(key.fileobj)

    def _take_order(self, listener: socket.socket) -> None:
        if self.fingerprint != _fingerprint(self.watched):
            return self._retire()  # whoever waits on the socket is served by the successor
        try:
            client, _ = listener.accept()
        except OSError:  # gone again, or no descriptor free
            return
        try:
            if _peer_uid(client) != os.getuid():
                raise PermissionError("the forkserver serves its own user only")
            client.settimeout(HEADER_SECONDS)
            header = Header.read(client)
            client.settimeout(None)
            if header is None:  # somebody looked whether we serve
                client.close()
                return
            self._fork(header, client)
        except Exception as e:
            with contextlib.suppress(OSError):
                client.sendall(json.dumps({"error": str(e)}).encode() + b"\n")
            client.close()

    def _fork(self, header: Header, client: socket.socket) -> None:
        pid = os.fork()
        if pid == 0:
            be_forked(lambda: obey(client))
        end = os.pidfd_open(pid)
        tie = _tie(client) if header.tied else None
        child = Child(pid, end, client, tie, group_name(header.box, pid) if header.box else "")
        self.children[pid] = child
        self.selector.register(end, selectors.EVENT_READ, lambda _: self._reap(child))
        if tie is not None:
            self.selector.register(tie, selectors.EVENT_READ, lambda _: self._hang_up(child))

    def _reap(self, child: Child) -> None:
        _, status = os.waitpid(child.pid, 0)
        self.groups_left = [
            name for name in (*self.groups_left, child.group) if name and not remove_group(name)
        ]
        del self.children[child.pid]
        self.selector.unregister(child.end)
        os.close(child.end)
        self._untie(child)
        with contextlib.suppress(OSError):
            # A keeper has told the ending already; the client takes the first.
            child.client.sendall(ending_line(os.waitstatus_to_exitcode(status)))
        child.client.close()

    def _hang_up(self, child: Child) -> None:
        if self.children.get(child.pid) is not child:
            return  # it ended in the same moment and was reaped first; its number may be another's by now
        self._untie(child)
        os.kill(child.pid, signal.SIGKILL)

    def _untie(self, child: Child) -> None:
        if child.tie is not None:
            self.selector.unregister(child.tie)
            child.tie.close()
            child.tie = None

    def _watch_orphans(self) -> None:
        told, tell = socket.socketpair()
        for each in (told, tell):
            each.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(tell.fileno(), warn_on_full_buffer=False)
        self.selector.register(told, selectors.EVENT_READ, self._reap_orphans)
        self._kept_open = tell

    def _reap_orphans(self, told: socket.socket) -> None:
        told.recv(4096)
        ours = {*self.children, *self.spared}
        for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
            if int(pid) not in ours:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(int(pid), os.WNOHANG)

    def _retire(self) -> None:
        """Hand the socket to a successor, because the modules on disk are no longer those in memory."""
        self.selector.unregister(self.listener)
        number = self.listener.fileno()
        command = [sys.executable, "-P", "-m", "tpc_kernels.forkserver.server", f"--listener={number}"]
        subprocess.Popen([*command, *sys.argv[1:]], pass_fds=[number], start_new_session=True)
        self.listener.close()
        self.retired = True


def _tie(client: socket.socket) -> select.epoll:
    """Return what becomes readable when the client hangs up, and not when it sends something."""
    tie = select.epoll()
    tie.register(client, select.EPOLLRDHUP)
    return tie


def _peer_uid(client: socket.socket) -> int:
    """Return the user at the other end, as the kernel knows it (SO_PEERCRED: pid, uid, gid)."""
    size = struct.calcsize("3i")
    _, uid, _ = struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return int(uid)


def _files_to_watch() -> tuple[str, ...]:
    """Return what changes when installed packages or our own modules change: folders and files.

    Listed once, before any fork: who goes through all modules again writes 11 MB of pages that forks share.
    """
    folders = {entry for entry in sys.path if entry.endswith("site-packages")}
    ours = {m.__file__ for n, m in list(sys.modules.items()) if n.startswith("tpc_") and m.__file__}
    return tuple("".join(list(path)) for path in sorted(folders | ours) if os.path.exists(path))


def _fingerprint(paths: tuple[str, ...]) -> tuple[int, ...]:
    """Return the times of files; 0 for one that is gone."""
    return tuple(os.stat(path).st_mtime_ns if os.path.exists(path) else 0 for path in paths)


def preload(names: Iterable[str], gather: bool = False) -> None:
    """Import modules; one that fails is told and left out, so that the rest still serves.

    With `gather` what lies in memory is put together in large pages: 0.3 s, for many short forks.
    """
    before = _open_files()
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as e:
            print(
                f"forkserver: {name} is not preloaded: {type(e).__name__}: {e}", file=sys.stderr, flush=True
            )
    threads = os.listdir("/proc/self/task")
    if len(threads) > 1:
        print(f"forkserver: {len(threads)} threads after preloading; forking may hang", file=sys.stderr)
    keep_shared()
    gc.collect()
    if left := sorted(_open_files() - before):
        # Whatever closes one of these in a child closes what the child has under that number.
        print(f"forkserver: left open by what is preloaded: {', '.join(left)}", file=sys.stderr, flush=True)
    gc.freeze()
    if gather:
        gather_pages()


def _open_files() -> set[str]:
    """Return what this process has open, as `number: file`."""
    found = set()
    for each in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):
            found.add(f"{each}: {os.readlink(f'/proc/self/fd/{each}')}")
    return {each for each in found if f"/proc/{os.getpid()}/fd" not in each}


def listen(path: str) -> socket.socket:
    """Return a socket on `path` that only this user may connect to."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX)
    previous = os.umask(0o177)
    try:
        listener.bind(path)
    finally:
        os.umask(previous)
    listener.listen(256)
    return listener


def _carry_out_once(client: int, *descriptors: int) -> NoReturn:
    """Run one order without a server: slower, and it works when no forkserver does."""
    order = Order.from_line(sys.stdin.buffer.readline())
    connection = socket.socket(fileno=client)
    be_forked(lambda: carry_out(order, list(descriptors), connection))


def main() -> None:
    """Run `python -m tpc_kernels.forkserver.server SOCKET MODULE ...`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("socket")
    parser.add_argument("preloads", nargs="*")
    parser.add_argument("--once", action="store_true", help="carry out the order on standard input, then end")
    parser.add_argument("--idle", type=float, help="end after this many seconds without work")
    parser.add_argument("--gather", action="store_true", help="make many short forks cheaper")
    parser.add_argument("--listener", type=int, action="append", help="a listening socket that we inherit")
    chosen = parser.parse_args()
    if chosen.once:
        _carry_out_once(*(int(each) for each in (chosen.socket, *chosen.preloads)))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    preload(chosen.preloads, chosen.gather)
    Group.kinds()  # found by trying, once; every keeper inherits the answer
    # Listening last: who can connect is served at once.
    inherited = chosen.listener[0] if chosen.listener else None
    listener = listen(chosen.socket) if inherited is None else socket.socket(fileno=inherited)
    Forkserver(listener, chosen.preloads).serve(idle_seconds=chosen.idle)


if __name__ == "__main__":
    main()
