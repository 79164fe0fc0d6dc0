"""What can be taken along: the whole book and each course, as chapters that a PDF or an EPUB is made of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from html import escape
from pathlib import Path

from tpc_courses.sources.manifest import Course

from tpc_book.base.links import Links
from tpc_book.base.words import words
from tpc_book.downloads.xhtml import BOXES, MATHML, as_xhtml
from tpc_book.render import nodes
from tpc_book.render.render import Renderer, attributes, titled
from tpc_book.theme.page import Edition, authors_of, depends, last_run, lesson_slug, templates

BOOK = "tpc-campus"
# For those who write pages, not for those who read them.
LEFT_OUT = {"contract", "runs"}
# Lessons point into it.
WITH_COURSES = ("glossary",)


class ChapterError(RuntimeError):
    """A page that cannot be a chapter; the message says which and why."""


@dataclass(frozen=True)
class Volume:
    """One thing to take along: `name` is its file name without suffix, `slugs` its pages in order."""

    name: str
    title: str
    subtitle: str
    slugs: tuple[str, ...]


@dataclass(frozen=True)
class Chapter:
    """One page of a volume, as XHTML in a section with the id `name`; `files` it shows lie in the engine's folder."""

    name: str
    title: str
    language: str
    html: str
    files: frozenset[str] = field(default_factory=frozenset)


def volumes(edition: Edition, courses: tuple[Course, ...]) -> list[Volume]:
    """Return the book, then each course."""
    slugs = tuple(slug for slug in edition.content.slugs() if slug not in LEFT_OUT)
    project = edition.content.project
    whole = Volume(BOOK, str(project["title"]), str(project.get("description") or ""), slugs)
    known = set(slugs)
    found = [whole]
    for course in courses:
        lessons = [f"lessons.{slug.replace('/', '.')}" for slug in course.lessons]
        own = [f"courses.{course.id}", *lessons, *WITH_COURSES]
        kept = tuple(slug for slug in own if slug in known)
        found.append(Volume(course.id, course.title, course.summary, kept))
    return found


def chapter_name(slug: str) -> str:
    """Return what a page is called in a volume.

    >>> chapter_name("lessons.scaling.counting"), chapter_name("")
    ('lessons-scaling-counting', 'index')
    """
    return slug.replace(".", "-") or "index"


@dataclass(frozen=True)
class VolumeLinks(Links):
    """Addresses within a volume; pages that are not in it are named with the address of the book on the web.

    With `single` all chapters stand in one file, else each in `<name>.xhtml`.
    """

    inside: frozenset[str] = frozenset()
    book_url: str = ""
    single: bool = False

    def page(self, slug: str, anchor: str = "") -> str:
        name = chapter_name(slug)
        if slug not in self.inside:
            return f"{self.book_url}/{slug.replace('.', '/')}{'/' if slug else ''}" + (
                f"#{anchor}" if anchor else ""
            )
        if self.single:
            # A mark that no id begins with, so that `as_xhtml` leaves it alone.
            return f"@{name}--{anchor}" if anchor else f"@{name}"
        return f"{name}.xhtml" + (f"#{anchor}" if anchor else "")

    def file(self, name: str) -> str:
        return name if name.startswith("build/") else f"{self.book_url}/{name}"


def chapters(edition: Edition, volume: Volume, single: bool = False) -> Iterator[Chapter]:
    """Yield the chapters of a volume; raises ChapterError."""
    for slug in volume.slugs:
        try:
            yield _kept_chapter(edition, volume, slug, single)
        except Exception as e:  # whatever it is, the author reads in which page
            where = edition.content.page(slug).get("location") or slug
            raise ChapterError(f"book: {str(where).lstrip('/')}: as a chapter of {volume.name}: {e}") from e


def _kept_chapter(edition: Edition, volume: Volume, slug: str, single: bool) -> Chapter:
    """Return a chapter, made only when something that it depends on has changed."""
    if edition.kept is None:
        return _chapter(edition, volume, slug, single)

    def make() -> str:
        made = _chapter(edition, volume, slug, single)
        return json.dumps([made.name, made.title, made.language, made.html, sorted(made.files)])

    within = ("chapter", single, volume.title, volume.slugs)
    found = json.loads(edition.kept.text(make, *within, *depends(edition, slug)))
    name, title, language, html, files = found
    return Chapter(name, title, language, html, frozenset(files))


def _chapter(edition: Edition, volume: Volume, slug: str, single: bool) -> Chapter:
    page = edition.content.page(slug)
    front = page["frontmatter"]
    language = str((front.get("site") or {}).get("language") or "en")
    said = words(edition.theme, language)
    links = VolumeLinks(slug, inside=frozenset(volume.slugs), book_url=edition.book_url, single=single)
    lesson = edition.lessons.get(lesson_slug(page), {})
    public = edition.content.folder / "public"
    modules = {f"/{path.name}": path.read_text(encoding="utf-8") for path in public.glob("*.mjs")}
    renderer = Renderer(
        {**page, "open_url": lesson.get("open_url", ""), "files": modules},
        links,
        said,
        edition.content,
        edition.drawings,
    )
    title = str(front.get("title") or volume.title)
    tree, title_id = titled(page["mdast"], title)
    body = renderer.render(tree)
    named = [f"{who}, {place}" if place else who for who, place, _ in authors_of(front)]
    name = chapter_name(slug)
    html = "".join(
        [
            f"<h1{attributes(id=title_id or None)}>{escape(title)}</h1>",
            f'<p class="authors">{escape("; ".join(named))}</p>' if named else "",
            templates(edition.theme).get_template("facts.html").render(lesson=lesson, t=said)
            if lesson
            else "",
            body,
            nodes.references.foot(renderer),
            last_run(edition, lesson, links, said),
        ]
    )
    prefix, without = (f"{name}--", MATHML) if single else ("", BOXES)
    text = as_xhtml(html, partial(_address, edition.book_url), prefix, without)
    return Chapter(name, title, language, text, frozenset(re.findall(r'src="build/([^"]+)"', html)))


def _address(book_url: str, attribute: str, url: str) -> str:
    """Return an address as a volume has it: files that only links name stay on the web."""
    if attribute == "href" and url.startswith("build/"):
        return f"{book_url}/{url}"
    return f"#{url[1:]}" if url.startswith("@") else url


def media(edition: Edition) -> Path:
    """Return the folder with the files that chapters show."""
    return edition.content.folder / "public"
