"""Reads the plain files of a folder, with caps: never through a link, and no device, pipe or second name of a file."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from tpc_grader.submissions.archive import LIMITS, Limits, Refused, shown, size_text, too_large, too_many

Ignored = Callable[[str, Sequence[str]], Iterable[str]]


def read_folder(folder: Path, ignored: Ignored | None = None, limits: Limits = LIMITS) -> dict[str, bytes]:
    """Return the plain files under a folder by relative name; raises Refused.

    `ignored` says, as for `shutil.copytree`, which names of a folder to leave out. Reads nothing but regular
    files with a single name, and never through a link.
    """
    files, total = dict[str, bytes](), 0
    for name in _walk(folder, "", ignored or (lambda _, names: ()), limits):
        data = read_plain(folder, name, limits)
        total += len(data)
        if total > limits.total_bytes:
            raise Refused(
                f"The files are larger than {size_text(limits.total_bytes)} together. Remove some.", 413
            )
        if len(files) >= limits.files:
            raise too_many(limits)
        plain = unicodedata.normalize("NFC", name)
        if plain in files:
            raise Refused(f"{shown(name)}: two files have this name, typed differently. Rename one of them.")
        files[plain] = data
    return files


def _walk(folder: Path, prefix: str, ignored: Ignored, limits: Limits) -> Iterator[str]:
    names = sorted(islice((entry.name for entry in os.scandir(folder)), 2 * limits.files + 1))
    if len(names) > 2 * limits.files:
        raise too_many(limits)
    left_out = set(ignored(str(folder), names))
    for name in names:
        path = folder / name
        if name in left_out:
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path, f"{prefix}{name}/", ignored, limits)
        else:
            yield f"{prefix}{name}"


def read_plain(folder: Path, name: str, limits: Limits = LIMITS) -> bytes:
    """Return the bytes of one plain file of a folder; raises Refused."""
    try:
        # Without O_NONBLOCK a pipe would keep us waiting for somebody to write.
        number = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as e:
        raise Refused(
            f"{shown(name)}: a link, or not readable ({e.strerror}). Remove it, then submit again."
        ) from e
    with os.fdopen(number, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            raise Refused(
                f"{shown(name)}: a link, device or pipe, not a file of its own. Remove it, then submit again."
            )
        data = b"" if found.st_size > limits.file_bytes else file.read(limits.file_bytes + 1)
        if max(found.st_size, len(data)) > limits.file_bytes:
            raise too_large(name, limits)
        return data
