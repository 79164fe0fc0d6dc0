"""Texts that were made before, so that a build makes only what changed: pages, chapters, notebooks.

A text is kept under a digest of all that it depends on, this package and the theme among it; so what is found is what
would be made. The folder may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from tpc_courses.base.files import write_whole
from tpc_courses.base.places import Places

# They take part in what a page looks like; a new version makes all pages anew.
MAKERS = ("jinja2", "jupyter-book", "jupytext", "markdown-it-py", "nbformat", "nh3", "pygments")


class Kept:
    """A folder of texts by digest. `used` are those of this build, whatever else lies there may go."""

    def __init__(self, folder: Path, makers: str) -> None:
        self.folder = folder
        self.makers = makers
        self.used: set[str] = set()

    def text(self, make: Callable[[], str], *depends: object) -> str:
        """Return `make()`, or what it returned before for the same `depends`: texts, bytes and plain values."""
        name = digest(self.makers, *depends)
        self.used.add(name)
        path = self.folder / name[:2] / name
        try:
            return path.read_bytes().decode()
        except FileNotFoundError:
            made = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, made)
        return made

    def forget_unused(self, days: float = 0) -> None:
        """Delete what this build did not ask for, if it was made longer than `days` ago."""
        oldest = time.time() - days * 86_400
        for path in self.folder.glob("*/*"):
            if path.name not in self.used and path.stat().st_mtime <= oldest:
                path.unlink(missing_ok=True)


def kept_texts(places: Places) -> Kept:
    """Return the texts kept in the state folder, by the programs and the theme as they are now."""
    return Kept(places.state / "book" / "kept", makers_digest(places))


def digest(*depends: object) -> str:
    """Return a digest of texts, bytes and plain values.

    >>> digest("a", 1) == digest("a", 1), digest("ab") == digest("a", "b")
    (True, False)
    """
    found = hashlib.sha256()
    for value in depends:
        data = value if isinstance(value, bytes) else repr(value).encode()
        found.update(f"{len(data)} ".encode() + data)
    return found.hexdigest()


def makers_digest(places: Places) -> str:
    """Return a digest of all that makes pages: this package, the courses' reader, the theme, foreign packages."""
    code = Path(__file__).parents[1]
    folders = (code, places.book / "theme", places.root / "courses" / "tpc_courses")
    files = sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())
    parts = [part for path in files if path.suffix != ".pyc" for part in (path.name, path.read_bytes())]
    # Figures are drawn with Node; without it pages have places for them.
    pinned = places.root / "package-lock.json"
    parts += [pinned.read_bytes() if pinned.exists() else b""]
    return digest(*parts, *(version(name) for name in MAKERS), shutil.which("node"))
