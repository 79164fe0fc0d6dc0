"""A built book on a local port, below /book/ as on a campus, so that gates see it as readers do."""

from __future__ import annotations

import contextlib
import gzip
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BASE = "/book/"
PACKED = {".html", ".css", ".js", ".json", ".svg", ".xml", ".ics"}
LEAST_BYTES = 1024


class _Handler(SimpleHTTPRequestHandler):
    """Files below /book/; text is packed, as the campus does it."""

    protocol_version = "HTTP/1.1"

    def translate_path(self, path: str) -> str:
        inside = path.startswith(BASE)
        return super().translate_path(path.removeprefix(BASE.rstrip("/")) if inside else "/no-such-place")

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if path.is_dir() and self.path.split("?")[0].endswith("/"):
            path = path / "index.html"
        packs = "gzip" in self.headers.get("Accept-Encoding", "") and path.suffix in PACKED
        if not (packs and path.is_file() and path.stat().st_size >= LEAST_BYTES):
            return super().do_GET()
        data = gzip.compress(path.read_bytes(), 6)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *arguments: object) -> None:
        """Gates report what they find; each request is no news."""


class _Server(ThreadingHTTPServer):
    request_queue_size = 64
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that leaves a page drops its connections."""


@contextlib.contextmanager
def served(site: Path) -> Iterator[str]:
    """Serve a site while the block runs; yields its address, which ends in /book/."""
    server = _Server(("127.0.0.1", 0), partial(_Handler, directory=str(site.resolve())))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{BASE}"
    finally:
        server.shutdown()
        server.server_close()
