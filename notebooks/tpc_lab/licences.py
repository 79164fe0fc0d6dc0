"""Licence texts of this machine, read where they lie: a real corpus full of near-duplicates, never copied."""

import sys
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

__all__ = ["LicenceText", "read_licences"]

DEBIAN = Path("/usr/share/doc")
FEWEST = 100  # below this the share of duplicates says little, so the Python packages' texts are added


@dataclass(frozen=True)
class LicenceText:
    """One licence file: the package it belongs to, where it was found ("debian" or "python"), its text."""

    package: str
    origin: str
    text: str


def read_licences(
    root: Path = DEBIAN, fewest: int = FEWEST, longest: int = 100_000
) -> tuple[LicenceText, ...]:
    """The texts of `root`/*/copyright, in name order, each cut to `longest` characters.

    Where fewer than `fewest` exist (a slim container), LICENSE files of installed Python packages are
    added. Raises FileNotFoundError when there is no text at all.
    """
    texts = [
        LicenceText(path.parent.name, "debian", _head(path, longest))
        for path in sorted(root.glob("*/copyright"))
        if path.is_file()
    ]
    if len(texts) < fewest:
        texts += _from_python_packages(longest)
    if not texts:
        raise FileNotFoundError(f"no {root}/*/copyright and no installed Python package with a LICENSE file")
    return tuple(texts)


def _from_python_packages(longest: int) -> list[LicenceText]:
    found = {}
    for package in distributions():
        for file in package.files or ():
            path = Path(str(file.locate()))
            if "licen" in file.name.lower() and path.suffix in {"", ".txt", ".md", ".rst"} and path.is_file():
                name = f"{package.metadata['Name']}/{file.name}"
                found[f"{name} {file.parent}"] = LicenceText(name, "python", _head(path, longest))
    return [found[key] for key in sorted(found)]


def _head(path: Path, longest: int) -> str:
    with path.open(encoding="utf-8", errors="replace") as stream:
        return sys.intern(stream.read(longest))  # equal texts, nearly half of them, are kept once
