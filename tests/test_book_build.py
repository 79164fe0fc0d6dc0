"""The book of a small tree, built for real by Jupyter Book with our theme."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tpc_book.build import build_book
from tpc_book.engine import BookError
from tpc_book.theme_nodes import Renderer, UnknownNode
from tpc_book.theme_outputs import sanitise
from tpc_courses.places import Places

REPOSITORY = Path(__file__).parent.parent
CAMPUS = "http://hub.localhost:8000/services/campus"


@pytest.fixture
def book_tree(tree: Places) -> Places:
    for name in ("theme", "content"):
        shutil.copytree(REPOSITORY / "book" / name, tree.book / name, dirs_exist_ok=True)
    shutil.copy(REPOSITORY / "book" / "myst.yml", tree.book / "myst.yml")
    if not (tree.root / "node_modules").exists():
        (tree.root / "node_modules").symlink_to(REPOSITORY / "node_modules")
    return tree


def test_book_has_every_lesson_and_a_failed_build_keeps_it(book_tree: Places) -> None:
    site = build_book(book_tree, CAMPUS, execute=False)
    page = (site / "scaling" / "first-steps" / "index.html").read_text(encoding="utf-8")
    assert f'href="{CAMPUS}/open/scaling/first-steps"' in page
    assert "has not run here yet" in page
    assert (site / "book.css").exists()
    before = (site / "index.html").read_bytes()
    (book_tree.book / "content" / "about.md").write_text("---\ntitle: About\n---\n\n:::{nonsense}\n:::\n")
    with pytest.raises(BookError, match="nonsense"):
        build_book(book_tree, CAMPUS, execute=False)
    assert (site / "index.html").read_bytes() == before


def test_unknown_node_is_refused_by_its_type() -> None:
    renderer = Renderer({}, lambda url: url, lambda path: "")
    with pytest.raises(UnknownNode, match="hologram"):
        renderer.render({"type": "root", "children": [{"type": "hologram"}]})


def test_outputs_lose_scripts_and_keep_tables_and_pictures() -> None:
    picture = '<img src="data:image/png;base64,AAAA">'
    dirty = f"<table><tr><td onclick='x()'>1</td></tr></table><script>x()</script>{picture}"
    clean = sanitise(dirty + '<img src="https://example.org/x.png"><a href="javascript:x()">a</a>')
    assert "<td>1</td>" in clean
    assert "data:image/png;base64,AAAA" in clean
    assert "script" not in clean
    assert "example.org" not in clean
