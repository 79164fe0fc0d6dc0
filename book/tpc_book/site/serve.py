"""The theme as Jupyter Book sees it while somebody writes: a web server over the engine's trees.

`jupyter-book start` runs it (theme/template.yml) in the theme's folder with PORT, and rewrites `_build/site` when
a source changes. Pages are those that a whole build would publish, but for the line that listens at /live and loads
the page again.
"""

from __future__ import annotations

import contextlib
import mimetypes
import os
import shutil
import threading
import time
import traceback
from functools import partial
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import load_courses

from tpc_book.engine.described import undescribed
from tpc_book.engine.normalise import settle
from tpc_book.engine.project import Project
from tpc_book.site import after
from tpc_book.site.site import PageError, edition, fault, notes_on, search_js, write_assets, write_site
from tpc_book.theme.page import Edition, page_html

LOOK_SECONDS = 0.2
FIRST_SECONDS = 60
LIVE = "/live"
Stamp = dict[Path, int]


def serving_folder(places: Places) -> Path:
    """Return where a served book keeps what it shows; it may be deleted when none is served."""
    return places.state / "book" / "serving"


class Trees:
    """The engine's trees as a whole build would have them, with what is made of them; `number` counts changes."""

    def __init__(self, places: Places, campus_url: str) -> None:
        self.places, self.campus_url = places, campus_url
        self.project = Project(places, load_courses(places), campus_url)
        self.folder = serving_folder(places)
        self.changed = threading.Condition()
        self.number = 0
        self.said: set[str] = set()
        self._files = threading.Lock()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def current(self) -> Path:
        return self.folder / str(self.number)

    def book(self) -> Edition:
        """Return the book as it is now, with pages that listen for changes."""
        return edition(self.project, forms=True, trees=self.current / "trees", live=LIVE)

    def follow(self) -> None:
        """Take the engine's trees each time that they changed and rest: it writes one after the other."""
        taken = last = Stamp()
        said = ""
        while True:
            now = _stamp(self.project)
            if now and now == last and now != taken:
                try:
                    self._take()
                    taken, said = now, ""
                except Exception as e:
                    # The engine began to write again, or a source is wrong; the next look tries again.
                    if said != repr(e):
                        said = repr(e)
                        print(f"theme error at the trees: {e}", flush=True)
            last = now
            time.sleep(LOOK_SECONDS)

    def wait(self, other_than: int = 0, seconds: float = FIRST_SECONDS) -> int:
        """Wait until the number of changes is another; return it, also when the time is over."""
        with self.changed:
            self.changed.wait_for(lambda: self.number != other_than, seconds)
            return self.number

    def _take(self) -> None:
        self.project = Project(self.places, load_courses(self.places), self.campus_url)
        new = self.folder / str(self.number + 1)
        shutil.rmtree(new, ignore_errors=True)
        shutil.copytree(self.project.folder / "_build" / "site", new / "trees")
        settle(new / "trees")
        (new / "assets").mkdir()
        write_assets(self.places, new / "assets")
        with self.changed:
            self.number += 1
            self.changed.notify_all()
        # Somebody may still read of the one before.
        shutil.rmtree(self.folder / str(self.number - 2), ignore_errors=True)
        found = {str(problem) for problem in undescribed(self.project, new / "trees")}
        self.said &= found
        self.tell(found)

    def tell(self, faults: set[str]) -> None:
        """Say what is wrong in the sources, each fault once until the next change."""
        for one in sorted(faults - self.said):
            print(f"theme fault {one}", flush=True)
        self.said |= faults

    def file(self, name: str) -> Path | None:
        """Return a file of the book that is no page. What only few ask for is made when somebody does, all at once."""
        now = self.current
        for folder, inner in (
            (now / "assets", name),
            (now / "trees" / "public", name.removeprefix("build/")),
        ):
            if (path := folder / inner).is_file() and path.resolve().is_relative_to(folder.resolve()):
                return path
        whole = now / "whole"
        with self._files:
            if not whole.exists():
                new = now / "new"
                shutil.rmtree(new, ignore_errors=True)
                new.mkdir()
                book = edition(self.project, forms=True, trees=now / "trees")
                write_site(self.project, new, book)
                after.finish(new, self.project, book)
                new.rename(whole)
        path = whole / name
        path = path / "index.html" if path.is_dir() else path
        return path if path.is_file() and path.resolve().is_relative_to(whole.resolve()) else None


