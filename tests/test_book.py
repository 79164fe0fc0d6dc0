"""The book, built for real from a small tree, and its renderer node by node."""

from __future__ import annotations

import pytest
from campus_tree import write
from tpc_book.build import BookError, build_book
from tpc_book.execution import run_lessons
from tpc_book.page import lesson_box
from tpc_book.render import PLAIN, Renderer, UnknownNode

CAMPUS = "http://campus.test/services/campus"


def render(node: dict) -> str:
    return Renderer({}, lambda url: url).render(node)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    from campus_tree import make_tree

    folder = tmp_path_factory.mktemp("book")
    places = make_tree(folder / "root", folder / "state")
    build_book(places, CAMPUS, say=lambda line: None)
    return places


def page(places, name: str) -> str:
    return (places.site / name / "index.html").read_text(encoding="utf-8")


def test_lessons_appear_with_outputs_and_last_run(built):
    text = page(built, "lessons/scaling/first-steps")
    assert "the answer is 42" in text
    assert "Last run" in text
    assert f'href="{CAMPUS}/open/scaling/first-steps"' in text


def test_pages_load_nothing_from_elsewhere(built):
    for path in built.site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert 'src="http' not in text
        assert '<link rel="stylesheet" href="http' not in text


def test_a_broken_reference_keeps_the_last_good_book(built):
    before = built.site.resolve()
    lesson = built.lesson("scaling/first-steps")
    good = lesson.read_text()
    write(lesson, good + "\n+++\n\nSee [](#nowhere-at-all).\n")
    try:
        with pytest.raises(BookError, match="not replaced"):
            build_book(built, CAMPUS, execute=False, say=lambda line: None)
    finally:
        write(lesson, good)
    assert built.site.resolve() == before


def test_a_lesson_that_raises_keeps_its_last_outputs(built):
    lesson = built.lesson("data/first-steps")
    good = lesson.read_text()
    write(lesson, good.replace("6 * 7", "6 / 0"))
    try:
        with pytest.raises(BookError, match=r"notebooks/data/first-steps.md: .*ZeroDivisionError"):
            build_book(built, CAMPUS, say=lambda line: None)
    finally:
        write(lesson, good)
    text = page(built, "lessons/data/first-steps")
    assert "the answer is 42" in text
    assert "failed; the outputs are those of the run before" in text


def test_an_unchanged_lesson_is_not_run_again(built):
    run_lessons(built, ["scaling/first-steps"], lambda line: None)
    said: list[str] = []
    run_lessons(built, ["scaling/first-steps"], said.append)
    assert said == []


@pytest.mark.parametrize("kind", sorted(PLAIN))
def test_plain_nodes_keep_their_text(kind):
    assert "a &lt; b" in render({"type": kind, "children": [{"type": "text", "value": "a < b"}]})


def test_an_unknown_node_is_an_error_with_its_name():
    with pytest.raises(UnknownNode, match="hologram"):
        render({"type": "hologram", "position": {"start": {"line": 3}}})


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        '<a href="javascript:alert(1)">x</a>',
        "<iframe src=//evil></iframe>",
    ],
)
def test_hostile_notebook_output_is_cleaned(hostile):
    node = {"type": "output", "jupyter_data": {"data": {"text/html": {"content": hostile + "<b>kept</b>"}}}}
    text = render(node)
    assert "<b>kept</b>" in text
    for word in ("<script", "onerror", "javascript:", "<iframe"):
        assert word not in text


def test_a_page_that_is_no_lesson_has_no_lesson_box():
    assert lesson_box("", {}, CAMPUS) == ""
