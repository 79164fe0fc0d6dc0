"""Outputs of notebooks, in the order in which a cell made them. What each kind becomes stands in `mime`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from tpc_book.render.nodes import mime
from tpc_book.render.render import Node, Renderer, attributes, renders, visibility
from tpc_book.render.widgets import directive


@renders("outputs")
def outputs(page: Renderer, node: Node) -> str:
    if visibility(node) == "remove":
        return ""
    inside = page.all(_joined(page, node.get("children") or []))
    if visibility(node) == "hide" and inside:
        found = attributes("box", id=node.get("html_id"))
        return f"<details{found}><summary>{escape(page.words['output'])}</summary>{inside}</details>"
    return f'<div class="outputs"{attributes(id=node.get("html_id"))}>{inside}</div>' if inside else ""


def _joined(page: Renderer, nodes: Iterable[Node]) -> Iterator[Node]:
    """Yield outputs with the pieces of a stream that came one after the other as one."""
    last: Node | None = None
    for node in nodes:
        data = node.get("jupyter_data") or {}
        if node.get("type") != "output" or data.get("output_type") != "stream":
            yield from [last] if last else []
            yield node
            last = None
        elif last and last["jupyter_data"].get("name") == data.get("name"):
            first = last["jupyter_data"]
            text = mime.stream_text(page, first) + mime.stream_text(page, data)
            joined = {**first, "text": text, "path": first.get("path") or data.get("path"), "joined": True}
            last = {**last, "jupyter_data": joined}
        else:
            yield from [last] if last else []
            last = node
    yield from [last] if last else []


@renders("output")
def output(page: Renderer, node: Node) -> str:
    """Return one output in the richest form that is safe, or what says what it is."""
    data = node.get("jupyter_data") or {}
    if data.get("output_type") == "error":
        return mime.error(page, data)
    if data.get("output_type") == "stream" or data.get("name"):
        return mime.stream(page, data)
    bundle = data.get("data") or {}
    if node.get("children") and not mime.PICTURES & set(bundle):
        return page.inner(node)  # the engine has made nodes of it
    return mime.shown(page, bundle, data.get("metadata") or {})


@renders("anywidget")
def anywidget(page: Renderer, node: Node) -> str:
    return directive(page, node, page.page.get("files", {}).get(node.get("esm", ""), ""))
