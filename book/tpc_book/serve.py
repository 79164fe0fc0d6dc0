"""The theme as Jupyter Book sees it: a web server that renders pages from the engine's JSON.

The engine starts it with PORT, CONTENT_CDN_PORT, MODE and BASE_URL, and crawls it into a static site.
"""

from __future__ import annotations

import json
import os
import traceback
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tpc_book.page import load_records, page_html

CONTENT = f"http://localhost:{os.environ.get('CONTENT_CDN_PORT', '3100')}"


class Handler(BaseHTTPRequestHandler):
    """Answers the crawler and, while writing, the author's browser."""

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        status, kind = 200, "text/html; charset=utf-8"
        try:
            kind, text = _answer(path)
        except Exception:
            # The engine copies no page that answers 500, so the build fails; the log says why.
            status, text = 500, traceback.format_exc()
            print(f"theme error at {path}:\n{text}", flush=True)
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the engine's log readable."""


def _answer(path: str) -> tuple[str, str]:
    if path == "/robots.txt":
        return "text/plain", "User-agent: *\nAllow: /\n"
    if path == "/myst-theme.css" or path.startswith("/favicon"):
        return "text/css", ""
    config = _fetch("/config.json")
    project = config["projects"][0]
    if path.startswith("/sitemap"):
        slugs = [page["slug"] for page in project["pages"] if page.get("slug")]
        rows = "".join(f"<url><loc>{slug.replace('.', '/')}/</loc></url>" for slug in slugs)
        return (
            "application/xml",
            f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{rows}</urlset>',
        )
    slug = path.strip("/").replace("/", ".") or project["index"]
    if slug.endswith(".json"):
        return "application/json", json.dumps(_fetch(f"/content/{slug}"))
    records = load_records(os.environ.get("CAMPUS_RUN_RECORDS", ""))
    page = _fetch(f"/content/{slug}.json")
    return "text/html; charset=utf-8", page_html(page, config, records, os.environ.get("CAMPUS_URL", ""))


def _fetch(path: str) -> dict[str, Any]:
    with urllib.request.urlopen(CONTENT + path, timeout=30) as answer:
        return dict(json.load(answer))


def main() -> None:
    """Serve until the engine stops us."""
    ThreadingHTTPServer.request_queue_size = 128
    port = int(os.environ["PORT"])
    server = ThreadingHTTPServer(("localhost", port), Handler)
    print(f"Theme ready at http://localhost:{port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
