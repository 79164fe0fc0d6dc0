"""What an output becomes, by its mime type: the first row of `FORMS` that has something to show."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable
from fnmatch import fnmatch
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin

from tpc_book.render import output_html, streams, tex
from tpc_book.render.drawn import words_of
from tpc_book.render.nodes.code import coloured
from tpc_book.render.render import Node, Renderer
from tpc_book.render.sanitise import clean
from tpc_book.render.widget_still import still_of
from tpc_book.render.widgets import live_of

# What of an output stands on the page when the whole is too long for it, in characters.
BEGINNING = 4000
BARE_PICTURE = re.compile(r'<img((?: (?!alt=)[\w-]+="[^"]*")*)>')
# A bar within a formula would end the cell of a table.
TABLE_ROW = re.compile(r"^[ ]{0,3}\|.*$", re.MULTILINE)
FORMULA = re.compile(r"(?<![\\$])\$(?! )([^$\n]+?)(?<![\\ ])\$(?!\d)")
# How Python shows an object that has no words of its own.
OBJECT = re.compile(r"\s*<[\w.]+[^<>]*>\s*(?:If you see this message.*)?", re.DOTALL)
NAMES = {
    "plotly": "Plotly",
    "vega": "Vega-Lite",
    "bokeh": "Bokeh",
    "holoviews": "HoloViews",
    "javascript": "JavaScript",
}
Form = Callable[[Renderer, Node, str, str], str]


def shown(page: Renderer, bundle: Node, metadata: Node) -> str:
    """Return the richest safe form of an output; `metadata` may describe it."""
    said = _words(page, metadata)
    for pattern, form in FORMS:
        for kind in [one for one in bundle if fnmatch(one, pattern)]:
            if html := form(page, bundle, kind, said):
                return html
    return ""


def _widget(page: Renderer, bundle: Node, kind: str, said: str) -> str:
    """A live figure with its module; else the picture beside it, the widget as it last looked, or where it lives."""
    view = content(page, bundle[kind])
    model = str((json.loads(view) if isinstance(view, str) else view or {}).get("model_id", ""))
    saved = page.page.get("widgets") or {}
    if live := live_of(page, saved, model):
        return live
    if PICTURES & set(bundle):
        return ""
    return still_of(saved, model, lambda inner: page.render({**inner, "type": "output"})) or _needs_python(
        page
    )


def _picture(page: Renderer, bundle: Node, kind: str, said: str) -> str:
    item = bundle[kind]
    source = page.links.to(item.get("path") or "") if isinstance(item, dict) else ""
    data = "" if source else re.sub(r"\s", "", _text(page, item))
    source = source or (f"data:{kind};base64,{data}" if re.fullmatch(r"[A-Za-z0-9+/]+=*", data) else "")
    return f'<img src="{escape(source)}" alt="{escape(said)}" loading="lazy">' if source else ""


def _drawing(page: Renderer, bundle: Node, kind: str, said: str) -> str:
    """An SVG: one in a file as an image, where no script of it runs, else cleaned in place."""
    item = bundle[kind]
    if isinstance(item, dict) and item.get("path"):
        return _picture(page, bundle, kind, said)
    return _scrolled(clean(_text(page, item)))


def _html(page: Renderer, bundle: Node, kind: str, said: str) -> str:
    text, cut = _beginning(page, bundle[kind])
    if cut and re.search(r"<(?:audio|video)\b", text):
        return f'<p class="box needs-kernel">{_live_words(page, "HTML")}</p>{cut}'
    safe = output_html.shown(text, lambda what, address: _elsewhere(page, what, address))
    return (
        _scrolled(BARE_PICTURE.sub(lambda found: f'<img alt="{escape(said)}"{found[1]}>', safe)) + cut
        if safe
        else ""
    )


def _elsewhere(page: Renderer, what: str, address: str) -> str:
    """Return what stands for a page or a film within an output: a link to it, or where it lives."""
    if re.match(r"https?://", address):
        host = escape(address.split("/")[2])
        return f'<p><a href="{escape(address)}">{escape(page.words["external_page"])}</a> ({host})</p>'
    return f"<p>{_live_words(page, what)}</p>"


def _markdown(page: Renderer, bundle: Node, kind: str, said: str) -> str:
    """Markdown with tables and formulas. It is cleaned before the formulas take their places."""
    text, cut = _beginning(page, bundle[kind])
    formulas: list[str] = []

    def kept(source: str, options: dict[str, Any]) -> str:
        formulas.append(tex.formula(source, bool(options.get("display_mode"))))
        return f"\ue000{len(formulas) - 1}\ue001"

    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    reader.use(dollarmath_plugin, renderer=kept, allow_space=False, allow_digits=False)
    reader.use(amsmath_plugin, renderer=lambda source: kept(source, {"display_mode": True}))
    text = TABLE_ROW.sub(lambda row: FORMULA.sub(_without_bars, row[0]), text.replace("\ue000", ""))
    safe = clean(reader.render(text))
    safe = re.sub("\ue000(\\d+)\ue001", lambda mark: formulas[int(mark[1])], safe)
    return _scrolled(_described(safe, said)) + cut


def _described(html: str, said: str) -> str:
    """Return cleaned HTML whose pictures have words."""
    return BARE_PICTURE.sub(lambda found: f'<img alt="{escape(said)}"{found[1]}>', html)


def _without_bars(found: re.Match[str]) -> str:
    return "$" + re.sub(r"\\?\|", lambda bar: r"{\Vert}" if len(bar[0]) > 1 else r"{\vert}", found[1]) + "$"


def _latex(page: Renderer, bundle: Node, kind: str, said: str) -> str:
    text, cut = _beginning(page, bundle[kind])
    return _scrolled(f"<div>{tex.prose(text)}</div>") + cut if text.strip() else ""


def _json(page: Renderer, bundle: Node, kind: str, said: str) -> str:
    text, cut = _beginning(page, bundle[kind])
    with contextlib.suppress(ValueError):  # then it is shown as it came
        text = text if cut else json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    return f'<pre tabindex="0" class="output"><code>{coloured(text, "json")}</code></pre>{cut}'


def _plain(page: Renderer, bundle: Node, kind: str, said: str) -> str:
    return _terminal(page, bundle[kind], "output")


def _live(page: Renderer, bundle: Node, kind: str, said: str) -> str:
    """What only a notebook shows: its words where it has some, and where it lives."""
    words = _text(page, bundle["text/plain"]) if "text/plain" in bundle else ""
    plain = "" if OBJECT.fullmatch(words) or not words.strip() else _plain(page, bundle, "text/plain", said)
    name = next((name for part, name in NAMES.items() if part in kind), kind)
    return f'{plain}<p class="box needs-kernel">{_live_words(page, name)}</p>'


WIDGET = "application/vnd.jupyter.widget-view+json"
RASTER = ("image/png", "image/jpeg", "image/gif", "image/webp")
PICTURES = {*RASTER, "image/svg+xml"}
# Richest first. The last row shows whatever nobody knows.
FORMS: tuple[tuple[str, Form], ...] = (
    (WIDGET, _widget),
    *((kind, _picture) for kind in RASTER),
    ("image/svg+xml", _drawing),
    ("text/html", _html),
    ("text/markdown", _markdown),
    ("text/latex", _latex),
    ("application/vnd.*", _live),
    ("application/json", _json),
    ("application/*+json", _json),
    ("application/javascript", _live),
    ("text/plain", _plain),
    ("*", _live),
)


def stream_text(page: Renderer, data: Node) -> str:
    """Return what a piece of a stream says, whole."""
    if data.get("joined"):
        return str(data["text"])
    return _text(page, {"path": data.get("path"), "content": _lines(data.get("text"))})


def stream(page: Renderer, data: Node) -> str:
    text = streams.settled(stream_text(page, data))
    css = "output stderr" if data.get("name") == "stderr" else "output"
    return _terminal(page, {"path": data.get("path"), "settled": text}, css)


def error(page: Renderer, data: Node) -> str:
    """Return a traceback, which the engine puts into a file when it is long."""
    traceback = _lines(data.get("traceback"), "\n")
    said = traceback or f"{data.get('ename')}: {data.get('evalue')}"
    return _terminal(page, {"path": data.get("path"), "content": said}, "output error")


def _terminal(page: Renderer, item: Any, css: str) -> str:
    text, cut = _beginning(page, item)
    html = streams.as_html(streams.settled(text).rstrip())
    return f'<pre tabindex="0" class="{css}">{html}</pre>{cut}' if html.strip() else ""


def _scrolled(html: str) -> str:
    return f'<div class="output-html scroll" tabindex="0">{html}</div>'


def _needs_python(page: Renderer) -> str:
    words = escape(page.words["figure_kernel"])
    return f'<p class="box needs-kernel">{words}{_open(page)}</p>'


def _live_words(page: Renderer, kind: str) -> str:
    return escape(page.words["output_live"].format(kind=kind)) + _open(page)


def _open(page: Renderer) -> str:
    url = page.page.get("open_url", "")
    if not url or page.inside_link:
        return ""
    return f' <a class="button" href="{escape(url)}">{escape(page.words["figure_open"])}</a>'


def _words(page: Renderer, metadata: Node) -> str:
    """Return what a picture shows: what the notebook says of it, or the labels in the code that drew it."""
    of_kinds = [kind.get("alt") for kind in metadata.values() if isinstance(kind, dict)]
    given = next((str(alt) for alt in [metadata.get("alt"), *of_kinds] if alt), "")
    labels = words_of(page.code)
    return given or (
        page.words["output_image_of"].format(labels=labels) if labels else page.words["output_image"]
    )


def _beginning(page: Renderer, item: Any) -> tuple[str, str]:
    """Return the text of an output, and a line about what of it was cut, empty when it is whole.

    Only what the engine put aside can be cut: a reader finds the rest in its file.
    """
    path = item.get("path") if isinstance(item, dict) else None
    text = item["settled"] if isinstance(item, dict) and "settled" in item else _text(page, item)
    if not path or len(text) <= page.room:
        page.room -= len(text) if path else 0
        return text, ""
    line = page.words["output_cut"].format(size=_size(len(text.encode())))
    name = escape(page.words["output_whole"])
    link = name if page.inside_link else f'<a href="{escape(page.links.to(path))}">{name}</a>'
    kept = text[:BEGINNING]
    return kept[: kept.rfind("\n") + 1] or kept, f'<p class="quiet cut">{escape(line)} {link}</p>'


def _size(count: int) -> str:
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 else f"{count / 2**10:.0f} KiB"


def content(page: Renderer, item: Any) -> Any:
    """Return what an entry of a bundle holds; the engine moves large ones to files and keeps their beginning."""
    if not isinstance(item, dict):
        return item
    if item.get("path"):
        return page.page.get("files", {}).get(item["path"], "") or item.get("content", "")
    return item.get("content", item if "content_type" not in item else "")


def _text(page: Renderer, item: Any) -> str:
    found = content(page, item)
    return (
        found if isinstance(found, str) else _lines(found) if isinstance(found, list) else json.dumps(found)
    )


def _lines(text: Any, between: str = "") -> str:
    return text if isinstance(text, str) else between.join(map(str, text or []))
