"""Writes the book as files: every page of the engine's trees, styles, fonts, the search index, notebooks."""

from __future__ import annotations

import json
import re
import shutil
from functools import partial
from html import unescape
from pathlib import Path

from tpc_courses.base.places import Places
from tpc_courses.base.tokens import LOOK, resolved

from tpc_book.base.words import words
from tpc_book.downloads.forms import offered
from tpc_book.engine.project import Project
from tpc_book.lessons.lessons import student_notebook
from tpc_book.render.content import Content
from tpc_book.render.render import NodeError
from tpc_book.render.widgets import script_json
from tpc_book.theme.page import Edition, kept_page_html, not_found_html

UNDRAWN = re.compile(r'class="undrawn" data-why="([^"]*)">.*?<code>(.*?)</code>', re.DOTALL)
USED = re.compile(r"build/([\w.-]+)")
FONTS = {
    "inter.woff2": "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    "code.woff2": "@fontsource-variable/source-code-pro/files/source-code-pro-latin-wght-normal.woff2",
}


class PageError(RuntimeError):
    """A page that the theme cannot show; the message says which and why."""


def edition(
    project: Project,
    index_files: bool = False,
    forms: bool = False,
    trees: Path | None = None,
    live: str = "",
) -> Edition:
    """Return the book of the trees kept from the engine's last good run, or of those in `trees`.

    `index_files` is for reading without a server. With `forms` pages offer the other forms of the book, which are
    made after them. With `live` pages listen there for changes, and none is kept.
    """
    theme = project.places.book / "theme"
    lessons = json.loads((project.folder / "lessons.json").read_text(encoding="utf-8"))
    if index_files:
        # Python in the browser needs the book's own web server.
        lessons = {slug: {**lesson, "try": "", "code": {}} for slug, lesson in lessons.items()}
    return Edition(
        content=Content(trees or project.trees, words(theme, "en")),
        theme=theme,
        lessons=lessons,
        book_url="" if index_files else project.book_url,
        campus_url=project.campus_url,
        index_files=index_files,
        live=live,
        forms=offered(project.places, project.courses) if forms else {},
        kept=None if live else project.kept,
        drawings=project.drawings,
    )


def write_site(project: Project, folder: Path, book: Edition) -> list[str]:
    """Write the book into an empty folder and return notes on what is not shown as it is meant.

    Raises PageError with every page that cannot be shown.
    """
    used: set[str] = set()
    errors, notes = list[str](), list[str]()
    for slug in book.content.slugs():
        try:
            html = kept_page_html(book, slug)
        except Exception as e:  # whatever it is, the author reads on which page
            errors.append(fault(project, book, slug, e))
            continue
        used |= set(USED.findall(html))
        notes += notes_on(project, book, slug, html)
        path = folder / slug.replace(".", "/") / "index.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(html, encoding="utf-8")
    if errors:
        raise PageError("\n".join(errors))
    (folder / "404.html").write_text(not_found_html(book), encoding="utf-8")
    write_assets(project.places, folder)
    (folder / "search.js").write_text(search_js(book.content), encoding="utf-8")
    _copy_files(book.content.folder, folder, used)
    for slug in project.slugs:
        path = folder / "downloads" / f"{slug}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        lesson = project.places.lesson(slug)
        text = project.kept.text(
            partial(student_notebook, project.places, slug), "download", lesson.suffix, lesson.read_bytes()
        )
        path.write_text(text, encoding="utf-8")
    return notes


def notes_on(project: Project, book: Edition, slug: str, html: str) -> list[str]:
    """Return what on a finished page is not shown as it is meant, with file and line."""
    found = [NodeError(None, unescape(why), unescape(source)) for why, source in UNDRAWN.findall(html)]
    return [fault(project, book, slug, error) for error in found]


def search_js(content: Content) -> str:
    """Return what the search of the book reads."""
    return f"window.bookRecords={script_json(content.search_records())};\n"


def fault(project: Project, book: Edition, slug: str, error: Exception) -> str:
    """Return what is wrong with a page, with the file it was made from, and the line where it can be told."""
    try:
        name = str(book.content.page(slug).get("location") or slug).lstrip("/")
    except (KeyError, ValueError):  # its tree cannot be read
        name = slug
    source = project.source_of(name)
    shown = source.relative_to(project.places.root).as_posix() if source else f"book: {name}"
    if not isinstance(error, NodeError):
        return f"{shown}: {type(error).__name__}: {error}"
    text = source.read_text(encoding="utf-8") if source else ""
    counted = None if name.startswith("lessons/") else error.line
    line = line_with(text, error) or counted
    return f"{shown}: line {line}: {error.reason}" if line else f"{shown}: {error.reason}"


def line_with(text: str, error: NodeError) -> int | None:
    """Return the line of a source that an error quotes, or that stands in its node; None where none does.

    The engine says no line for some nodes, and counts within a cell of a lesson.
    """
    lines = [line.strip() for line in text.splitlines()]
    quoted = re.findall(r"[`'](.+?)[`']", error.reason)
    if found := next((lines.index(one) + 1 for one in quoted if one in lines), None):
        return found
    words = next((line.strip() for line in error.words.splitlines() if line.strip()), "")
    return next((n for n, line in enumerate(lines, start=1) if words and words in line), None)


def _copy_files(engine: Path, folder: Path, used: set[str]) -> None:
    """Copy pictures and other files that pages name, and those that keep their address."""
    (folder / "build").mkdir(exist_ok=True)
    for path in (engine / "public").iterdir():
        if path.name in used:
            shutil.copyfile(path, folder / "build" / path.name)
        elif path.suffix in {".ics", ".xml"} and not re.search(r"-[0-9a-f]{32}\.", path.name):
            shutil.copyfile(path, folder / path.name)
    for name in ("myst.xref.json", "objects.inv"):
        if (engine / name).exists():
            shutil.copyfile(engine / name, folder / name)


def write_assets(places: Places, folder: Path) -> None:
    """Write styles, scripts, fonts and KaTeX; all from this machine."""
    theme, modules = places.book / "theme", places.root / "node_modules"
    for path in (theme / "static").iterdir():
        shutil.copyfile(path, folder / path.name)
    shared = places.root / "hub" / "tpc_hub" / "static"
    parts = [shared / "fonts.css", LOOK / "tokens.css", theme / "static" / "book.css"]
    text = "".join(path.read_text(encoding="utf-8") for path in parts)
    (folder / "book.css").write_text(text.replace("{{ font_folder }}", ""), encoding="utf-8")
    paper = (theme / "static" / "print.css").read_text(encoding="utf-8")
    (folder / "print.css").write_text(resolved(paper), encoding="utf-8")
    for name, source in FONTS.items():
        shutil.copyfile(modules / source, folder / name)
    katex = modules / "katex" / "dist"
    styles = (katex / "katex.min.css").read_text(encoding="utf-8")
    styles = re.sub(r",url\(fonts/[^)]*\.(?:woff|ttf)\)\s*format\([^)]*\)", "", styles)
    (folder / "katex.css").write_text(styles, encoding="utf-8")
    (folder / "fonts").mkdir(exist_ok=True)
    for path in (katex / "fonts").glob("*.woff2"):
        shutil.copyfile(path, folder / "fonts" / path.name)
