"""Files and folders that are there whole or not at all, and locks that end with the process that holds them."""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path


class Busy(RuntimeError):
    """Another process holds a lock; says what that process noted in it."""


def write_whole(path: Path, data: str | bytes, mode: int = 0o666, durable: bool = False) -> None:
    """Write a file; who looks at any moment finds the old one or the new one, if `durable` also after a power cut."""
    draft = _beside(path)
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    if durable:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of `path` at the end, unless an exception ends it before."""
    draft = path.with_name(f".{path.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    yield draft
    shutil.rmtree(path, ignore_errors=True)
    draft.rename(path)


def point(link: Path, target: str | Path) -> None:
    """Let a symbolic link lead to `target` from now on; it is there at every moment."""
    draft = _beside(link)
    draft.symlink_to(target)
    os.replace(draft, link)


@contextlib.contextmanager
def locked(path: Path, wait_seconds: float = math.inf, note: str = "") -> Iterator[None]:
    """Hold a lock that the kernel frees when the process ends, however it ends; raises Busy after `wait_seconds`.

    `note` is what others may read of the holder; only its user may.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        deadline = time.monotonic() + wait_seconds
        while not _taken(file.fileno(), wait=wait_seconds == math.inf):
            if time.monotonic() >= deadline:
                raise Busy(file.read().strip())
            time.sleep(0.05)
        file.truncate(0)
        file.write(note)
        file.flush()
        yield


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name[:40]}-{secrets.token_hex(4)}")


def _taken(file: int, wait: bool) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True
