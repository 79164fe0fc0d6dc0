"""Gates that need no browser: links, what pages load, what must not be in any file."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import unquote

from tpc_courses.base.places import Places
from tpc_courses.base.problems import Problem

from tpc_book.gates.report import FOREIGN, pages, shown

ADDRESS = re.compile(r'\s(?:href|src|poster|srcset|action|data)="([^"]*)"')
# The parts of a page that a browser loads by itself; links are only followed by people.
LOADED = re.compile(
    r'<(?:script|img|iframe|video|audio|source|track|embed)\b[^>]*\ssrc="((?:https?:)?//[^"]+)"'
    r'|<link\b(?=[^>]*rel="(?:stylesheet|icon|preload|modulepreload|manifest)")[^>]*href="((?:https?:)?//[^"]+)"'
)
IN_STYLES = re.compile(r"(?:@import\s+|url\(\s*)['\"]?((?:https?:)?//[^'\")]+)")
IDENTITY = re.compile(r'\sid="([^"]*)"')
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
MARKS = re.compile(r"### ?(?:BEGIN|END) (?:SOLUTION|HIDDEN TESTS)")
HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS", re.DOTALL)
TELLING_LENGTH = 30
TEXT = {
    ".html",
    ".js",
    ".mjs",
    ".css",
    ".json",
    ".ipynb",
    ".md",
    ".xml",
    ".ics",
    ".txt",
    ".svg",
    ".py",
    ".bib",
}


def link_problems(site: Path) -> Iterator[Problem]:
    """Yield a problem for each link within the book that leads nowhere, and each id that stands twice."""
    site = site.resolve()
    texts = {
        site / page / "index.html": (site / page / "index.html").read_text(encoding="utf-8")
        for page in pages(site)
    }
    ids = {path: IDENTITY.findall(text) for path, text in texts.items()}
    for path, text in texts.items():
        page = shown(path.parent.relative_to(site).as_posix().removeprefix(".") + "/").replace("//", "/")
        for name in sorted({name for name in ids[path] if ids[path].count(name) > 1}):
            yield Problem(page, f"id {name}", "stands twice", "Give each label its own name")
        for url in sorted(set(ADDRESS.findall(text))):
            if reason := _broken(path, unescape(url), ids):
                yield Problem(page, url, reason, "Correct the link or its target")


def _broken(path: Path, url: str, ids: dict[Path, list[str]]) -> str:
    """Return why a link leads nowhere; empty when it leads somewhere, or out of the book."""
    place, _, anchor = url.partition("#")
    place = place.partition("?")[0]
    if SCHEME.match(url) or url.startswith("//"):
        return ""
    target = (path.parent / unquote(place)).resolve() if place else path
    target = target / "index.html" if target.is_dir() else target
    if not target.exists():
        return "leads to no file"
    known = ids.get(target)
    return (
        "leads to no such part of its page"
        if anchor and known is not None and unquote(anchor) not in known
        else ""
    )


def outside_problems(site: Path) -> Iterator[Problem]:
    """Yield a problem for everything that a page or a style would load from another origin."""
    for page in pages(site):
        text = (site / page / "index.html").read_text(encoding="utf-8")
        for found in LOADED.findall(text):
            yield Problem(
                shown(page), "".join(found), "is loaded from another origin", "Bring the file into the book"
            )
    for path in site.glob("*.css"):
        for url in IN_STYLES.findall(path.read_text(encoding="utf-8")):
            yield Problem(
                f"/book/{path.name}", url, "is loaded from another origin", "Bring the file into the book"
            )


def secret_problems(site: Path, places: Places) -> Iterator[Problem]:
    """Yield a problem for each file of the book that holds a solution's mark or a line of a hidden test."""
    hidden = hidden_lines(places)
    for name, text in _texts(site):
        if mark := MARKS.search(text):
            yield Problem(name, "text", f"holds {mark[0]!r}", "Solutions belong into exercises/ only")
        for line, source in hidden.items():
            if line in text:
                yield Problem(name, "text", f"holds a hidden test of {source}", "Write the lesson without it")


def hidden_lines(places: Places) -> dict[str, str]:
    """Return the telling lines of all hidden tests, with the exercise of each."""
    found: dict[str, str] = {}
    for path in sorted(places.exercises.rglob("*.md")):
        for block in HIDDEN.findall(path.read_text(encoding="utf-8")):
            lines = (line.strip() for line in block.splitlines())
            found |= {line: path.stem for line in lines if len(line) >= TELLING_LENGTH}
    return found


def _texts(site: Path) -> Iterator[tuple[str, str]]:
    """Yield every text of the book by name, those inside an EPUB or zip too."""
    for path in sorted(path for path in site.resolve().rglob("*") if path.is_file()):
        name = path.relative_to(site.resolve()).as_posix()
        if path.suffix in TEXT and not name.startswith(f"{FOREIGN}/static/"):
            yield f"/book/{name}", path.read_text(encoding="utf-8", errors="ignore")
        elif path.suffix in {".epub", ".zip", ".whl"}:
            with zipfile.ZipFile(path) as archive:
                for inner in archive.namelist():
                    if Path(inner).suffix in TEXT | {".xhtml"}:
                        yield f"/book/{name}!{inner}", archive.read(inner).decode(errors="ignore")
