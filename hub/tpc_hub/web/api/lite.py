"""The door to Python in the browser, which runs on the book's origin, where people are also signed in.

Whoever could put code into its address could act there as the person who opens the link. So an address may carry
code only when a page of this origin leads there, and what runs there can reach nothing else.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

FOLDER = "lite/"
# What a link from anywhere may say: which notebook, how it looks.
HARMLESS = {"path", "kernel", "toolbar", "theme", "_"}
POLICY = (
    "default-src 'self' data: blob:; script-src 'self' blob: 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; frame-ancestors 'self'; base-uri 'self'; form-action 'none'; object-src 'none'"
)


def without_code(request: Request) -> Response | None:
    """Return the way to the same page without code, for a link from elsewhere; None when all is well."""
    given = parse_qsl(request.url.query, keep_blank_values=True)
    kept = [(name, value) for name, value in given if name in HARMLESS]
    if len(kept) == len(given) or _comes_from_here(request):
        return None
    return RedirectResponse(f"{request.url.path}?{urlencode(kept)}", status_code=303)


def _comes_from_here(request: Request) -> bool:
    """Return whether a page of this origin led here; a page elsewhere can forge neither header."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return urlsplit(request.headers.get("Referer", "")).netloc == request.headers.get("Host")
