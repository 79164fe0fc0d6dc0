"""Other forms of a finished book: files for search engines, cards, EPUBs, and the PDFs that were printed."""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from tpc_courses.base.places import Places
from tpc_courses.base.tokens import read_tokens
from tpc_courses.sources.manifest import Course

from tpc_book.base.cache import digest
from tpc_book.base.links import Links
from tpc_book.data.outreach import load_outreach
from tpc_book.data.people import Directory
from tpc_book.downloads.cards import card_png
from tpc_book.downloads.epub import write_epub
from tpc_book.downloads.volumes import BOOK, volumes
from tpc_book.theme.page import Edition, alternates, trail
from tpc_book.theme.sitemap import robots_txt, sitemap_xml

FOLDER = "forms"
PEOPLE = "people.sha256"
FONT = "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2"


def pdf_folder(places: Places) -> Path:
    """Return where printed PDFs are kept from one edition to the next."""
    return places.state / "book" / "pdf"


def drop_pdfs_of_others(places: Places) -> None:
    """Delete printed PDFs when the people who may be shown, or what of them, are no longer those of that day."""
    folder = pdf_folder(places)
    stamp = folder / PEOPLE
    if not stamp.exists() or stamp.read_text() != people_digest(places):
        for path in folder.glob("*.pdf"):
            path.unlink()


def people_digest(places: Places) -> str:
    """Return a digest of all that the book may show of people today."""
    newest_day = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=14)).date()
    return digest(Directory(load_outreach(places).people, newest_day).shown())


def offered(places: Places, courses: Sequence[Course]) -> dict[str, tuple[str, ...]]:
    """Return slug of a page -> files that can be taken along from it; PDFs only when they were printed."""
    named = {"": BOOK, **{f"courses.{course.id}": course.id for course in courses}}
    found = {}
    for slug, name in named.items():
        pdf = (f"{FOLDER}/{name}.pdf",) if (pdf_folder(places) / f"{name}.pdf").exists() else ()
        found[slug] = (f"{FOLDER}/{name}.epub", *pdf, *((f"{FOLDER}/{name}.zip",) if name == BOOK else ()))
    return found


def write_forms(edition: Edition, places: Places, courses: tuple[Course, ...], site: Path) -> None:
    """Add EPUBs, PDFs, cards and what search engines read to a folder of finished pages."""
    (site / FOLDER).mkdir(exist_ok=True)
    cards = _write_cards(edition, places, site)
    for volume in volumes(edition, courses):
        cover = cards.get("" if volume.name == BOOK else f"courses.{volume.name}", b"")
        write_epub(edition, volume, site / FOLDER / f"{volume.name}.epub", cover)
    for path in pdf_folder(places).glob("*.pdf"):
        (site / FOLDER / path.name).hardlink_to(path)
    if edition.book_url:
        (site / "sitemap.xml").write_text(sitemap_xml(_pages(edition)), encoding="utf-8")
        (site / "robots.txt").write_text(robots_txt(edition.book_url), encoding="utf-8")
    if (places.root / "CITATION.cff").exists():
        shutil.copyfile(places.root / "CITATION.cff", site / "CITATION.cff")


def _pages(edition: Edition) -> Mapping[str, list[tuple[str, str]]]:
    """Return the address of each page -> its languages with their addresses."""
    found = {}
    for slug in edition.content.slugs():
        options = edition.content.page(slug)["frontmatter"].get("site") or {}
        others = alternates(options, str(options.get("language") or "en"), slug, edition)
        address = f"{edition.book_url}/{slug.replace('.', '/')}{'/' if slug else ''}"
        found[address] = [(other["language"], other["url"]) for other in others]
    return found


def _write_cards(edition: Edition, places: Places, site: Path) -> dict[str, bytes]:
    """Draw a card for each page that has not been drawn before; return slug -> PNG."""
    kept = places.state / "book" / "cards"
    kept.mkdir(parents=True, exist_ok=True)
    (site / "cards").mkdir(exist_ok=True)
    name, font = str(edition.content.project["title"]), places.root / "node_modules" / FONT
    colours = {name: colour.light for name, colour in read_tokens().items()}
    cards, used = {}, set()
    for slug in edition.content.slugs():
        title = str(edition.content.page(slug)["frontmatter"].get("title") or name)
        above = trail(edition.content, slug, Links(slug))
        kind = " · ".join(heading for heading, _ in above)
        topic = slug.split(".")[1] if "." in slug else ""
        order = (title, kind, name, colours.get(topic, colours["accent"]))
        path = kept / f"{hashlib.sha256(repr((order, colours)).encode()).hexdigest()[:24]}.png"
        if not path.exists():
            path.write_bytes(card_png(edition.theme, font, *order, colours=colours))
        (site / "cards" / f"{slug or 'index'}.png").hardlink_to(path)
        cards[slug] = path.read_bytes()
        used.add(path)
    for path in set(kept.glob("*.png")) - used:
        path.unlink()
    return cards