class Handler(BaseHTTPRequestHandler):
    """Answers an author's browser with pages made at that moment."""

    def __init__(self, trees: Trees, *arguments: object) -> None:
        self.trees = trees
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        path = unquote(self.path.split("?")[0])
        if path == LIVE:
            return self._live()
        if not path.endswith("/") and "." not in Path(path).name:
            return self._redirect(f"{path}/")
        try:
            status, kind, data = 200, *self._answer(path)
        except KeyError:
            status, kind, data = 404, "text/plain", f"There is no page {path}.".encode()
        except PageError as e:
            self.trees.tell({*str(e).splitlines()})
            status, kind, data = 500, "text/html; charset=utf-8", _failed(path, e)
        except Exception as e:
            # The author sees what is wrong where the page would be; the next save tries again.
            print(f"theme error at {path}:\n{traceback.format_exc()}", flush=True)
            status, kind, data = 500, "text/html; charset=utf-8", _failed(path, e)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _redirect(self, path: str) -> None:
        """Lead to the address of a page, from which its links count."""
        self.send_response(302)
        self.send_header("Location", path)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer(self, path: str) -> tuple[str, bytes]:
        self.trees.wait()
        name = path.lstrip("/")
        if name == "search.js":
            return "text/javascript", search_js(self.trees.book().content).encode()
        if path.endswith("/") and not name.startswith("lite/"):
            return "text/html; charset=utf-8", self._page(name.strip("/").replace("/", ".")).encode()
        file = self.trees.file(name)
        if file is None:
            raise KeyError(path)
        return mimetypes.guess_type(file.name)[0] or "application/octet-stream", file.read_bytes()

    def _page(self, slug: str) -> str:
        """Return a page; raises PageError that names file and line."""
        book = self.trees.book()
        try:
            html = page_html(book, slug)
            self.trees.tell({*notes_on(self.trees.project, book, slug, html)})
            return html
        except KeyError:
            raise  # there is no such page
        except Exception as e:
            raise PageError(fault(self.trees.project, book, slug, e)) from e

    def _live(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        with contextlib.suppress(OSError):  # the page was closed
            told = self.trees.number
            while True:
                now = self.trees.wait(other_than=told, seconds=LOOK_SECONDS)
                self.wfile.write(b"data: changed\n\n" if now != told else b":\n\n")
                self.wfile.flush()
                told = now

    def log_message(self, format: str, *arguments: object) -> None:
        """Keep the log for faults."""


def _stamp(project: Project) -> Stamp:
    """Return when each of the engine's files and of the theme's changed; empty while the engine has written none."""
    site = project.folder / "_build" / "site"
    files = [*site.glob("content/*.json"), site / "config.json", project.folder / "lessons.json"]
    files += (project.places.book / "theme").rglob("*.*")
    try:
        return {file: file.stat().st_mtime_ns for file in files}
    except FileNotFoundError:
        return {}


def _failed(path: str, error: Exception) -> bytes:
    reload = f"<script>new EventSource('{LIVE}').onmessage=()=>location.reload()</script>"
    return f"<!doctype html><title>Error</title><h1>{escape(path)}</h1><pre>{escape(str(error))}</pre>{reload}".encode()


def main() -> None:
    """Serve until the engine stops us."""
    places = Places.find()
    trees = Trees(places, os.environ.get("CAMPUS_URL", ""))
    threading.Thread(target=trees.follow, daemon=True).start()
    port = int(os.environ["PORT"])
    server = ThreadingHTTPServer(("localhost", port), partial(Handler, trees))
    print(f"Theme ready at http://localhost:{port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
