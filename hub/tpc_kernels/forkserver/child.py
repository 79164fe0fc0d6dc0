"""What a process does between the fork and its order: a clean start, its descriptors, its box."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import json
import os
import random
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from typing import NoReturn

from tpc_kernels.box.box import reset_signals
from tpc_kernels.box.keeper import FAILED, Front, flush, keep
from tpc_kernels.box.order import MAX_BYTES, MAX_FILES, Order

ORDER_SECONDS = 10
# Descriptors that must survive the arranging of 0, 1, 2, ... are kept from here upwards.
_ASIDE = 200


def be_forked(run: Callable[[], int | None]) -> NoReturn:
    """Be a new process that runs `run` and ends with its code: a clean start after a fork, never a return."""
    code = 1
    try:
        with contextlib.suppress(PermissionError):  # it leads a session already
            os.setsid()
        signal.set_wakeup_fd(-1)
        reset_signals()
        _reseed()
        code = run() or 0
    except SystemExit as e:
        code = exit_code(e)
    except BaseException:
        traceback.print_exc()
    finally:
        flush()
        os._exit(code & 255)


def exit_code(error: SystemExit) -> int:
    """Return the code that an interpreter would end with, and print what it would print."""
    if error.code is None or isinstance(error.code, int):
        return error.code or 0
    print(error.code, file=sys.stderr)
    return 1


def take_leave() -> None:
    """Do what an interpreter does at its end: wait for threads, call what was registered with atexit."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()


def obey(client: socket.socket) -> int:
    """Read the order that waits on a connection, acknowledge it and carry it out; returns the exit code.

    Only the forked process reads it. An order may hold a person's token, and whatever the forkserver reads
    stays in its memory, where every later child could find it.
    """
    client.settimeout(ORDER_SECONDS)
    try:
        line, descriptors = _receive(client)
        order = Order.from_line(line)
    except (OSError, ValueError) as e:
        with contextlib.suppress(OSError):
            client.sendall(json.dumps({"error": str(e)}).encode() + b"\n")
        return FAILED
    client.settimeout(None)
    client.sendall(json.dumps({"pid": os.getpid()}).encode() + b"\n")
    return carry_out(order, descriptors, client)


def carry_out(order: Order, descriptors: list[int], client: socket.socket) -> int:
    """Arrange the descriptors as ordered, then run the order, in its box if it has one."""
    *files, outer, inner = descriptors if order.front else [*descriptors, None, None]
    outside = [_out_of_the_way(each) for each in (client.fileno(), outer) if each is not None]
    given = [each for each in (*files, inner) if each is not None]
    _arrange(given, outside if order.box else [])
    return _run(order) if order.box is None else _keep(order, outside, len(files))


def _run(order: Order) -> int:
    try:
        return order.run()
    except SystemExit as e:
        return exit_code(e)
    finally:
        take_leave()


def _keep(order: Order, outside: list[int], inner: int) -> int:
    """Be the keeper of the order's box, and tell the client how the box ended."""
    assert order.box is not None
    client, *rest = (socket.socket(fileno=each) for each in outside)
    front = Front(rest[0], inner) if rest else None
    ending = keep(order.box, lambda: _run(order), front, [client], order.logged)
    with contextlib.suppress(OSError):
        client.sendall(json.dumps({"ending": ending}).encode() + b"\n")
    return ending[1] % 256


def _receive(client: socket.socket) -> tuple[bytes, list[int]]:
    line, descriptors, _, _ = socket.recv_fds(client, MAX_BYTES, MAX_FILES)
    while line and not line.endswith(b"\n") and len(line) < MAX_BYTES:
        more = client.recv(MAX_BYTES)
        if not more:
            break
        line += more
    return line, list(descriptors)


def _out_of_the_way(descriptor: int) -> int:
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _ASIDE)


def _arrange(given: list[int], but: list[int]) -> None:
    """Make the given descriptors 0, 1, 2, ... and close every other one except `but`."""
    for number, each in enumerate([_out_of_the_way(each) for each in given]):
        os.dup2(each, number)
    lowest = max(len(given), 3)
    for each in sorted(but):
        os.closerange(lowest, each)
        lowest = each + 1
    os.closerange(lowest, os.sysconf("SC_OPEN_MAX"))


def _reseed() -> None:
    """Give the child random numbers of its own."""
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
