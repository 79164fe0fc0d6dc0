"""Nodes inside a line: words, emphasis, links, keys."""

from __future__ import annotations

import re
from html import escape

from tpc_book.data.markdown import AS_TYPED
from tpc_book.render.render import WRAP_MARK, Node, Renderer, attributes, renders, wraps
from tpc_book.render.sanitise import clean

wraps("emphasis", "em")
wraps("strong", "strong")
wraps("subscript", "sub")
wraps("superscript", "sup")
wraps("delete", "del")
wraps("underline", "u")
wraps("keyboard", "kbd")
wraps("smallcaps", "span", "smallcaps")


@renders("text")
def text(page: Renderer, node: Node) -> str:
    return escape(str(node.get("value") or "").replace(AS_TYPED, ""), quote=False)


@renders("inlineCode")
def inline_code(page: Renderer, node: Node) -> str:
    return f"<code>{escape(str(node.get('value') or ''), quote=False)}</code>"


@renders("inlineExpression")
def inline_expression(page: Renderer, node: Node) -> str:
    """A value computed in a notebook; the source when it was not run."""
    return page.inner(node) or inline_code(page, node)


@renders("break")
def line_break(page: Renderer, node: Node) -> str:
    return "<br>"


@renders("span")
def span(page: Renderer, node: Node) -> str:
    return f"<span{attributes(node.get('class', ''), id=node.get('html_id'))}>{page.inner(node)}</span>"


@renders("abbreviation")
def abbreviation(page: Renderer, node: Node) -> str:
    return f'<abbr title="{escape(node.get("title") or "")}" tabindex="0">{page.inner(node)}</abbr>'


@renders("link")
def link(page: Renderer, node: Node) -> str:
    """A link; one inside a link or a summary is its words only, as HTML allows no other."""
    if page.inside_link:
        return page.inner(node)
    address = page.links.to(node.get("url") or "")
    words = linked(page, node).replace(WRAP_MARK, "<wbr>") or escape(address.removeprefix("https://"))
    found = attributes(
        node.get("class") or "",
        href=address,
        title=node.get("title"),
        download=bool(node.get("static")),
    )
    return f"<a{found}>{words}</a>"


def linked(page: Renderer, node: Node) -> str:
    """Return the children of a link."""
    outer, page.inside_link = page.inside_link, True
    try:
        return page.inner(node)
    finally:
        page.inside_link = outer


@renders("chemicalFormula")
def chemical_formula(page: Renderer, node: Node) -> str:
    """A formula such as H2O; a number after a letter or bracket counts atoms."""
    formula = re.sub(r"(?<=[A-Za-z)\]])(\d+)", r"<sub>\1</sub>", escape(str(node.get("value") or "")))
    return f'<span class="quantity">{formula}</span>'


@renders("si")
def measure(page: Renderer, node: Node) -> str:
    """A quantity with its unit; a screen reader gets the unit in words."""
    label = f"{node.get('number', '')} {node['alt']}".strip() if node.get("alt") else None
    if label:
        seen = f'<span aria-hidden="true">{escape(str(node.get("value") or ""))}</span>'
        return f'<span class="quantity">{seen}<span class="hidden">{escape(label)}</span></span>'
    return f'<span class="quantity">{escape(str(node.get("value") or ""))}</span>'


@renders("html")
def html(page: Renderer, node: Node) -> str:
    return clean(node.get("value", ""))


@renders("comment", "mystTarget", "raw", "indexEntry")
def silent(page: Renderer, node: Node) -> str:
    """What is not for readers of the book: comments, and text for other outputs than a page."""
    return "" if node.get("lang") not in {"html", None} else html_of_raw(page, node)


def html_of_raw(page: Renderer, node: Node) -> str:
    """Return raw HTML, cleaned."""
    return clean(node.get("value", "")) if node["type"] == "raw" else ""


@renders("mystRole", "mystDirective")
def shell(page: Renderer, node: Node) -> str:
    """The shell of a role or directive: what it made stands inside."""
    return page.inner(node)
