"""Boxes: admonitions, exercises with folded solutions, proofs, cards, grids, tabs, folds."""

from __future__ import annotations

from html import escape

from tpc_book.render.render import Node, Renderer, attributes, identity, renders


def titled(page: Renderer, node: Node, default: str, plain: bool = False) -> tuple[str, str]:
    """Return title and rest of a box; a `plain` title has no links, as inside a summary or a link."""
    children = list(node.get("children") or [])
    if not children or children[0]["type"] != "admonitionTitle":
        return escape(default), page.inner(node)
    outer, page.inside_link = page.inside_link, plain or page.inside_link
    title = page.inner(children[0])
    page.inside_link = outer
    return title, page.all(children[1:])


@renders("admonition")
def admonition(page: Renderer, node: Node) -> str:
    kind = str(node.get("kind") or "note")
    styles = str(node.get("class") or "")
    folded = "dropdown" in styles
    title, rest = titled(page, node, kind.title(), plain=folded)
    css = f"box {kind} {styles}".strip()
    if folded:
        found = attributes(css, open=bool(node.get("open")), id=node.get("html_id"))
        return f"<details{found}><summary>{title}</summary>{rest}</details>"
    head = f'<p class="box-title">{title}</p>' if title else ""
    return f'<div role="note"{attributes(css, id=node.get("html_id"))}>{head}{rest}</div>'


@renders("admonitionTitle")
def stray_title(page: Renderer, node: Node) -> str:
    return f'<p class="box-title">{page.inner(node)}</p>'


@renders("exercise")
def exercise(page: Renderer, node: Node) -> str:
    return _numbered(page, node, page.words["exercise"], "exercise")


@renders("proof")
def proof(page: Renderer, node: Node) -> str:
    kind = str(node.get("kind") or "proof")
    return _numbered(page, node, kind.title(), f"proof {kind}")


def _numbered(page: Renderer, node: Node, word: str, css: str) -> str:
    styles = str(node.get("class") or "")
    folded = "dropdown" in styles
    title, rest = titled(page, node, "", plain=folded)
    number = f" {escape(str(node['enumerator']))}" if node.get("enumerator") and node.get("label") else ""
    label = f"<span>{word}{number}</span>" + (f": {title}" if title else "")
    css = f"box {css} {styles}".strip()
    if folded:
        return f"<details{attributes(css)}{identity(node)}><summary>{label}</summary>{rest}</details>"
    return f'<div{attributes(css)}{identity(node)}><p class="box-title">{label}</p>{rest}</div>'


@renders("solution")
def solution(page: Renderer, node: Node) -> str:
    """A solution is always folded, so that nobody reads it by accident; on paper it stands open."""
    title, rest = titled(page, node, page.words["solution"], plain=True)
    return f"<details{attributes('box solution')}{identity(node)}><summary>{title}</summary>{rest}</details>"


@renders("details")
def fold(page: Renderer, node: Node) -> str:
    found = attributes("box", open=bool(node.get("open")), id=node.get("html_id"))
    return f"<details{found}>{page.inner(node)}</details>"


@renders("summary")
def fold_title(page: Renderer, node: Node) -> str:
    return f"<summary>{plainly(page, node)}</summary>"


@renders("grid")
def grid(page: Renderer, node: Node) -> str:
    columns = [int(number) for number in node.get("columns") or [1, 2, 2, 3]]
    return f'<div class="grid columns-{min(max(columns), 4)}">{page.inner(node)}</div>'


def plainly(page: Renderer, node: Node) -> str:
    """Return the words of a node without links, as they stand inside one."""
    outer, page.inside_link = page.inside_link, True
    try:
        return page.inner(node)
    finally:
        page.inside_link = outer


@renders("card")
def card(page: Renderer, node: Node) -> str:
    """A card; one with an address is one link, its title, and CSS makes the whole card clickable."""
    children = node.get("children") or []
    if not node.get("url") or page.inside_link:
        return f'<div class="card">{page.all(children)}</div>'
    address = attributes(href=page.links.to(node["url"]))
    titles = [child for child in children if child["type"] == "cardTitle"]
    words = plainly(page, titles[0]) if titles else escape(node["url"].strip("/"))
    link = f'<p class="card-title"><a{address}>{words}</a></p>'
    parts = [link if child in titles else page.render(child) for child in children]
    return f'<div class="card linked">{"".join(parts if titles else [link, *parts])}</div>'


@renders("cardTitle")
def card_title(page: Renderer, node: Node) -> str:
    return f'<p class="card-title">{page.inner(node)}</p>'


@renders("footer")
def card_footer(page: Renderer, node: Node) -> str:
    return f'<div class="card-footer">{page.inner(node)}</div>'


@renders("tabSet")
def tab_set(page: Renderer, node: Node) -> str:
    """Tabs as open sections with titles; the script makes tabs of them."""
    return f'<div class="tabs" data-label="{escape(page.words["tabs"])}">{page.inner(node)}</div>'


@renders("tabItem")
def tab_item(page: Renderer, node: Node) -> str:
    chosen = attributes("tab", data_sync=node.get("sync"), data_selected=bool(node.get("selected")))
    title = escape(str(node.get("title") or ""))
    return f'<section{chosen}><p class="tab-title">{title}</p>{page.inner(node)}</section>'
