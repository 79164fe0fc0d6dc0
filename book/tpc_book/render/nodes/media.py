"""Figures with captions, images, films, diagrams, pages inside a page."""

from __future__ import annotations

import re
from html import escape

from tpc_book.base.cache import digest
from tpc_book.render.diagram import DiagramError, draw
from tpc_book.render.render import Node, Renderer, attributes, identity, renders, text_of

FILM = re.compile(r"\.(mp4|webm|ogv|mov)$", re.IGNORECASE)
DECORATIVE = "decorative"
# An option with nothing between quotation marks comes with them.
EMPTY = {'""', "''"}
SIZE = re.compile(r"\d+(\.\d+)?(px|%|em|rem|vw)?")


@renders("container")
def container(page: Renderer, node: Node) -> str:
    """A figure, table, listing or quotation with its caption."""
    kind = str(node.get("kind") or "figure")
    # The engine copies a caption to a picture without words, also to one that only decorates.
    without = {"alt": ""} if is_decorative(node) else {}
    children = [
        child | without if child["type"] == "image" else child for child in node.get("children") or []
    ]
    inside = page.all(children)
    if node.get("subcontainer") or node.get("parentEnumerator"):
        return f"<figure{attributes('part')}{identity(node)}>{inside}</figure>"
    parts = any(child.get("type") == "container" for child in node.get("children") or [])
    css = " ".join(filter(None, [kind, "parts" if parts else "", str(node.get("class") or "")]))
    return f"<figure{attributes(css)}{identity(node)}>{inside}</figure>"


@renders("figure")
def figure(page: Renderer, node: Node) -> str:
    return f"<figure{identity(node)}>{page.inner(node)}</figure>"


@renders("caption", "legend")
def caption(page: Renderer, node: Node) -> str:
    """A caption. Its paragraphs become lines, as a figcaption in a sub-figure is short."""
    return (
        f"<figcaption>{page.inner(node)}</figcaption>"
        if node["type"] == "caption"
        else f'<div class="legend">{page.inner(node)}</div>'
    )


@renders("captionNumber")
def caption_number(page: Renderer, node: Node) -> str:
    return f'<strong class="number">{page.inner(node)}</strong> '


def is_decorative(node: Node) -> bool:
    """Return whether an author said that a picture, or the figure around it, only decorates."""
    return DECORATIVE in str(node.get("class") or "").split() or node.get("alt") in EMPTY


@renders("image")
def image(page: Renderer, node: Node) -> str:
    """An image or a film."""
    url = str(node.get("url") or "")
    width = node.get("width")
    style = (
        f"width:{width if not str(width).isdigit() else f'{width}px'}"
        if width and SIZE.fullmatch(str(width))
        else None
    )
    align = node.get("align") if node.get("align") in {"left", "right", "center"} else None
    alt = "" if is_decorative(node) else str(node.get("alt") or "")
    if FILM.search(url):
        label = alt or text_of(node) or None
        found = attributes(align or "", src=page.links.to(url), style=style, aria_label=label)
        return f'<video controls preload="none"{found}></video>'
    found = attributes(align or "", src=page.links.to(url), style=style, title=node.get("title"))
    return f'<img{found} alt="{escape(alt)}" loading="lazy">'


@renders("iframe")
def frame(page: Renderer, node: Node) -> str:
    """A page of this book is shown in place; one from elsewhere is a link, so that nothing is asked of it."""
    source = str(node.get("src") or "")
    if re.match(r"https?:|//", source):
        title = node.get("title") or page.words["external_page"]
        words = escape(str(title))
        link = words if page.inside_link else f'<a href="{escape(source)}">{words}</a>'
        return f'<p class="box">{link} ({escape(source.split("/")[2])})</p>'
    title = node.get("title") or text_of(node) or source
    return (
        f'<iframe src="{escape(page.links.to(source))}" title="{escape(str(title))}" loading="lazy"></iframe>'
    )


@renders("mermaid")
def mermaid(page: Renderer, node: Node) -> str:
    """A diagram, drawn now; its source where it cannot be, with the reason."""
    page.diagrams += 1
    source = str(node.get("value", ""))
    # A card of another page stands on the same page.
    name = f"{'card' if page.inside_link else 'diagram'}{page.diagrams}-{digest(source)[:6]}"
    try:
        return f'<div class="diagram" tabindex="0">{draw(source, name, page.drawings)}</div>'
    except DiagramError as e:
        said = f'<p class="box">{escape(page.words["diagram_undrawn"])}</p>'
        shown = f'{said}<pre tabindex="0"><code>{escape(source)}</code></pre>'
        return f'<div class="undrawn" data-why="{escape(str(e))}">{shown}</div>'
