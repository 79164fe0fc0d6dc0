"""Three versions of each file: published last, published now, and the person's. What they changed is never lost.

Their changes go into the new version where git can merge them. Where it cannot, or where they have something of their
own in the way, theirs is kept under a name that says so, and they are told.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import itertools
import json
import os
import stat
import tempfile
from pathlib import Path

import nbformat

from tpc_courses.pulling.store import GitFailed, Store, adopt, git, stores

# Larger files are not read to be merged.
MOST_BYTES = 64 * 2**20


def pull(url: str, folder: Path, store: Path, wanted: str, told: list[str]) -> None:
    """Bring the lessons in a folder up to date; adds to `told` what the person should know, in sentences.

    `wanted` is the path of the lesson that is opened next. Raises GitFailed when the lessons cannot be reached, and
    OSError when the home cannot be written.
    """
    reason = GitFailed("no lessons")
    for each in stores(store, url):
        if not each.last() and (folder / ".git").is_dir():
            adopt(each, folder / ".git")  # an older campus pulled by git, into a clone
        try:
            return _Pull(each, folder, told).run(wanted)
        except GitFailed as e:
            reason = e
    raise reason


class _Pull:
    """One bringing up to date."""

    def __init__(self, store: Store, folder: Path, told: list[str]) -> None:
        self.store, self.folder, self.told = store, folder, told
        self.old, self.new = store.last(), store.files()
        self.moved = store.renames() if self.old else {}

    def run(self, wanted: str) -> None:
        self._clear_way(self.folder)
        self.folder.mkdir(exist_ok=True)
        edited = {new: old for new, old in self.moved.items() if self._is_edited(old)}
        for path in sorted(set(self.old) - set(self.new)):
            if _blob(self._read(path)) == self.old[path]:
                self._remove(path)
        for path in sorted(self.new):
            self._bring(path, edited.get(path, path), path == wanted)
        self.store.remember()

    def _bring(self, path: str, source: str, opened: bool) -> None:
        """Bring one file; `source` is where the person's version of it lies."""
        where, was, now = self.folder / path, self.old.get(source), self.new[path]
        self._clear_way(where, is_folder=False)
        if source != path and os.path.lexists(where):
            self._keep(where)
        if not os.path.lexists(self.folder / source):
            return self._write(path, self.store.content(now))
        mine = self._read(source)
        if source == path and (now == was or _blob(mine) == now):
            if opened and mine is not None and not _opens(path, mine):
                self._keep(where)
                self._write(path, self.store.content(now))
            return None
        if _blob(mine) == was or (was is None and _blob(mine) in self.store.ever()):
            return self._write(path, self.store.content(now))
        merged = self._merged(path, mine, was, now)
        if merged is None and source == path:
            self._keep(where)
        self._write(path, self.store.content(now) if merged is None else merged)
        if merged is not None and source != path:
            self._remove(source)
        return None

    def _merged(self, path: str, mine: bytes | None, was: str | None, now: str) -> bytes | None:
        """Return the person's version with what is new; None when that gives nothing that can be opened."""
        if mine is None or was is None:
            return None
        with tempfile.TemporaryDirectory() as name, contextlib.suppress(GitFailed):
            for each, data in (
                ("mine", mine),
                ("was", self.store.content(was)),
                ("now", self.store.content(now)),
            ):
                (Path(name) / each).write_bytes(data)
            found = git(Path(name), "merge-file", "-p", "--ours", "mine", "was", "now")
            plain = git(Path(name), "merge-file", "-p", "mine", "was", "now", accepted=range(128))
            if _opens(path, found, strictly=True):
                if found != plain:
                    self.told.append(
                        f"lessons/{path} is new in a place that you changed. Your version is kept there."
                    )
                return found
        return None

    def _is_edited(self, path: str) -> bool:
        mine = self._read(path)
        return mine is not None and _blob(mine) != self.old[path]

    def _read(self, path: str) -> bytes | None:
        """Return a file; None when there is none, or none that can be read."""
        where = self.folder / path
        try:
            about = where.lstat()
            return where.read_bytes() if stat.S_ISREG(about.st_mode) and about.st_size <= MOST_BYTES else None
        except OSError:
            return None

    def _write(self, path: str, data: bytes) -> None:
        """Write a file as a whole, or not at all."""
        where = self.folder / path
        where.parent.mkdir(parents=True, exist_ok=True)
        _make_writable(where.parent)
        number, name = tempfile.mkstemp(prefix=".", suffix=".new", dir=where.parent)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(data)
            os.chmod(name, 0o644)
            os.replace(name, where)
        except OSError:
            os.unlink(name)
            raise

    def _remove(self, path: str) -> None:
        where = self.folder / path
        _make_writable(where.parent)
        where.unlink(missing_ok=True)
        if where.parent != self.folder:
            with contextlib.suppress(OSError):  # something else is in it
                where.parent.rmdir()

    def _clear_way(self, goal: Path, is_folder: bool = True) -> None:
        """Keep aside what stands where a file or folder of lessons, or a folder above it, is to be."""
        above = [goal, *goal.parents]
        for where in reversed(above[: above.index(self.folder) + 1]):
            if not os.path.lexists(where):
                return
            mode = where.lstat().st_mode
            if where == goal and not is_folder:
                fits = stat.S_ISREG(mode) and os.access(where, os.R_OK)
            else:
                fits = stat.S_ISDIR(mode)
                if fits:
                    _make_writable(where)
            if not fits:
                return self._keep(where)

    def _keep(self, where: Path) -> None:
        """Rename something of the person's so that the name says whose it is, and tell them."""
        _make_writable(where.parent)
        suffix = "" if where.is_dir() else where.suffix
        for number in itertools.count(1):
            day = f"yours, {dt.date.today()}" + (f", {number}" if number > 1 else "")
            kept = where.with_name(f"{where.name.removesuffix(suffix)} ({day}){suffix}")
            if not os.path.lexists(kept):
                break
        where.rename(kept)
        path = where.relative_to(self.folder.parent)
        self.told.append(
            f"You had something of your own at {path}, where a lesson comes. It is kept as “{kept.name}”."
        )


def _make_writable(folder: Path) -> None:
    """Let the owner write into a folder of theirs that they protected."""
    mode = folder.stat().st_mode
    if mode & 0o700 != 0o700:
        folder.chmod(mode | 0o700)


def _blob(data: bytes | None) -> str:
    """Return what git calls this content."""
    return "" if data is None else hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _opens(path: str, data: bytes, strictly: bool = False) -> bool:
    """Return whether a file can be opened: a notebook as a notebook; `strictly`, one that follows its format."""
    if not path.endswith(".ipynb"):
        return True
    try:
        notebook = json.loads(data)
        if strictly:
            nbformat.validate(notebook)
        return isinstance(notebook["cells"], list)
    except (ValueError, TypeError, KeyError, nbformat.ValidationError):
        return False
