"""Leads connections from listening sockets to addresses: the doors of a box. Single-threaded."""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import time
from collections.abc import Callable
from types import TracebackType

CHUNK = 64 * 2**10
# Connections at once. A browser with a few notebooks needs some ten; the rest is somebody's experiment.
MOST_CONNECTIONS = 250
Address = tuple[str, int] | str


class Relay:
    """Copies bytes both ways for each connection to a listener; a slow reader slows its own writer only."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._connections: set[_Side] = set()

    def __enter__(self) -> Relay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self._selector.close()

    def lead(self, listener: socket.socket, address: Address) -> None:
        """Lead every connection to `listener` to `address`: (host, port) or the path of a Unix socket."""
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ, address)

    def call(self, descriptor: int, move: Callable[[], bool]) -> None:
        """Call `move` whenever `descriptor` can be read, until it returns False."""
        self._selector.register(descriptor, selectors.EVENT_READ, move)

    def run_until(self, descriptor: int, look: Callable[[], None] | None = None, every: float = 1.0) -> None:
        """Relay until `descriptor` becomes readable; meanwhile call `look` about every so many seconds."""
        self._selector.register(descriptor, selectors.EVENT_READ)
        due = time.monotonic() + every
        while True:
            ready = self._selector.select(max(0.0, due - time.monotonic()) if look else None)
            if look and time.monotonic() >= due:
                look()
                due = time.monotonic() + every
            for key, _ in ready:
                if key.fileobj == descriptor:
                    self._selector.unregister(descriptor)
                    return
                if isinstance(key.data, _Side):
                    key.data.move()
                elif callable(key.data):
                    self._call(key)
                else:
                    self._accept(key.fileobj, key.data)  # type: ignore[arg-type]

    def _call(self, key: selectors.SelectorKey) -> None:
        with contextlib.suppress(BlockingIOError):
            if not key.data():
                self._selector.unregister(key.fileobj)

    def _accept(self, listener: socket.socket, address: Address) -> None:
        try:
            near, _ = listener.accept()
        except OSError:  # the other side gave up already
            return
        if len(self._connections) >= MOST_CONNECTIONS:
            near.close()
            return
        far = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        for each in (near, far):
            each.setblocking(False)
            if each.family == socket.AF_INET:
                # A message in two small pieces would else wait 0.04 s for the acknowledgement of its first.
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # All addresses are on this machine: a connection is there at once or not at all.
        if far.connect_ex(address) not in (0, errno.EINPROGRESS):
            near.close()
            far.close()
            return
        _connect(self._selector, self._connections, near, far)


def _connect(
    selector: selectors.BaseSelector, connections: set[_Side], near: socket.socket, far: socket.socket
) -> None:
    one, two = _Side(selector, connections, near), _Side(selector, connections, far)
    one.other, two.other = two, one
    connections.add(one)
    for side in (one, two):
        selector.register(side.own, selectors.EVENT_READ, side)


class _Side:
    """One socket of a pair, and the bytes that wait to be written to it."""

    def __init__(self, selector: selectors.BaseSelector, connections: set[_Side], own: socket.socket) -> None:
        self.selector, self.connections, self.own = selector, connections, own
        self.waiting = bytearray()
        self.other: _Side
        self.read_all = self.closing = False
        self.open = True

    def move(self) -> None:
        """Read and write what can be read and written now."""
        try:
            if not self.open:
                return
            self._write()
            if not self.read_all and len(self.other.waiting) < CHUNK:
                self._read()
            self.other._write()
        except OSError:
            self._close_both()
            return
        if self.read_all and self.other.read_all and not self.waiting and not self.other.waiting:
            self._close_both()
            return
        self._watch()
        self.other._watch()

    def _read(self) -> None:
        try:
            data = self.own.recv(CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        if data:
            self.other.waiting += data
        else:
            self.read_all = True

    def _write(self) -> None:
        if self.waiting:
            with contextlib.suppress(BlockingIOError, InterruptedError):
                del self.waiting[: self.own.send(self.waiting)]
        if self.other.read_all and not self.waiting and not self.closing:
            self.closing = True
            self.own.shutdown(socket.SHUT_WR)

    def _watch(self) -> None:
        """Ask to be told about what this side can use now; without that the loop would spin."""
        events = 0
        if not self.read_all and len(self.other.waiting) < CHUNK:
            events |= selectors.EVENT_READ
        if self.waiting:
            events |= selectors.EVENT_WRITE
        registered = self.selector.get_map().get(self.own)
        if events and registered is None:
            self.selector.register(self.own, events, self)
        elif events:
            self.selector.modify(self.own, events, self)
        elif registered is not None:
            self.selector.unregister(self.own)

    def _close_both(self) -> None:
        self.connections -= {self, self.other}
        for side in (self, self.other):
            side.open = False
            with contextlib.suppress(KeyError, ValueError):
                self.selector.unregister(side.own)
            side.own.close()
