"""JupyterHub's mock of a single-user server as a program that a forkserver forks: its own start takes a second."""

from __future__ import annotations

import os
import signal
import socket
import sys

from jupyterhub.tests import mocksu
from tornado.httpserver import HTTPServer
from tpc_kernels.jupyter.server import LISTENER


def serve(arguments: list[str]) -> int:
    """Be the first process of a box that serves the mock on the socket at descriptor 3."""
    signal.signal(
        signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM)
    )  # a first process has to ask for it
    listener = socket.socket(fileno=LISTENER)
    listener.setblocking(False)
    HTTPServer.listen = lambda self, port, address="": self.add_socket(listener)
    sys.argv = [mocksu.__file__, *arguments]
    mocksu.main()
    return 0
