"""How the book reaches readers: packed, unlike pages of people; drawings cannot run scripts."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from tpc_hub.web.api.packing import PackedBook
from tpc_hub.web.app import _headers


async def answer(path: str, encoding: str) -> httpx.Response:
    app = FastAPI()
    for known in ("/book/page", "/book/build/a.svg", "/services/campus/"):
        app.add_api_route(known, lambda: PlainTextResponse("long text " * 1000))
    app.state.policy = "default-src 'self'"
    app.middleware("http")(_headers)
    app.add_middleware(PackedBook)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://campus.test") as client:
        return await client.get(path, headers={"Accept-Encoding": encoding})


@pytest.mark.asyncio
async def test_a_page_of_the_book_is_packed():
    packed = await answer("/book/page", "gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.num_bytes_downloaded < 1000
    assert packed.text.startswith("long text")


@pytest.mark.asyncio
async def test_a_browser_that_cannot_unpack_gets_plain_text():
    assert "content-encoding" not in (await answer("/book/page", "identity")).headers


@pytest.mark.asyncio
async def test_a_page_of_people_is_not_packed():
    assert "content-encoding" not in (await answer("/services/campus/", "gzip")).headers


@pytest.mark.asyncio
async def test_a_drawing_opened_by_itself_runs_no_script():
    policy = (await answer("/book/build/a.svg", "gzip")).headers["content-security-policy"]
    assert policy.startswith("sandbox;")
    assert "content-security-policy" not in (await answer("/book/page", "gzip")).headers
