"""Incremental builds: what is kept from the last build gives the same book, byte by byte, as making everything anew."""

from __future__ import annotations

import datetime as dt
import io
import re
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from book_tree import CAMPUS, make_book_tree
from tpc_book.site.build import BookError, build_book
from tpc_courses.base.places import Places

FIGURE = "```{figure} images/book.png\n:name: kept-figure\n:alt: A page\n%s\n```\n"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A built book with three pages of which two refer to a figure of the other, and a copy of it all."""
    folder = tmp_path_factory.mktemp("kept")
    places = make_book_tree(folder / "now")
    write(places, "one.md", f"---\ntitle: One\n---\n\n{FIGURE % 'A caption.'}")
    write(places, "two.md", "---\ntitle: Two\n---\n\nSee [](#kept-figure) and {cite:p}`kaplan2020`.\n")
    write(places, "three.md", "---\ntitle: Three\n---\n\nSee [](/teach.md) and [](#kept-figure).\n")
    build(places)
    shutil.copytree(folder / "now", folder / "copy", symlinks=True)
    return places


@pytest.fixture
def places(built):
    """The book as it was built first, whatever an earlier test has done to it."""
    folder = built.root.parent
    shutil.rmtree(folder)
    shutil.copytree(folder.with_name("copy"), folder, symlinks=True)
    return built


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
    """Return name -> bytes of all files, of archives those inside; the day is that of the build."""
    found = {}
    for path in (path for path in folder.rglob("*") if path.is_file()):
        found |= unpacked(path.relative_to(folder).as_posix(), path.read_bytes())
    return found


def unpacked(name: str, data: bytes) -> dict[str, bytes]:
    """Return name -> bytes of a file, or of those in an archive; a book of its own says when it was made."""
    if not name.endswith((".epub", ".zip")):
        return {name: re.sub(rb"\d{4}-\d\d-\d\d(T00:00:00Z)?", b"", data) if ".epub!" in name else data}
    found = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for one in archive.infolist():
            found |= unpacked(f"{name}!{one.filename}", archive.read(one))
    return found


def made_anew(places: Places, state: Path) -> dict[str, bytes]:
    """Return the book of the same sources, made in another state folder that keeps nothing of earlier builds."""
    return build(replace(places, state=state))


def assert_as_made_anew(places: Places, tmp_path: Path, after: dict[str, bytes]) -> None:
    """Fail unless the book just built is the one made from nothing; both must be of one day, as pages name it."""
    for attempt in ("first", "second"):
        day = dt.datetime.now(dt.UTC).date()
        differ = differing(after, made_anew(places, tmp_path / attempt))
        if dt.datetime.now(dt.UTC).date() == day:
            break
        after = build(places)
    assert differ == []


def tree_files(places: Places) -> dict[str, int]:
    """Return page -> number of the file with its tree; one that was not made again is the same file."""
    return {
        path.stem: path.stat().st_ino for path in (places.state / "book" / "trees" / "content").glob("*.json")
    }


def differing(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def change_text(places: Places) -> None:
    edit(places.book / "content" / "about.md", "Few places have all three.", "Few have all of them.")


def add_links(places: Places) -> None:
    links = "See [](/teach.md), [](#kept-figure), {term}`token` and {cite:p}`hoffmann2022`."
    edit(places.book / "content" / "about.md", "Few places have all three.", links)


def add_heading(places: Places) -> None:
    edit(
        places.book / "content" / "one.md", "A caption.\n```\n", "A caption.\n```\n\n## More of it\n\nMore.\n"
    )


def change_home(places: Places) -> None:
    path = places.book / "content" / "index.md"
    path.write_text(path.read_text(encoding="utf-8") + "\nOne line more.\n", encoding="utf-8")


def change_title(places: Places) -> None:
    edit(places.book / "content" / "teach.md", "title: Teach with it", "title: Teach with this")


def change_target(places: Places) -> None:
    first = "```{figure} images/campus.png\n:name: kept-other\n:alt: Another\nFirst.\n```\n\n"
    write(places, "one.md", f"---\ntitle: One\n---\n\n{first}{FIGURE % 'Another caption.'}")


def rename_target(places: Places) -> None:
    edit(places.book / "content" / "one.md", "kept-figure", "kept-renamed")
    for name in ("two.md", "three.md"):
        edit(places.book / "content" / name, "kept-figure", "kept-renamed")


def change_event(places: Places) -> None:
    edit(places.book / "data" / "events.yml", "title: ", "title: Our ")


def change_term(places: Places) -> None:
    path = places.book / "data" / "glossary.yml"
    edit(path, "The unit of information with natural", "The unit with natural")


def change_work(places: Places) -> None:
    path = places.book / "content" / "references.bib"
    edit(path, "Scaling laws for neural language", "Scaling laws of neural language")


def delete_pages(places: Places) -> None:
    edit(places.book / "content" / "three.md", " and [](#kept-figure)", "")
    for name in ("one.md", "two.md"):
        (places.book / "content" / name).unlink()


# What changes -> a page that shows it, its words, and the pages that the engine makes again; none says all.
CHANGES = {
    change_text: ("about/index.html", "all of them", {"about"}),
    add_links: ("about/index.html", "Teach with it", {"about", "bibliography"}),
    add_heading: ("one/index.html", "More of it", {"one"}),
    change_home: ("index.html", "One line more", {"index"}),
    change_title: ("index.html", "Teach with this", None),
    change_target: ("two/index.html", "Figure 2", None),
    rename_target: ("two/index.html", "#kept-renamed", {"one", "two", "three"}),
    change_event: ("calendar/index.html", "Our ", {"calendar", "index", "people"}),
    change_term: ("glossary/index.html", "The unit with natural", {"glossary"}),
    change_work: ("two/index.html", "Scaling laws of neural", None),
    delete_pages: ("three/index.html", "Teach with it", None),
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_kept_book_is_the_book_made_anew(places, tmp_path, change):
    name, words, again = CHANGES[change]
    before, trees = files_of(places.site.resolve()), tree_files(places)
    change(places)
    after = build(places)
    now = tree_files(places)
    assert {page for page in now if now[page] != trees.get(page)} == (again or {*now})
    assert differing(after, before)
    assert words in after[name].decode()
    assert_as_made_anew(places, tmp_path, after)


def test_pages_that_were_deleted_are_gone(places):
    delete_pages(places)
    build(places)
    assert not [name for name in files_of(places.site.resolve()) if name.startswith(("one/", "two/"))]


def test_a_broken_page_changes_nothing_until_it_is_mended(places, tmp_path):
    before, trees = files_of(places.site.resolve()), tree_files(places)
    page = places.book / "content" / "about.md"
    text = page.read_text(encoding="utf-8")
    page.write_text(f"{text}\nSee [](#no-such-thing).\n", encoding="utf-8")
    line = text.count("\n") + 2
    for _ in range(2):  # a second try says it again
        with pytest.raises(BookError, match=rf"book/content/about\.md: line {line}: .*no-such-thing"):
            build(places)
    assert files_of(places.site.resolve()) == before
    page.write_text(f"{text}\nSee this.\n", encoding="utf-8")
    after = build(places)
    assert "See this." in after["about/index.html"].decode()
    assert tree_files(places)["teach"] == trees["teach"], "only the mended page is made again"
    assert_as_made_anew(places, tmp_path, after)


def test_nothing_is_made_when_nothing_changed(places):
    edition, log = places.site.resolve(), places.state / "book" / "build.log"
    log.write_text("not run")
    build(places)
    assert places.site.resolve() == edition
    assert log.read_text() == "not run"
    (places.site / "index.html").unlink()
    build(places)
    assert (places.site / "index.html").exists(), "a damaged book is made again"


def test_a_changed_page_leaves_the_others_alone(places):
    def kept() -> set[str]:
        return {path.name for path in (places.state / "book" / "kept").glob("*/*")}

    before = kept()
    edit(places.book / "content" / "accessibility.md", "Every page can be read", "Each page can be read")
    build(places)
    # The page itself, the page as the zip has it, and its chapter in the book.
    assert len(kept() - before) == 3
    assert len(kept()) == len(before)
