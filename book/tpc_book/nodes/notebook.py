"""Outputs of notebooks: pictures, tables, text, errors and live figures. HTML and SVG in them are cleaned."""

from __future__ import annotations

import json
import re
from html import escape
from typing import Any

from markdown_it import MarkdownIt

from tpc_book.render import Node, Renderer, attributes, renders
from tpc_book.sanitise import clean
from tpc_book.widgets import directive, widget

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
WIDGET = "application/vnd.jupyter.widget-view+json"
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
    for kind in PICTURES:
        if kind in bundle:
            return _picture(page, bundle[kind])
    if "image/svg+xml" in bundle:
        return _drawing(page, bundle["image/svg+xml"])
    if "text/html" in bundle:
        return f'<div class="output-html scroll" tabindex="0">{clean(str(_content(page, bundle["text/html"])))}</div>'
    if node.get("children"):
        return page.inner(node)  # the engine has made nodes of it
    if "text/markdown" in bundle:
        made = _markdown(str(_content(page, bundle["text/markdown"])))
        return f'<div class="output-html scroll" tabindex="0">{made}</div>'
    if "text/latex" in bundle:
        return f'<pre tabindex="0" class="output">{escape(str(_content(page, bundle["text/latex"])))}</pre>'
    return _plain(page, data, bundle)


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


def _picture(page: Renderer, item: Node) -> str:
    source = page.links.to(item.get("path") or "")
    return f'<img src="{escape(source)}" alt="{escape(page.words["output_image"])}" loading="lazy">'


def _drawing(page: Renderer, item: Any) -> str:
    """Return an SVG: one in a file as an image, where no script of it runs, else cleaned in place."""
    if isinstance(item, dict) and item.get("path"):
        return _picture(page, item)
    return f'<div class="output-html scroll" tabindex="0">{clean(str(_content(page, item)))}</div>'


def _plain(page: Renderer, data: Node, bundle: Node) -> str:
    text = _content(page, bundle.get("text/plain", "")) or _stream(page, data)
    css = "output"
    if data.get("output_type") == "error":
        text = "\n".join(data.get("traceback") or []) or f"{data.get('ename')}: {data.get('evalue')}"
        css = "output error"
    if data.get("name") == "stderr":
        css = "output stderr"
    plain = ANSI.sub("", text if isinstance(text, str) else "".join(map(str, text)))
    return f'<pre tabindex="0" class="{css}">{escape(plain.rstrip())}</pre>' if plain.strip() else ""


def _stream(page: Renderer, data: Node) -> Any:
    return _content(page, {"path": data.get("path"), "content": data.get("text") or ""})


@renders("anywidget")
def anywidget(page: Renderer, node: Node) -> str:
    return directive(page, node, page.page.get("files", {}).get(node.get("esm", ""), ""))
