"""`campus book serve`: the book while somebody writes it. A saved source is on the page in about a second.

The engine that watches makes the saved page first. What other pages show of it (numbers, titles, words) follows a
few seconds later, when all pages were made anew; then the book is as `campus build book` would make it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from tpc_courses.base.places import Places
from tpc_courses.base.problems import SourceError
from tpc_courses.sources.manifest import load_courses

from tpc_book.engine import engine
from tpc_book.engine.project import Project
from tpc_book.site.serve import serving_folder

LOOK_SECONDS = 0.3
STOP_SECONDS = 5
Say = Callable[[str], None]


def serve(
    places: Places, campus_url: str, port: int, say: Say = print, stop: threading.Event | None = None
) -> None:
    """Serve the book at `port` until Ctrl-C or `stop`.

    Lessons show the outputs of their last run; nothing is executed.
    """
    stop = stop or threading.Event()
    project = Project(places, load_courses(places), campus_url)
    project.write()
    with _engine(project, port, say):
        say(f"The book is at http://localhost:{port}/ and follows what you save. Stop with Ctrl-C.")
        seen, all_due = stamps(places), False
        while not stop.wait(LOOK_SECONDS):
            now = stamps(places)
            if all_due and now == seen:
                project.ask_for_all()
            all_due = now != seen
            if now != seen:
                changed = sorted(
                    path.name for path in now.keys() | seen.keys() if now.get(path) != seen.get(path)
                )
                seen = now
                _update(places, campus_url, changed, say)


def stamps(places: Places) -> dict[Path, float]:
    """Return when each source of the book last changed."""
    folders = (places.book / "content", places.book / "data", places.courses, places.notebooks)
    suffixes = {".md", ".yml", ".ipynb", ".bib", ".png", ".svg", ".jpg", ".toml"}
    found = {}
    for folder in folders:
        for path in folder.rglob("*"):
            if path.suffix in suffixes:
                with contextlib.suppress(FileNotFoundError):  # an editor may replace it at this moment
                    found[path] = path.stat().st_mtime
    return found


def _update(places: Places, campus_url: str, changed: list[str], say: Say) -> None:
    try:
        Project(places, load_courses(places), campus_url).write()
        say(f"Saved: {', '.join(changed)}")
    except (SourceError, OSError) as e:
        say(f"{e}\nThe page stays as it was.")


@contextlib.contextmanager
def _engine(project: Project, port: int, say: Say) -> Iterator[None]:
    """Run the engine, which watches the project folder and starts the theme's server."""
    places = project.places
    environment = {
        **engine.environment(project),
        "CAMPUS_ROOT": str(places.root),
        "CAMPUS_STATE": str(places.state),
        "CAMPUS_URL": project.campus_url,
        # A theme is told its address by the engine; where HOST is set it would use that.
        "HOST": "localhost",
    }
    process = subprocess.Popen(
        engine.command("start", "--port", str(port), "--server-port", str(port + 1)),
        cwd=project.folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    threading.Thread(target=_report, args=(process, project, say), daemon=True).start()
    try:
        yield
    finally:
        # The engine and the theme's server it started are one group of processes.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        shutil.rmtree(serving_folder(places), ignore_errors=True)


def _report(process: subprocess.Popen[str], project: Project, say: Say) -> None:
    """Say what the engine finds wrong, as file and line."""
    assert process.stdout is not None
    for line in process.stdout:
        for problem in engine.problems(line, project):
            say(str(problem))
        for note in engine.problems(line, project, hints=True):
            say(f"Note: {note.path}: {note.where}: {note.found}")
        if line.startswith("theme error"):
            say(line.strip())
        if line.startswith("theme fault "):
            say(line.removeprefix("theme fault ").strip())
