"""Packs the book's pages on the way to readers: text becomes a quarter of its size.

Pages of people stay as they are: packed, the length of an answer tells what secrets and foreign input share.
"""

from __future__ import annotations

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

LEAST_BYTES = 1024


class PackedBook:
    """Answers below /book/ packed where the browser takes it; hands everything else on untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self.plain = app
        self.packed = GZipMiddleware(app, minimum_size=LEAST_BYTES, compresslevel=6)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_book = scope["type"] == "http" and scope["path"].startswith("/book/")
        await (self.packed if is_book else self.plain)(scope, receive, send)
