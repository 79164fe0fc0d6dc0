"""Published lessons as a person's server knows them: a bare repository with the newest, and those that came last.

It lies where nobody works, and whatever is wrong with it, a new one takes its place.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

NEW, LAST = "refs/campus/new", "refs/campus/last"
PUBLISHER = "campus@localhost"
_BEFORE = ("refs/campus/before/mine", "refs/campus/before/published")
# Neither settings nor hooks of the person: they are for their own repositories.
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "gc.auto=0",
    "maintenance.auto=false",
    "http.lowSpeedLimit=1",
    "http.lowSpeedTime=20",
)


class GitFailed(Exception):
    """Git could not do what it was asked; the message is git's."""


class Store:
    """A bare repository of published lessons."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fetch(self, url: str) -> None:
        """Get the newest lessons."""
        if not (self.folder / "HEAD").exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            self._git("init", "--quiet", "--bare", "--template=")
        # One process at a time works here: a lock was left by one that was killed.
        for lock in self.folder.rglob("*.lock"):
            lock.unlink()
        self._git("fetch", "--quiet", "--no-tags", url, f"+refs/heads/main:{NEW}")

    def adopt(self, other: Path) -> None:
        """Learn from another repository what came last: from a store, or a clone that was pulled and merged into."""
        if (other / "refs" / "campus").exists():
            self._git("fetch", "--quiet", "--no-tags", str(other), f"+{LAST}:{LAST}")
            return
        heads = zip(("HEAD", "refs/remotes/origin/main"), _BEFORE, strict=True)
        self._git("fetch", "--quiet", "--no-tags", str(other), *(f"+{head}:{ref}" for head, ref in heads))
        base = self._git("merge-base", *_BEFORE).decode().strip()
        # A clone of something else has nothing to say.
        if self._git("log", "-1", "--format=%ae", base).decode().strip() == PUBLISHER:
            self._git("update-ref", LAST, base)

    def last(self) -> dict[str, str]:
        """Return the files that came last, path to blob; nothing at the first time."""
        try:
            return self.files(LAST)
        except GitFailed:
            return {}

    def files(self, revision: str = NEW) -> dict[str, str]:
        """Return the files of a revision, path to blob."""
        lines = self._git("ls-tree", "-r", "-z", revision).decode().split("\0")
        entries = (line.split("\t", 1) for line in lines if line.startswith("100"))
        return {path: about.split()[2] for about, path in entries}

    def renames(self) -> dict[str, str]:
        """Return which new path was which old one."""
        told = self._git("diff-tree", "-r", "-z", "-M", "--diff-filter=R", "--name-status", LAST, NEW)
        names = told.decode().split("\0")[:-1]
        return dict(zip(names[2::3], names[1::3], strict=True))

    def content(self, blob: str) -> bytes:
        """Return a file."""
        return self._git("cat-file", "blob", blob)

    def ever(self) -> set[str]:
        """Return every blob that was ever published."""
        return {line.split(" ")[0] for line in self._git("rev-list", "--objects", NEW).decode().splitlines()}

    def remember(self) -> None:
        """Note that the newest lessons are those that came last."""
        self._git("update-ref", LAST, NEW)

    def _git(self, *arguments: str) -> bytes:
        return git(self.folder, *arguments)


def stores(folder: Path, url: str) -> Iterator[Store]:
    """Yield a store with the newest lessons, and when that is of no use, one made from nothing.

    Raises GitFailed when the lessons cannot be reached.
    """
    kept = Store(folder)
    try:
        kept.fetch(url)
        yield kept
    except (GitFailed, OSError):
        pass
    fresh = Store(Path(tempfile.mkdtemp(prefix="lessons-")))
    try:
        fresh.fetch(url)
        adopt(fresh, folder)
        try:
            remove(folder)
            folder.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(fresh.folder, folder)
        except OSError:  # a full home, or something else of that name: what is in memory does
            yield fresh
        else:
            yield kept
    finally:
        shutil.rmtree(fresh.folder, ignore_errors=True)


def adopt(store: Store, other: Path) -> None:
    """Learn what came last from a repository that may not be one."""
    try:
        store.adopt(other)
    except (GitFailed, OSError):
        return


def remove(path: Path) -> None:
    """Remove a folder or a file."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def git(folder: Path, *arguments: str, accepted: range = range(1)) -> bytes:
    """Return what git says, whatever the person told git elsewhere; raises GitFailed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    own = {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
    settings = [part for setting in _SETTINGS for part in ("-c", setting)]
    done = subprocess.run(
        ["git", *settings, *arguments],
        cwd=folder,
        env=environment | own,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode not in accepted:
        raise GitFailed(f"git {arguments[0]}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
