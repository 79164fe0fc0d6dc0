"""The address that opens a lesson: brings the lessons, leads to the notebook, and says what the person should know."""

from __future__ import annotations

import asyncio
import html
import logging
import os
from pathlib import Path

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_escape, url_path_join
from tornado import web

from tpc_courses.pulling.environment import CAMPUS, PAGE, URL
from tpc_courses.pulling.pull import pull
from tpc_courses.pulling.store import GitFailed

FOLDER = "lessons"
STORE = ".local/share/tpc-campus/lessons.git"
UNREACHED = (
    "The lessons could not be brought up to date just now. You have them as they were when you opened one last. "
    "If this goes on, tell your instructor."
)
FULL = (
    "The lessons could not be brought up to date: your home cannot be written, or is full. "
    "Delete what you do not need, then open the lesson again."
)
GONE = "This lesson is not among those of this campus any more."
log = logging.getLogger(__name__)
_one_at_a_time = asyncio.Lock()


def handlers(base_url: str) -> list[tuple[str, type[JupyterHandler]]]:
    """Return what serves lessons below a server's address."""
    return [(url_path_join(base_url, FOLDER, r"([\w-]+/[\w-]+)"), Lesson)]


class Lesson(JupyterHandler):
    """Opens a lesson."""

    @web.authenticated
    async def get(self, slug: str) -> None:
        """Bring the lessons, then lead to the notebook, after a page of sentences where there are any."""
        home = Path(os.path.expanduser(self.settings["server_root_dir"]))
        path, told = f"{slug}.ipynb", list[str]()
        async with _one_at_a_time:
            await asyncio.to_thread(_bring, home, path, told)
        there = (home / FOLDER / path).is_file()
        goal = url_path_join(self.base_url, "lab/tree", FOLDER, url_escape(path))
        if there and not told:
            return self.redirect(goal)
        self.set_header("Cache-Control", "no-store")
        await self.finish(_page([*told, *([] if told else [GONE])], goal if there else ""))


def _bring(home: Path, wanted: str, told: list[str]) -> None:
    try:
        pull(os.environ[URL], home / FOLDER, home / STORE, wanted, told)
    except GitFailed as e:
        log.warning("Lessons were not brought up to date: %s", e)
        told.append(UNREACHED)
    except OSError as e:
        log.warning("Lessons were not brought up to date: %s", e)
        told.append(FULL)


def _page(told: list[str], goal: str) -> str:
    """Return the page that says something before a lesson opens; without `goal` there is none to open."""
    campus = os.environ.get(CAMPUS, "")
    values = {
        "told": "".join(f"<li>{html.escape(line)}</li>" for line in told),
        "campus": html.escape(campus),
        "goal": html.escape(goal or f"{campus}/"),
        "action": "Open the lesson" if goal else "Back to my courses",
    }
    text = Path(os.environ[PAGE]).read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"[[{name}]]", value)
    return text
