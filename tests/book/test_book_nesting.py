"""Any node in any other: the page stays whole, names are given once, and what fails names its page and line."""

from __future__ import annotations

import html.parser
import itertools
import re
from collections.abc import Iterator

import pytest
from campus_tree import REPOSITORY
from hypothesis import given, settings
from hypothesis import strategies as st
from test_book_render import CASES, CITED, SILENT, balanced
from tpc_book.base.links import Links
from tpc_book.base.words import words
from tpc_book.downloads.volumes import ChapterError, Volume, chapters
from tpc_book.render.content import Content
from tpc_book.render.nodes import references
from tpc_book.render.render import RENDERERS, NodeError, Renderer, renders
from tpc_book.site.site import line_with
from tpc_book.theme.page import Edition

WORDS = words(REPOSITORY / "book" / "theme", "en")
NOTE = {"type": "footnoteDefinition", "identifier": "n", "enumerator": "1", "children": []}
NOTED = {"type": "footnoteReference", "identifier": "n", "enumerator": "1"}
OUTPUT = {"type": "output", "jupyter_data": {"output_type": "stream", "text": "x"}}
EXAMPLES = [{"type": kind, **fields} for kind, fields, _ in CASES] + [
    NOTED,
    NOTE,
    OUTPUT,
    *({"type": kind, "identifier": "x", "value": "x"} for kind in SILENT),
]
LEAVES = {"text", "break", "image", "output", "code", "inlineCode", "inlineMath", "math"}


def renamed(node: dict) -> dict:
    return {**node, "html_id": f"inner-{node['html_id']}"} if node.get("html_id") else node


def page_of(*items: dict) -> tuple[str, Renderer]:
    page = Renderer(CITED, Links("a.b"), WORDS)
    body = page.render({"type": "root", "children": list(items)})
    return body + references.foot(page), page


class Reader(html.parser.HTMLParser):
    """Counts names, and links within links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.depth, self.nested = 0, False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.depth += tag == "a"
        self.nested |= self.depth > 1

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag == "a"


def assert_whole(text: str) -> None:
    assert balanced(text), text
    found = Reader(text)
    assert not found.nested, text
    assert len(found.ids) == len(set(found.ids)), text
    for name in re.findall(r'href="#(fn-[^"]*|ref-[^"]*|cite-[^"]*)"', text):
        if not name.startswith("fn-"):
            assert name in found.ids, text


@pytest.mark.parametrize("kind", sorted(RENDERERS))
def test_a_node_without_any_field_is_shown_as_far_as_it_goes(kind):
    text, _ = page_of({"type": kind, **({"value": "flowchart LR\nA-->B"} if kind == "mermaid" else {})})
    assert balanced(text)


@pytest.mark.parametrize("outer", sorted(set(RENDERERS) - LEAVES))
def test_every_node_may_stand_in_every_other(outer):
    fields = next((fields for kind, fields, _ in CASES if kind == outer), {})
    for inner in map(renamed, EXAMPLES):
        around = {**fields, "type": outer, "children": [*(fields.get("children") or []), inner, NOTED, NOTE]}
        assert_whole(page_of(around)[0])
        assert_whole(page_of({"type": "embed", "children": [around]}, around)[0])


def trees() -> st.SearchStrategy[dict]:
    kinds = st.sampled_from([one for one in EXAMPLES if one["type"] not in {"footnoteDefinition", *LEAVES}])
    return st.recursive(
        st.sampled_from(EXAMPLES),
        lambda inner: st.builds(
            lambda node, more: {**node, "children": more}, kinds, st.lists(inner, max_size=3)
        ),
        max_leaves=12,
    )


@settings(max_examples=60)
@given(trees())
def test_a_card_of_any_tree_can_be_shown(tree):
    """A card stands within a link: it holds no link, and no name."""
    page = Renderer(CITED, Links("a"), WORDS)
    page.inside_link = True
    assert balanced(page.render(tree))
    assert page.footnotes == {}


class Book(Content):
    """A book of trees that are at hand."""

    def __init__(self, **pages: dict) -> None:
        super().__init__(REPOSITORY, WORDS)
        self.pages = pages

    def page(self, slug: str) -> dict:
        return self.pages[slug]


def test_a_card_of_a_block_with_a_footnote_shows_its_number():
    block = {
        "type": "block",
        "html_id": "part",
        "children": [{"type": "paragraph", "children": [NOTED]}, NOTE],
    }
    book = Book(other={"mdast": {"type": "root", "children": [block]}})
    assert book.card("/other", "part") == "<p><sup>1</sup></p>"


def test_an_embed_leads_to_notes_and_targets_where_they_stand():
    inner = [
        {"type": "paragraph", "children": [NOTED]},
        {"type": "crossReference", "identifier": "eq", "html_id": "eq", "children": []},
        {"type": "cite", "label": "elsewhere2020", "children": [{"type": "text", "value": "Elsewhere"}]},
        NOTE,
    ]
    text, page = page_of({"type": "embed", "source": {"url": "/c/d"}, "children": inner})
    assert 'href="../../c/d/#fn-n"' in text
    assert 'href="#eq"' in text
    assert page.footnotes == {}
    assert "doi.org" not in text
    here, page = page_of({"type": "embed", "source": {"url": "/a/b"}, "children": inner[:1]}, NOTE)
    assert 'href="#fn-n"' in here
    assert list(page.footnotes) == ["n"]


def test_a_note_that_is_named_twice_has_one_way_back():
    text, _ = page_of(NOTED, NOTED, NOTE)
    assert text.count('id="ref-n"') == 1
    assert text.count('href="#fn-n"') == 2


@pytest.fixture
def breaking() -> Iterator[None]:
    """A node whose renderer fails as only programs do."""

    @renders("breaking")
    def fails(page: Renderer, node: dict) -> str:
        return str({}["nothing"])

    yield
    del RENDERERS["breaking"]


def test_an_error_names_the_nearest_line_and_the_node(breaking):
    inner = {"type": "breaking", "value": "some words of it"}
    for depth in range(3):
        tree = {"type": "paragraph", "position": {"start": {"line": 7}}, "children": [inner]}
        for _ in range(depth):
            tree = {"type": "blockquote", "position": {"start": {"line": 5}}, "children": [tree]}
        with pytest.raises(NodeError, match=r"line 7: the breaking cannot be shown \(KeyError: 'nothing'\)"):
            page_of(tree)
    with pytest.raises(NodeError, match="line 9") as caught:  # not that of the page from which it comes
        page_of({"type": "embed", "position": {"start": {"line": 9}}, "children": [tree]})
    assert line_with("a\n  some words of it, and more\n", caught.value) == 2


def test_a_chapter_that_cannot_be_made_names_its_page(breaking):
    tree = {"type": "breaking", "position": {"start": {"line": 3}}}
    book = Edition(
        Book(one={"location": "/one.md", "frontmatter": {}, "mdast": tree}), REPOSITORY / "book" / "theme"
    )
    with pytest.raises(
        ChapterError, match=r"one\.md: as a chapter of all: line 3: the breaking cannot be shown"
    ):
        list(chapters(book, Volume("all", "All", "", ("one",))))


def test_every_kind_of_node_is_tried():
    assert {node["type"] for node in EXAMPLES} | {"text", "anywidget"} == set(RENDERERS)
    assert len(list(itertools.product(EXAMPLES, RENDERERS))) > 4000
