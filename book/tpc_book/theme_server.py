"""The theme as Jupyter Book wants it: a small web server that the engine starts and crawls.

It runs in the theme folder, which holds `page.html` and `facts.json` (written by `tpc_book.project`). What
goes wrong is also written to `problems.txt` there: the engine's log does not always repeat it.
"""

from __future__ import annotations

import json
import os
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tpc_book.theme_page import Site, page_html

Json = dict[str, Any]
PROBLEMS = "problems.txt"


class Theme:
    """Answers for pages and the few files that the engine asks of every theme."""

    def __init__(self, theme: Path, base: str, engine: str) -> None:
        facts = json.loads((theme / "facts.json").read_text(encoding="utf-8"))
        self.theme, self.engine = theme, engine
        self.site = Site(theme, base, facts)

    def answer(self, path: str) -> tuple[str, str]:
        """Return content type and text for a path; raises when a page cannot be rendered."""
        path = path.removeprefix(self.site.base) or "/"
        if path == "/robots.txt":
            return "text/plain", "User-agent: *\nAllow: /\n"
        if path == "/favicon.ico":
            return "image/svg+xml", (self.theme / "public" / "mark.svg").read_text(encoding="utf-8")
        if path == "/myst-theme.css":
            return "text/css", ""
        config = self._json("/config.json")
        if path.startswith("/sitemap"):
            return "application/xml", self._sitemap(config) if path.endswith(".xml") else _NO_STYLE
        slug = path.strip("/") or config["projects"][0]["index"]
        if slug.endswith(".json"):
            return "application/json", self._text(f"/content/{slug.replace('/', '.')}")
        slug = slug.replace("/", ".")
        page = self._json(f"/content/{slug}.json")
        return "text/html; charset=utf-8", page_html(self.site, slug, page, config, self._text)

    def _sitemap(self, config: Json) -> str:
        campus = urlsplit(self.site.facts["campus_url"])
        paths = ["/", *("/" + entry["slug"] for entry in config["projects"][0]["pages"] if entry.get("slug"))]
        rows = "".join(
            f"<url><loc>{campus.scheme}://{campus.netloc}{self.site.address(path.replace('.', '/'))}</loc></url>"
            for path in paths
        )
        return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{rows}</urlset>'

    def _json(self, path: str) -> Json:
        found: Json = json.loads(self._text(path))
        return found

    def _text(self, path: str) -> str:
        with urllib.request.urlopen(self.engine + path) as answer:
            text: str = answer.read().decode()
            return text


_NO_STYLE = '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/>'


def serve(theme: Theme, port: int) -> None:
    """Serve until the engine ends this process."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            try:
                code, (kind, text) = 200, theme.answer(path)
            except Exception as e:  # whatever it is, the page is lost, and the build must say so
                code, kind, text = 500, "text/plain", f"{path}: {type(e).__name__}: {e}\n"
                with (theme.theme / PROBLEMS).open("a", encoding="utf-8") as problems:
                    problems.write(text)
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Stay quiet: the engine reads our output for the line that says we are ready."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 128  # the crawl opens many connections at once

    with Server(("localhost", port), Handler) as server:
        print(f"Theme ready at http://localhost:{port}", flush=True)
        server.serve_forever()


def main() -> None:
    """Start with the settings that the engine passes in the environment."""
    engine = f"http://localhost:{os.environ['CONTENT_CDN_PORT']}"
    serve(Theme(Path.cwd(), os.environ.get("BASE_URL", ""), engine), int(os.environ["PORT"]))


if __name__ == "__main__":
    main()
