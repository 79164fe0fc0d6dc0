"""What of a page readers see: nothing removed, hidden parts folded, the title once, marks as they are meant."""

from __future__ import annotations

import pytest
from book_tree import CAMPUS, make_book_tree
from campus_tree import REPOSITORY, write
from hypothesis import given
from hypothesis import strategies as st
from tpc_book.base.links import Links
from tpc_book.base.words import words
from tpc_book.downloads.volumes import Volume, chapters
from tpc_book.engine.project import Project
from tpc_book.render.marks import with_marks
from tpc_book.render.render import Renderer, pruned, text_of, titled
from tpc_book.render.search import parts_of
from tpc_book.site.build import build_book
from tpc_book.site.site import edition
from tpc_book.theme.page import authors_of, description
from tpc_courses.sources.manifest import load_courses

WORDS = words(REPOSITORY / "book" / "theme", "en")


def render(node: dict, **page) -> str:
    return Renderer(page, Links("a"), WORDS).render(node)


def text(words: str) -> dict:
    return {"type": "text", "value": words}


def line(*children: dict | str) -> dict:
    return {"type": "paragraph", "children": [text(one) if isinstance(one, str) else one for one in children]}


def heading(words: str, depth: int = 2, name: str = "") -> dict:
    return {"type": "heading", "depth": depth, "html_id": name or words.lower(), "children": [text(words)]}


def block(*children: dict, **fields) -> dict:
    return {"type": "block", "children": list(children), **fields}


CELL = [
    {"type": "code", "executable": True, "value": "the code", "lang": "text"},
    {
        "type": "outputs",
        "children": [{"type": "output", "jupyter_data": {"output_type": "stream", "text": "the output"}}],
    },
]


@pytest.mark.parametrize("where", ["visibility", "data"])
@pytest.mark.parametrize("shown", ["show", "hide", "remove"])
def test_a_block_is_shown_folded_or_not_at_all(where, shown):
    fields = {"visibility": shown} if where == "visibility" else {"data": {"visibility": shown}}
    cell = block(*CELL, kind="notebook-code", **fields)
    html = render(cell)
    assert ("the code" in html and "the output" in html) == (shown != "remove")
    assert html.startswith('<details class="box"><summary>Code and output</summary>') == (shown == "hide")
    assert render(block(line("x"), **fields)).count("<summary>More</summary>") == (shown == "hide")


@pytest.mark.parametrize(("part", "index", "label"), [("the code", 0, "Code"), ("the output", 1, "Output")])
def test_code_and_outputs_are_folded_under_their_names(part, index, label):
    def cell(visibility: str) -> str:
        return render(
            block(*[{**one, "visibility": visibility} if i == index else one for i, one in enumerate(CELL)])
        )

    assert f"<summary>{label}</summary>" in cell("hide")
    assert part in cell("hide")
    assert part not in cell("remove")


def test_what_is_removed_is_nowhere_to_be_found():
    removed = block(heading("Secret"), line("Secret words"), *CELL, visibility="remove")
    tree = {"type": "root", "children": [removed, block(line("Seen"), data={"visibility": "show"})]}
    page = {"frontmatter": {"title": "T"}, "mdast": tree}
    assert "ecret" not in str(pruned(tree))
    assert "ecret" not in str(list(parts_of(page)))
    assert description({}, tree, {}) == "Seen"
    assert "ecret" not in text_of(tree)


def test_a_description_tells_nothing_that_is_hidden():
    tree = {"type": "root", "children": [block(line("Hidden"), visibility="hide"), line("Seen")]}
    assert description({}, tree, {}) == "Seen"


def test_search_reads_what_readers_see_under_its_headings():
    comment = {"type": "comment", "value": "for authors"}
    tree = {
        "type": "root",
        "children": [
            line("Before."),
            comment,
            heading("One", name="one"),
            line("A ", {"type": "strong", "children": [text("bold")]}, "er word."),
            {"type": "code", "value": "x = 1"},
            heading("Deeper", 3),
            {"type": "code", "value": "not shown", "visibility": "remove"},
            line("See http\u200b://x"),
            heading("Two"),
        ],
    }
    assert list(parts_of({"frontmatter": {"title": "T"}, "mdast": tree})) == [
        ["", ["T"], "Before."],
        ["one", ["T", "One"], "A bolder word. x = 1"],
        ["deeper", ["T", "One", "Deeper"], "See http://x"],
        ["two", ["T", "Two"], ""],
    ]


def test_an_embed_brings_no_code_where_it_asks_for_none():
    assert "the code" not in render({"type": "embed", "remove-input": True, "children": [block(*CELL)]})
    assert "the output" not in render({"type": "embed", "remove-output": True, "children": [block(*CELL)]})


def test_a_title_is_said_once():
    tree = {
        "type": "root",
        "children": [line("Before."), block(heading("The  title", 1, "t"), line("After."))],
    }
    rest, name = titled(tree, "The title")
    assert name == "t"
    assert "title" not in text_of(rest)
    assert text_of(rest) == "Before.After."
    other = {"type": "root", "children": [heading("Another", 1), heading("The title", 1)]}
    assert titled(other, "The title") == (other, "")
    deep = {"type": "root", "children": [heading("T", 2), heading("A", 3), heading("B", 4)]}
    assert [one["depth"] for one in titled(deep, "T")[0]["children"]] == [2, 3]


