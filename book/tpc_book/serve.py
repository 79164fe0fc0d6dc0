"""The theme as Jupyter Book sees it while somebody writes: a web server over the engine's trees.

`jupyter-book start` runs it (theme/template.yml) in the theme's folder with PORT, and rewrites `_build/site` when
a source changes. A page in the browser listens at /live and loads itself again.
"""

from __future__ import annotations

import mimetypes
import os
import time
import traceback
from collections.abc import Iterator
from functools import partial
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tpc_courses.manifest import load_courses
from tpc_courses.places import Places

from tpc_book.page import page_html
from tpc_book.project import Project
from tpc_book.site import edition, write_assets
from tpc_book.widgets import script_json

LOOK_SECONDS = 0.2
FOREVER_SECONDS = 3600


class Handler(BaseHTTPRequestHandler):
    """Answers an author's browser with pages made at that moment."""

    def __init__(self, project: Project, assets: Path, *arguments: object) -> None:
        self.project, self.assets = project, assets
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path == "/live":
            return self._live()
        try:
            status, kind, data = 200, *self._answer(path)
        except KeyError:
            status, kind, data = 404, "text/plain", f"There is no page {path}.".encode()
        except Exception as e:
            # The author sees what is wrong where the page would be; the next save tries again.
            print(f"theme error at {path}:\n{traceback.format_exc()}", flush=True)
            status, kind, data = 500, "text/html; charset=utf-8", _failed(path, e)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _answer(self, path: str) -> tuple[str, bytes]:
        book = edition(self.project, app="", live="/live")
        name = Path(path).name
        if name == "search.js":
            text = f"window.bookRecords={script_json(book.content.search_records())};"
            return "text/javascript", text.encode()
        if "." in name:
            folders = (self.assets, book.content.folder / "public")
            file = next(
                (folder / path.lstrip("/") for folder in folders if (folder / path.lstrip("/")).is_file()),
                None,
            )
            if file is None or ".." in Path(path).parts:
                raise KeyError(path)
            return mimetypes.guess_type(name)[0] or "application/octet-stream", file.read_bytes()
        return "text/html; charset=utf-8", page_html(book, path.strip("/").replace("/", ".")).encode()

    def _live(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        try:
            for message in _changes(self.project):
                self.wfile.write(message)
                self.wfile.flush()
        except OSError:
            return  # the page was closed

    def log_message(self, format: str, *arguments: object) -> None:
        """Keep the log for faults."""


def _changes(project: Project) -> Iterator[bytes]:
    """Yield a message when the trees or the theme changed and rest; in between lines that find out who has left."""
    site = project.folder / "_build" / "site"
    told, until = _stamp(project, site), time.monotonic() + FOREVER_SECONDS
    last = told
    while time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
        now = _stamp(project, site)
        rests, last = now == last, now  # the engine writes all trees one after the other
        yield b"data: changed\n\n" if rests and now != told else b":\n\n"
        told = now if rests else told


def _stamp(project: Project, site: Path) -> float:
    files = [*site.glob("content/*.json"), site / "config.json", project.folder / "lessons.json"]
    files += (project.places.book / "theme").rglob("*.*")
    return max((file.stat().st_mtime for file in files if file.exists()), default=0)


def _failed(path: str, error: Exception) -> bytes:
    reload = "<script>new EventSource('/live').onmessage=()=>location.reload()</script>"
    return f"<!doctype html><title>Error</title><h1>{escape(path)}</h1><pre>{escape(str(error))}</pre>{reload}".encode()


def main() -> None:
    """Serve until the engine stops us."""
    places = Places.find()
    project = Project(places, load_courses(places), os.environ.get("CAMPUS_URL", ""))
    assets = places.state / "book" / "assets"
    assets.mkdir(parents=True, exist_ok=True)
    write_assets(places, assets)
    port = int(os.environ["PORT"])
    server = ThreadingHTTPServer(("localhost", port), partial(Handler, project, assets))
    print(f"Theme ready at http://localhost:{port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
