"""The relay: what goes in at a listener comes out at an address, and nothing waits on the way."""

from __future__ import annotations

import os
import socket
import threading

import pytest
from tpc_kernels.box.relay import Relay


@pytest.fixture
def relayed():
    """A relay between two TCP sockets: the relay, the client's end and the server's end."""
    stopped, stop = os.pipe()
    with Relay() as relay, socket.create_server(("127.0.0.1", 0)) as server:
        listener = socket.create_server(("127.0.0.1", 0))
        relay.lead(listener, server.getsockname())
        running = threading.Thread(target=relay.run_until, args=(stopped,))
        running.start()
        with socket.create_connection(listener.getsockname(), 10) as client, server.accept()[0] as served:
            served.settimeout(10)
            yield relay, client, served
        os.close(stop)
        running.join()
    os.close(stopped)


def test_bytes_pass_both_ways(relayed):
    _, client, served = relayed
    client.sendall(b"question")
    assert served.recv(8, socket.MSG_WAITALL) == b"question"
    served.sendall(b"answer")
    assert client.recv(6, socket.MSG_WAITALL) == b"answer"


def test_the_end_of_one_side_is_told_to_the_other(relayed):
    _, client, served = relayed
    client.shutdown(socket.SHUT_WR)
    assert served.recv(1) == b""


def test_a_small_message_does_not_wait_for_an_acknowledgement(relayed):
    relay, client, served = relayed
    client.sendall(b"?")
    assert served.recv(1) == b"?"
    (side,) = relay._connections
    for each in (side.own, side.other.own):
        assert each.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