def test_authors_have_their_places_and_no_unsafe_address():
    front = {
        "authors": [
            {"name": "Ann", "affiliations": ["u"], "orcid": "0000-0002-1825-0097"},
            {"name": "Bo", "url": "javascript:alert(1)"},
            {"affiliations": ["u"]},
        ],
        "affiliations": [{"id": "u", "name": "University"}],
    }
    assert authors_of(front) == [
        ("Ann", "University", "https://orcid.org/0000-0002-1825-0097"),
        ("Bo", "", ""),
    ]


@pytest.mark.parametrize(
    ("typed", "html"),
    [
        ("a ~~struck~~ b", "a <del>struck</del> b"),
        ("H~2~O and CO~2~", "H<sub>2</sub>O and CO<sub>2</sub>"),
        ("x^2^ and 10^-3^ m", "x<sup>2</sup> and 10<sup>-3</sup> m"),
        ("~~H~2~O~~", "<del>H<sub>2</sub>O</del>"),
        ("~5 and ~6 of them", "~5 and ~6 of them"),
        ("a ~~ b ~~ c", "a ~~ b ~~ c"),
        ("one ~~ only", "one ~~ only"),
        ("~~one only", "~~one only"),
        ("~/a and ~/b", "~/a and ~/b"),
        ("5~10 and 20~30", "5~10 and 20~30"),
        ("a^b", "a^b"),
    ],
)
def test_marks_that_the_engine_leaves_are_read(typed, html):
    assert render(line(typed)) == f"<p>{html}</p>"


def test_a_mark_reaches_over_other_nodes_and_not_into_code():
    bold = {"type": "strong", "children": [text("b")]}
    assert render(line("~~a ", bold, " c~~")) == "<p><del>a <strong>b</strong> c</del></p>"
    assert render(line({"type": "inlineCode", "value": "~~x~~ H~2~O"})) == "<p><code>~~x~~ H~2~O</code></p>"


@given(st.text(alphabet="a ~^1", max_size=12))
def test_no_word_is_lost_with_the_marks(typed):
    made = "".join(text_of(node) for node in with_marks([text(typed)]))
    assert made.replace("~", "").replace("^", "") == typed.replace("~", "").replace("^", "")


def test_an_address_is_copied_as_it_is():
    shown = render(
        {"type": "link", "url": "https://x.org/a/b", "children": [text("https://x\u200b.org\u200b/a/b")]}
    )
    assert shown == '<a href="https://x.org/a/b">https://x<wbr>.org<wbr>/a/b</a>'
    assert text_of({"type": "link", "children": [text("x\u200b.org")]}) == "x.org"


PAGE = """---
title: Everything
authors:
  - name: Ann Author
    affiliation: A University
---

Before the title, ~~struck~~ H~2~O. See <https://example.org/a/long/address>.

# Everything

+++ {"visibility": "remove"}

## Removed heading

REMOVED words.

+++ {"visibility": "hide"}

HIDDEN words.

+++ {"visibility": "show"}

(noted)=
A part with a note[^n].

[^n]: The note.

:::{embed} #noted
:::
"""
CELLS = """
+++ {"tags": ["remove-cell"]}

REMOVED prose.

+++

```{code-cell} ipython3
:tags: [remove-cell]
kept = "REMOVED code"
```

```{code-cell} ipython3
:tags: [remove-input]
print("seen output", 1)  # REMOVED comment
```

```{code-cell} ipython3
:tags: [remove-output]
print("REM" + "OVED output")
```

```{code-cell} ipython3
:tags: [hide-output]
print("folded", "output")
```

```{code-cell} ipython3
:tags: [hide-cell]
print("folded", "cell")
```
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """One book with a page and a lesson that use all of it."""
    places = make_book_tree(tmp_path_factory.mktemp("shown"))
    write(places.book / "content" / "everything.md", PAGE)
    lesson = places.lesson("scaling/first-steps")
    write(lesson, lesson.read_text() + CELLS)
    build_book(places, CAMPUS, say=lambda line: None)
    return places


def test_a_book_shows_no_removed_part_anywhere(built):
    texts = {path: path.read_text(encoding="utf-8") for path in built.site.resolve().rglob("*.html")}
    texts |= {path: path.read_text(encoding="utf-8") for path in built.site.resolve().glob("*.js")}
    assert [path for path, one in texts.items() if "REMOVED" in one or "Removed heading" in one] == []
    project = Project(built, load_courses(built), CAMPUS)
    volume = Volume("all", "All", "", ("everything", "lessons.scaling.first-steps"))
    page, lesson = chapters(edition(project), volume)
    assert "REMOVED" not in page.html + lesson.html
    assert page.html.count("Everything</h1>") == 1
    assert "Ann Author, A University" in page.html


def test_a_page_of_the_book_has_all_that_was_lost(built):
    text = (built.site / "everything" / "index.html").read_text(encoding="utf-8")
    assert '<h1 id="everything">Everything</h1>' in text
    assert "Everything<a" not in text
    assert "Ann Author" in text.split("<main")[1].split("Before the title")[0]
    assert '<meta name="description" content="Before the title' in text
    assert "<del>struck</del> H<sub>2</sub>O" in text
    assert "\u200b" not in text
    assert "<summary>More</summary><p>HIDDEN words.</p>" in text
    assert text.count('href="#fn-n"') == 2
    lesson = (built.site / "lessons" / "scaling" / "first-steps" / "index.html").read_text(encoding="utf-8")
    assert "seen output 1" in lesson
    assert "<summary>Output</summary>" in lesson
    assert "<summary>Code and output</summary>" in lesson
    assert "folded cell" in lesson
