"""A person's seat: their server as a browser uses it, over HTTP and the kernel's websocket."""

from __future__ import annotations

import json
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

ANSWER_SECONDS = 120


class Loopback(AbstractResolver):
    """Finds every host name on this machine, as browsers do for names below `localhost`."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host="127.0.0.1",
                port=port,
                family=socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """Hold nothing."""


@asynccontextmanager
async def browser(token: str = "") -> AsyncIterator[aiohttp.ClientSession]:
    """Open an HTTP session with cookies of its own; `token` is sent as the hub's API expects it."""
    headers = {"Authorization": f"token {token}"} if token else {}
    connector = aiohttp.TCPConnector(resolver=Loopback(), limit=0)
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    # A program that has a token keeps no cookies, or the hub would take it for a browser and want form tokens.
    cookies = aiohttp.DummyCookieJar() if token else aiohttp.CookieJar()
    async with aiohttp.ClientSession(
        headers=headers, connector=connector, timeout=timeout, cookie_jar=cookies
    ) as session:
        yield session


class Seat:
    """One person's running server at `url`, reached with a session that may use it."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url.rstrip("/")

    async def call(self, method: str, path: str, data: Any = None) -> Any:
        """Return the JSON of an API call, or None without one; raises RuntimeError with a refusal's text."""
        token = self.form_token()
        headers = {"X-XSRFToken": token} if token else {}
        async with self.session.request(method, f"{self.url}{path}", json=data, headers=headers) as answer:
            text = await answer.text()
            if answer.status >= 400:
                raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]}")
            return json.loads(text) if text.startswith(("{", "[")) else None

    async def start_kernel(self) -> str:
        """Start a kernel; returns its id."""
        kernel = await self.call("POST", "/api/kernels", {"name": "python3"})
        return str(kernel["id"])

    async def run(self, kernel: str, code: str, seconds: float = ANSWER_SECONDS) -> str:
        """Return what the code prints or evaluates to; raises RuntimeError with the error it ends in."""
        address = f"{self.url}/api/kernels/{kernel}/channels?session_id={uuid.uuid4().hex}"
        async with self.session.ws_connect(address, max_msg_size=0) as channel:
            request = _execute_request(code)
            await channel.send_json(request)
            return await _outcome(channel, request["header"]["msg_id"], seconds)

    def form_token(self) -> str:
        """Return what shows the server that a request comes from its own pages; empty without cookies."""
        own = self.session.cookie_jar.filter_cookies(URL(f"{self.url}/")).get("_xsrf")
        return own.value if own else ""


def _execute_request(code: str) -> dict[str, Any]:
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": "execute_request",
        "username": "",
        "session": uuid.uuid4().hex,
        "version": "5.3",
        "date": "",
    }
    content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
    return {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}


async def _outcome(channel: aiohttp.ClientWebSocketResponse, request: str, seconds: float) -> str:
    """Collect what a request puts out until the kernel is idle again."""
    output = ""
    while True:
        message = json.loads(await channel.receive_str(timeout=seconds))
        if message["parent_header"].get("msg_id") != request:
            continue
        kind, content = message["msg_type"], message["content"]
        if kind == "stream":
            output += content["text"]
        elif kind == "execute_result":
            output += content["data"]["text/plain"]
        elif kind == "error":
            raise RuntimeError("\n".join([f"{content['ename']}: {content['evalue']}", *content["traceback"]]))
        elif kind == "status" and content["execution_state"] == "idle":
            return output
