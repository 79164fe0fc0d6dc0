"""Runs another program than the single-user server in a person's box, behind the same door."""

from __future__ import annotations

import os
import signal
import socket
import subprocess

from tpc_kernels.box.relay import Relay
from tpc_kernels.jupyter.server import LISTENER


def serve_command(command: list[str], port: int) -> int:
    """Be the first process of a box that runs `command`, which listens on 127.0.0.1:`port`; returns its code.

    Descriptor 3 is the socket where the box is reached from outside.
    """
    listener = socket.socket(fileno=LISTENER)
    process = subprocess.Popen(command)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, _: process.send_signal(received))
    end = os.pidfd_open(process.pid)
    with Relay() as relay:
        relay.lead(listener, ("127.0.0.1", port))
        relay.run_until(end)
    code = process.wait()
    return code if code >= 0 else 128 - code
