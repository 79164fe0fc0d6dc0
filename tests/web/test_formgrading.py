"""The formgrader's handlers: names in an address are names, never paths."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler
from tpc_hub.formgrading.handlers import Fresh


class Echo(RequestHandler):
    async def prepare(self) -> None:
        """Do nothing, as a coroutine like Jupyter's own."""

    def get(self, *names: str) -> None:
        self.write(" ".join(names))

    def on_finish(self) -> None:
        """Do nothing."""


class Served(Fresh, Echo):
    """A handler as the formgrader makes them of nbgrader's."""


async def ask(path: str) -> httpx.Response:
    socket, port = bind_unused_port()
    server = HTTPServer(
        Application([(r"/of/([^/]+)", Served), (r"/file/(.*)", Served)], nbgrader_gradebook=None)
    )
    server.add_socket(socket)
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            return await client.get(f"http://127.0.0.1:{port}{path}")
    finally:
        server.stop()


@pytest.mark.parametrize("path", ["/of/fit-a-law", "/of/a..b", "/file/7/data/x.csv", "/file/7/"])
def test_names_are_served(path):
    assert asyncio.run(ask(path)).text == path.split("/", 2)[2]


@pytest.mark.parametrize(
    "path", ["/of/..%2Fdata", "/of/x%2F..%2F..", "/file/7/..%2F..%2Fgradebook.db", "/file/7/%2Fetc%2Fpasswd"]
)
def test_names_that_climb_are_not(path):
    assert asyncio.run(ask(path)).status_code == 404
