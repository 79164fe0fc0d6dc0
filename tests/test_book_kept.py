"""Incremental builds: what is kept from the last build gives the same book, byte by byte, as making everything anew."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from book_tree import CAMPUS, make_book_tree
from tpc_book import after, site
from tpc_book.build import build_book
from tpc_book.kept import Kept
from tpc_book.project import Project
from tpc_courses.manifest import load_courses
from tpc_courses.places import Places

FIGURE = "```{figure} images/book.png\n:name: kept-figure\n:alt: A page\n%s\n```\n"


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """A built book with two pages of which one refers to a figure of the other."""
    places = make_book_tree(tmp_path_factory.mktemp("kept"))
    write(places, "one.md", f"---\ntitle: One\n---\n\n{FIGURE % 'A caption.'}")
    write(places, "two.md", "---\ntitle: Two\n---\n\nSee [](#kept-figure) and {cite:p}`kaplan2020`.\n")
    build(places)
    return places


def write(places: Places, name: str, text: str) -> None:
    (places.book / "content" / name).write_text(text, encoding="utf-8")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def build(places: Places) -> dict[str, bytes]:
    build_book(places, CAMPUS, execute=False, say=lambda line: None)
    return files_of(places.site.resolve())


def files_of(folder: Path) -> dict[str, bytes]:
    """Return name -> bytes of all files, of books that are archives those inside; the day is that of the build."""
    found = {}
    for path in (path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".epub":
            with zipfile.ZipFile(path) as archive:
                inner = {f"{name}!{one.filename}": archive.read(one) for one in archive.infolist()}
            found |= {one: re.sub(rb"\d{4}-\d\d-\d\d(T00:00:00Z)?", b"", data) for one, data in inner.items()}
        else:
            found[name] = path.read_bytes()
    return found


def made_anew(places: Places, folder: Path) -> dict[str, bytes]:
    """Return the book of the trees that the engine left last, made without anything kept."""
    project = Project(places, load_courses(places), CAMPUS)
    vars(project)["kept"] = Kept(folder / "nothing-kept", "")
    (folder / "edition").mkdir()
    book = site.edition(project, forms=True)
    site.write_site(project, folder / "edition", book)
    after.finish(folder / "edition", project, book)
    return files_of(folder / "edition")


def differing(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def change_text(places: Places) -> None:
    edit(places.book / "content" / "about.md", "Few places have all three.", "Few have all of them.")


def change_title(places: Places) -> None:
    edit(places.book / "content" / "teach.md", "title: Teach with it", "title: Teach with this")


def change_target(places: Places) -> None:
    first = "```{figure} images/campus.png\n:name: kept-other\n:alt: Another\nFirst.\n```\n\n"
    write(places, "one.md", f"---\ntitle: One\n---\n\n{first}{FIGURE % 'Another caption.'}")


def change_term(places: Places) -> None:
    path = places.book / "data" / "glossary.yml"
    edit(path, "The unit of information with natural", "The unit with natural")


def change_work(places: Places) -> None:
    path = places.book / "content" / "references.bib"
    edit(path, "Scaling laws for neural language", "Scaling laws of neural language")


def delete_pages(places: Places) -> None:
    for name in ("one.md", "two.md"):
        (places.book / "content" / name).unlink()


CHANGES = {
    change_text: ("about/index.html", "all of them"),
    change_title: ("index.html", "Teach with this"),
    change_target: ("two/index.html", "Figure 2"),
    change_term: ("glossary/index.html", "The unit with natural"),
    change_work: ("two/index.html", "Scaling laws of neural"),
    delete_pages: (None, ""),
}


def test_a_kept_book_is_the_book_made_anew(places, tmp_path):
    before = files_of(places.site.resolve())
    for change, (name, words) in CHANGES.items():
        change(places)
        after_it = build(places)
        scratch = tmp_path / change.__name__
        scratch.mkdir()
        assert differing(after_it, made_anew(places, scratch)) == [], change.__name__
        assert differing(after_it, before), change.__name__
        if name:
            assert words in after_it[name].decode(), change.__name__
        else:
            assert not [page for page in after_it if page.startswith(("one/", "two/"))]
        before = after_it


def test_the_same_sources_give_the_same_book(places, tmp_path):
    other = replace(places, state=tmp_path / "state")
    while True:  # pages tell what is past today, so both must be of one day
        day = dt.datetime.now(dt.UTC).date()
        differ = differing(build(places), build(other))
        if dt.datetime.now(dt.UTC).date() == day:
            break
    assert differ == []


def test_a_changed_page_leaves_the_others_alone(places):
    def kept() -> set[str]:
        return {path.name for path in (places.state / "book" / "kept").glob("*/*")}

    before = kept()
    edit(places.book / "content" / "accessibility.md", "Every page can be read", "Each page can be read")
    build(places)
    # The page itself, and its chapter in the book.
    assert len(kept() - before) == 2
    assert len(kept()) == len(before)
