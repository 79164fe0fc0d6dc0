"""What points elsewhere: cross-references, citations, footnotes, and the cards that show what they point at."""

from __future__ import annotations

import hashlib
from html import escape
from typing import Any

from tpc_book.render.nodes.inline import linked
from tpc_book.render.render import Node, Renderer, attributes, renders
from tpc_book.render.sanitise import clean


@renders("crossReference")
def cross_reference(page: Renderer, node: Node) -> str:
    """A link to a numbered thing, a heading or a word, here or on another page."""
    if page.inside_link:
        return page.inner(node)
    target = node.get("html_id") or node.get("identifier") or ""
    url = str(node.get("url") or "")
    address = (
        page.links.to(url) + (f"#{target}" if target else "") if url and node.get("remote") else f"#{target}"
    )
    css = "xref term" if str(target).startswith("term-") else "xref"
    return f"<a{attributes(css, href=address, data_card=_card(page, node, target))}>{linked(page, node)}</a>"


def _card(page: Renderer, node: Node, target: str) -> str | None:
    """Return the name of the card for a target on another page; on this page the script finds the target itself."""
    if not (node.get("remote") and page.shelf and target):
        return None
    text = page.shelf.card(str(node.get("url") or "/"), target)
    if not text:
        return None
    name = hashlib.sha1(f"{node.get('url')}#{target}".encode()).hexdigest()[:8]
    page.cards[name] = text
    return name


@renders("citeGroup")
def cite_group(page: Renderer, node: Node) -> str:
    inner = "; ".join(map(page.render, node.get("children") or []))
    return f"({inner})" if node.get("kind") == "parenthetical" else inner


@renders("cite")
def cite(page: Renderer, node: Node) -> str:
    """A citation, linked to its entry at the foot; a DOI outside references.bib, or in a list of works, is a link."""
    label = str(node.get("label") or "")
    words = linked(page, node)
    if page.inside_link:
        return words
    if str(node.get("title") or "").startswith("doi:"):
        return f'<a href="{escape(str(node.get("url") or ""))}">{escape(node["title"])}</a>'
    doi = label.removeprefix("https://doi.org/")
    if label not in page.citations:
        if not doi.startswith("10."):
            return words  # shown again from another page, whose works stand there
        return f'<a href="https://doi.org/{escape(doi)}">{words or escape(doi)}</a>'
    first = attributes(id=None if label in page.cited else f"cited-{label}")
    page.cited.append(label)
    return f'<a class="cite" href="#cite-{escape(label)}"{first}>{words}</a>'


@renders("footnoteReference")
def footnote_reference(page: Renderer, node: Node) -> str:
    """The number of a note, linked to the foot; of a note that stands on another page, to the one there."""
    key = str(node.get("identifier") or node.get("label") or "")
    number = escape(str(node.get("enumerator") or key))
    if page.inside_link or not key:
        return f"<sup>{number}</sup>"
    first = f"ref-{key}" not in page.noted
    page.noted.add(f"ref-{key}")
    found = attributes(
        "footnote",
        id=f"ref-{key}" if first else None,
        href=f"{page.notes_at}#fn-{key}",
        aria_label=f"{page.words['footnote']} {number}",
    )
    return f"<sup><a{found}>{number}</a></sup>"


@renders("footnoteDefinition")
def footnote_definition(page: Renderer, node: Node) -> str:
    """A note, kept for the foot of the page; of one shown again from elsewhere the foot of that page has it."""
    key = str(node.get("identifier") or node.get("label") or "")
    if not page.notes_at and not page.inside_link and key not in page.footnotes:
        page.footnotes[key] = (str(node.get("enumerator") or key), page.inner(node))
    return ""


def foot(page: Renderer) -> str:
    """Return the works and the footnotes that a page used."""
    return _notes(page) + _works(page)


def _notes(page: Renderer) -> str:
    if not page.footnotes:
        return ""
    back = escape(page.words["back_to_text"])
    items = ""
    for key, (number, text) in page.footnotes.items():
        value = attributes(id=f"fn-{key}", value=number if number.isdigit() else None)
        up = f'<p><a href="#ref-{escape(key)}" aria-label="{back} {escape(number)}">↩</a></p>'
        items += f"<li{value}>{text}{up if f'ref-{key}' in page.noted else ''}</li>"
    return _section("notes", page.words["footnotes"], f"<ol>{items}</ol>")


def _works(page: Renderer) -> str:
    if not page.cited:
        return ""
    works: dict[str, Any] = {label: page.citations[label] for label in dict.fromkeys(page.cited)}
    items = "".join(
        f'<li id="cite-{escape(label)}">{clean(work["html"])}</li>' for label, work in works.items()
    )
    return _section("works", page.words["bibliography"], f"<ol>{items}</ol>")


def _section(name: str, title: str, text: str) -> str:
    heading = f'<h2 id="foot-{name}">{escape(title)}</h2>'
    return f'<section class="foot" aria-labelledby="foot-{name}">{heading}{text}</section>'
