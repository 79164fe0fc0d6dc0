"""Outputs of notebooks: pictures, tables, text, errors and live figures. HTML and SVG in them are cleaned."""

from __future__ import annotations

import json
import re
from html import escape
from typing import Any

from markdown_it import MarkdownIt

from tpc_book.drawn import words_of
from tpc_book.render import Node, Renderer, attributes, renders
from tpc_book.sanitise import clean
from tpc_book.widgets import directive, widget

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
WIDGET = "application/vnd.jupyter.widget-view+json"
# What of an output stands on the page when the whole is too long for it, in characters.
BEGINNING = 4000
BARE_PICTURE = re.compile(r'<img((?: (?!alt=)[\w-]+="[^"]*")*)>')
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")


@renders("outputs")
def outputs(page: Renderer, node: Node) -> str:
    if node.get("visibility") == "remove":
        return ""
    inside = page.inner(node)
    if node.get("visibility") == "hide" and inside:
        return f'<details class="box"><summary>{escape(page.words["code"])}</summary>{inside}</details>'
    return f'<div class="outputs"{attributes(id=node.get("html_id"))}>{inside}</div>' if inside else ""


@renders("output")
def output(page: Renderer, node: Node) -> str:
    """Return one output in the richest form that is safe."""
    data = node.get("jupyter_data") or {}
    bundle = data.get("data") or {}
    if WIDGET in bundle:
        view = _content(page, bundle[WIDGET])
        model = (json.loads(view) if isinstance(view, str) else view).get("model_id", "")
        return widget(page, model, page.page.get("open_url", ""))
    said = _words(page, data.get("metadata") or {})
    for kind in PICTURES:
        if kind in bundle:
            return _picture(page, bundle[kind], said)
    if "image/svg+xml" in bundle:
        return _drawing(page, bundle["image/svg+xml"], said)
    if "text/html" in bundle:
        text, cut = _beginning(page, bundle["text/html"])
        return _scrolled(_described(clean(text), said)) + cut
    if node.get("children"):
        return page.inner(node)  # the engine has made nodes of it
    if "text/markdown" in bundle:
        text, cut = _beginning(page, bundle["text/markdown"])
        return _scrolled(_described(_markdown(text), said)) + cut
    if "text/latex" in bundle:
        text, cut = _beginning(page, bundle["text/latex"])
        return f'<pre tabindex="0" class="output">{escape(text)}</pre>{cut}'
    return _plain(page, data, bundle)


def _scrolled(html: str) -> str:
    return f'<div class="output-html scroll" tabindex="0">{html}</div>'


def _words(page: Renderer, metadata: Node) -> str:
    """Return what a picture shows: what the notebook says of it, or the labels in the code that drew it."""
    of_kinds = [kind.get("alt") for kind in metadata.values() if isinstance(kind, dict)]
    given = next((str(alt) for alt in [metadata.get("alt"), *of_kinds] if alt), "")
    labels = words_of(page.code)
    return given or (
        page.words["output_image_of"].format(labels=labels) if labels else page.words["output_image"]
    )


def _described(html: str, said: str) -> str:
    """Return cleaned HTML whose pictures have words."""
    return BARE_PICTURE.sub(lambda found: f'<img alt="{escape(said)}"{found[1]}>', html)


def _beginning(page: Renderer, item: Any) -> tuple[str, str]:
    """Return the text of an output, and a line about what of it was cut, empty when it is whole.

    Only what the engine put aside can be cut: a reader finds the rest in its file.
    """
    text = str(_content(page, item))
    path = item.get("path") if isinstance(item, dict) else None
    if not path or len(text) <= page.room:
        page.room -= len(text) if path else 0
        return text, ""
    line = page.words["output_cut"].format(size=_size(len(text.encode())))
    link = f'<a href="{escape(page.links.to(path))}">{escape(page.words["output_whole"])}</a>'
    kept = text[:BEGINNING]
    return kept[: kept.rfind("\n") + 1] or kept, f'<p class="quiet cut">{escape(line)} {link}</p>'


def _size(count: int) -> str:
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 else f"{count / 2**10:.0f} KiB"


def _content(page: Renderer, item: Any) -> Any:
    """Return what an entry of a bundle holds; the engine moves large ones to files and keeps their beginning."""
    if not isinstance(item, dict):
        return item
    if item.get("path"):
        return page.page.get("files", {}).get(item["path"], "") or item.get("content", "")
    return item.get("content", "")


def _markdown(text: str) -> str:
    """Return the Markdown that a cell put out, with tables, cleaned."""
    return clean(MarkdownIt("commonmark").enable("table").render(text))


def _picture(page: Renderer, item: Node, said: str) -> str:
    source = page.links.to(item.get("path") or "")
    return f'<img src="{escape(source)}" alt="{escape(said)}" loading="lazy">'


def _drawing(page: Renderer, item: Any, said: str) -> str:
    """Return an SVG: one in a file as an image, where no script of it runs, else cleaned in place."""
    if isinstance(item, dict) and item.get("path"):
        return _picture(page, item, said)
    return _scrolled(clean(str(_content(page, item))))


def _plain(page: Renderer, data: Node, bundle: Node) -> str:
    css = "output stderr" if data.get("name") == "stderr" else "output"
    if data.get("output_type") == "error":
        css, item = "output error", _error(data)
    else:
        item = bundle.get("text/plain") or {"path": data.get("path"), "content": _joined(data.get("text"))}
    text, cut = _beginning(page, item)
    plain = ANSI.sub("", text)
    return f'<pre tabindex="0" class="{css}">{escape(plain.rstrip())}</pre>{cut}' if plain.strip() else ""


def _error(data: Node) -> Node:
    """Return a traceback as the entry of a bundle: in lines, or in a file when it is long."""
    traceback = _joined(data.get("traceback"), "\n")
    return {"path": data.get("path"), "content": traceback or f"{data.get('ename')}: {data.get('evalue')}"}


def _joined(text: Any, between: str = "") -> str:
    return text if isinstance(text, str) else between.join(map(str, text or []))


@renders("anywidget")
def anywidget(page: Renderer, node: Node) -> str:
    return directive(page, node, page.page.get("files", {}).get(node.get("esm", ""), ""))
