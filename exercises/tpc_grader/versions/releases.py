"""Released exercises: the folder that students fetch, and every version there ever was.

intake/<course>/versions/<exercise>/<version>/   each version, kept so that old work can be graded again
intake/<course>/outbound/<exercise>              a link to the version that students fetch now
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tpc_courses.base.files import point

from tpc_grader.submissions.archive import NOTEBOOK, Limits
from tpc_grader.submissions.folder import read_folder

# Releases come from the instructor, and may carry data.
LIMITS = Limits(files=500, file_bytes=64 * 2**20, total_bytes=128 * 2**20, archive_bytes=130 * 2**20)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")


@dataclass(frozen=True)
class Release:
    """An exercise as students fetch it. `version` names what it was made from, tests included."""

    course: str
    exercise: str
    version: str
    folder: Path

    @property
    def notebooks(self) -> tuple[str, ...]:
        """Return the names of its notebooks."""
        return tuple(sorted(path.name for path in self.folder.glob(f"*{NOTEBOOK}")))

    def files(self) -> dict[str, bytes]:
        """Return the files by name."""
        return read_folder(self.folder, limits=LIMITS)


def version_of(folder: Path) -> str:
    """Return the version of an exercise: the start of the hash of all files it is made from."""
    return digest_of(read_folder(folder, _passing, LIMITS))[:16]


def digest_of(files: Mapping[str, bytes]) -> str:
    """Return one hash of names and bytes of files."""
    digest = hashlib.sha256()
    for name, data in sorted(files.items()):
        digest.update(name.encode() + b"\0" + hashlib.sha256(data).digest())
    return digest.hexdigest()


def _passing(_: str, names: Sequence[str]) -> list[str]:
    """Return what programs leave in a folder while somebody works in it."""
    return [name for name in names if name.startswith(".") or name == "__pycache__"]


def publish(root: Path, course: str, exercise: str, files: Mapping[str, bytes], version: str) -> Release:
    """Let students fetch these files from now on; a reader sees the old release or the new one, whole."""
    kept = _versions(root, course, exercise) / version
    draft = kept.with_name(f".{version}-{secrets.token_hex(4)}")
    _write(draft, files)
    if kept.exists():
        # The same source, released with other files beside it: the newest is what this version means.
        kept.rename(draft.with_name(f"{draft.name}-old"))
    draft.rename(kept)
    outbound = root / course / "outbound" / exercise
    outbound.parent.mkdir(parents=True, exist_ok=True)
    point(outbound, os.path.relpath(kept, outbound.parent))
    for old in kept.parent.glob(".*-old"):
        shutil.rmtree(old)
    return Release(course, exercise, version, outbound)


def withdraw(root: Path, course: str, exercise: str) -> None:
    """Let nobody fetch an exercise any more; its versions stay."""
    (root / course / "outbound" / exercise).unlink()


def released(root: Path, course: str, exercise: str) -> Release | None:
    """Return what students fetch, or None."""
    if not (_NAME.fullmatch(course) and _NAME.fullmatch(exercise)):
        return None
    folder = root / course / "outbound" / exercise
    # Where the link points is read once: name and files of a release never disagree.
    kept = folder.resolve()
    return Release(course, exercise, kept.name, kept) if folder.is_symlink() and kept.is_dir() else None


def all_released(root: Path, course: str) -> list[Release]:
    """Return everything that can be fetched in a course, by name."""
    folders = sorted((root / course / "outbound").glob("[!.]*"))
    return [release for folder in folders if (release := released(root, course, folder.name))]


def courses(root: Path) -> list[str]:
    """Return the courses in which something was released."""
    return sorted(path.parent.name for path in root.glob("[!.]*/outbound"))


def _versions(root: Path, course: str, exercise: str) -> Path:
    return root / course / "versions" / exercise


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
