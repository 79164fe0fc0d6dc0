"""All that a book is made of, as digests: what is made of equal sources is equal, and need not be made again."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path

from tpc_courses.base.places import Places

from tpc_book.base.cache import digest
from tpc_book.data.bibliography import read_bibliography

# What npm wrote about the packages from which fonts and formulas come.
INSTALLED = "node_modules/.package-lock.json"


def days(today: dt.date | None = None) -> tuple[dt.date, dt.date]:
    """Return the oldest and the newest of the days that it now is somewhere on Earth, or twice the day given.

    What closes on a day is open until that day is over everywhere; consent ends when its last day is over anywhere.
    """
    now = dt.datetime.now(dt.UTC)
    oldest, newest = now - dt.timedelta(hours=12), now + dt.timedelta(hours=14)
    return (today, today) if today else (oldest.date(), newest.date())


def of_book(places: Places, campus_url: str, makers: str) -> str:
    """Return a digest of everything that `campus build book` reads; `makers` stands for the programs."""
    content = [*_files(places.book / "content"), places.root / INSTALLED]
    content += _files(places.root / "hub" / "tpc_hub" / "static")
    printed = [
        (path.name, path.stat().st_size, path.stat().st_mtime_ns)
        for path in _files(places.state / "book" / "pdf")
    ]
    return digest(makers, _around_pages(places, campus_url), printed, *_named(places.root, content))


def of_generated(places: Places, campus_url: str) -> str:
    """Return a digest of all that generated pages and feeds are made of.

    Of pages written by hand that is their names, and the works that each cites.
    """
    works = read_bibliography(places).values()
    pages = {
        path.name: path.read_text(encoding="utf-8") for path in sorted((places.book / "content").glob("*.md"))
    }
    cited = [(name, [work.key for work in works if work.is_cited_in(text)]) for name, text in pages.items()]
    bibliography = (places.book / "content" / "references.bib").read_bytes()
    return digest(_around_pages(places, campus_url), cited, bibliography)


def _around_pages(places: Places, campus_url: str) -> str:
    """Return a digest of everything but what is written by hand for the book."""
    folders = (places.book / "data", places.courses, places.notebooks, places.exercises)
    files = [path for folder in folders for path in _files(folder)]
    files += [places.book / "myst.yml", places.root / "CITATION.cff"]
    runs = [path for path in _files(places.runs) if not path.name.endswith((".source.ipynb", ".new.ipynb"))]
    lite = places.state / "book" / "lite" / "current"
    in_browser = (os.path.realpath(lite), (lite / "jupyter-lite.json").exists())
    return digest(campus_url, days(), in_browser, *_named(places.root, files), *_named(places.state, runs))


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            yield path


def _named(folder: Path, files: list[Path]) -> Iterator[object]:
    """Yield the name and the bytes of each file; of one that is not there, that it is not."""
    for path in files:
        yield path.relative_to(folder).as_posix()
        yield path.read_bytes() if path.exists() else None
