"""Turns the engine's document tree (MyST AST, version 3) into HTML. A type without a renderer is an error.

Two tables cover the plain types; what is left has one small function each, found by the name of the type.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import escape
from typing import Any
from urllib.parse import urlsplit

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from tpc_book.theme_outputs import output_html, sanitise

Node = dict[str, Any]

_WRAPPED = {
    "paragraph": "p",
    "emphasis": "em",
    "strong": "strong",
    "subscript": "sub",
    "superscript": "sup",
    "delete": "del",
    "underline": "u",
    "keyboard": "kbd",
    "blockquote": "blockquote",
    "definitionList": "dl",
    "definitionTerm": "dt",
    "definitionDescription": "dd",
    "tableRow": "tr",
    "caption": "figcaption",
    "legend": "figcaption",
    "captionNumber": "strong",
    "summary": "summary",
    "details": "details",
    "container": "figure",
    "aside": "aside",
    "span": "span",
    "div": "div",
    "glossary": "div",
    "tabSet": "div",
    "smallcaps": "span",
}
_TRANSPARENT = {"root", "include", "embed", "footer", "header", "cardTitle", "admonitionTitle"}
_SILENT = {"comment", "mystTarget"}


class UnknownNode(ValueError):
    """The page holds something this theme cannot show."""


class Renderer:
    """Renders one page; collects its footnotes and citations on the way."""

    def __init__(self, page: Node, address: Callable[[str], str], fetch: Callable[[str], str]) -> None:
        self.widgets: Node = page.get("widgets") or {}
        self.address, self.fetch = address, fetch
        self.known: Node = page.get("references", {}).get("cite", {}).get("data", {})
        self.cited: list[str] = []
        self.footnotes: dict[str, str] = {}

    def render(self, node: Node) -> str:
        """Return the HTML of a node; raises UnknownNode with the type that has no renderer."""
        kind = node["type"]
        if kind in _SILENT or node.get("visibility") == "remove":
            return ""
        if kind in _TRANSPARENT:
            return self.inside(node)
        if kind in _WRAPPED:
            tag = _WRAPPED[kind]
            return f"<{tag}{_id(node)}>{self.inside(node)}</{tag}>"
        render = getattr(self, f"_{_snake(kind)}", None)
        if render is None:
            raise UnknownNode(f"no renderer for node type {kind!r}")
        html: str = render(node)
        if node.get("visibility") == "hide" and html:
            return f"<details><summary>Show {'output' if kind == 'outputs' else 'code'}</summary>{html}</details>"
        return html

    def inside(self, node: Node, start: int = 0) -> str:
        """Return the HTML of the children, from the one numbered `start`."""
        return "".join(self.render(child) for child in (node.get("children") or [])[start:])

    def _text(self, node: Node) -> str:
        return escape(node["value"], quote=False)

    def _block(self, node: Node) -> str:
        return self.inside(node)

    def _break(self, node: Node) -> str:
        return "<br>"

    def _thematic_break(self, node: Node) -> str:
        return "<hr>"

    def _heading(self, node: Node) -> str:
        # The page has its own h1, so the text begins at h2.
        level = min(max(node.get("depth", 2), 2), 6)
        return f"<h{level}{_id(node)}>{self.inside(node)}</h{level}>"

    def _inline_code(self, node: Node) -> str:
        return f"<code>{escape(node['value'], quote=False)}</code>"

    def _abbreviation(self, node: Node) -> str:
        return f'<abbr title="{escape(node.get("title") or "")}">{self.inside(node)}</abbr>'

    def _link(self, node: Node) -> str:
        return f'<a href="{escape(self._safe(node.get("url")))}">{self.inside(node)}</a>'

    def _cross_reference(self, node: Node) -> str:
        page = self._safe(node["url"]) if node.get("url") else ""
        mark = node.get("html_id") or node.get("identifier") or ""
        return f'<a href="{escape(page)}{"#" + escape(mark) if mark else ""}">{self.inside(node)}</a>'

    def _cite_group(self, node: Node) -> str:
        joined = "; ".join(self.render(child) for child in node["children"])
        return f"({joined})" if node.get("kind") == "parenthetical" else joined

    def _cite(self, node: Node) -> str:
        if node["label"] not in self.known:
            doi = re.search(r"10\.\d+/\S+", node["label"])
            text = self.inside(node) or escape(node["label"])
            return f'<a href="https://doi.org/{escape(doi[0])}">{text}</a>' if doi else text
        self.cited.append(node["label"])
        return f'<a href="#cite-{escape(node["label"])}">{self.inside(node)}</a>'

    def _footnote_reference(self, node: Node) -> str:
        number = escape(str(node.get("enumerator") or node["identifier"]))
        return f'<sup><a href="#fn-{escape(node["identifier"])}" aria-label="Footnote {number}">{number}</a></sup>'

    def _footnote_definition(self, node: Node) -> str:
        self.footnotes[node["identifier"]] = self.inside(node)
        return ""

    def _math(self, node: Node) -> str:
        number = (
            f'<span class="eqno">({escape(str(node["enumerator"]))})</span>' if node.get("enumerator") else ""
        )
        return f'<div class="math" tabindex="0"{_id(node)}>{number}{node.get("html") or ""}</div>'

    def _inline_math(self, node: Node) -> str:
        return str(node.get("html") or "")

    def _code(self, node: Node) -> str:
        try:
            lexer = get_lexer_by_name((node.get("lang") or "text").replace("ipython3", "python"))
        except ClassNotFound:
            lexer = get_lexer_by_name("text")
        return f'<pre tabindex="0"><code>{highlight(node["value"], lexer, HtmlFormatter(nowrap=True))}</code></pre>'

    def _mermaid(self, node: Node) -> str:
        return f'<pre tabindex="0"><code>{escape(node["value"], quote=False)}</code></pre>'

    def _admonition(self, node: Node) -> str:
        kind = node.get("kind") or "note"
        return self._boxed(
            node, str(kind).capitalize(), folded="dropdown" in (node.get("class") or ""), look=kind
        )

    def _exercise(self, node: Node) -> str:
        return self._boxed(node, f"Exercise {node.get('enumerator') or ''}".strip(), always=True)

    def _proof(self, node: Node) -> str:
        kind = str(node.get("kind") or "proof").capitalize()
        return self._boxed(node, f"{kind} {node.get('enumerator') or ''}".strip(), always=True)

    def _solution(self, node: Node) -> str:
        return self._boxed(node, "Solution", folded=True)

    def _boxed(
        self, node: Node, name: str, folded: bool = False, always: bool = False, look: str = ""
    ) -> str:
        """Return a titled box; `always` puts the name before the title, `folded` starts closed."""
        children = node.get("children") or []
        titled = bool(children) and children[0]["type"] == "admonitionTitle"
        title = self.inside(children[0]) if titled else ""
        heading = f"{name} {title}".strip() if always or not title else title
        body = self.inside(node, start=1 if titled else 0)
        css = escape(f"box {look}".strip())
        if folded:
            # A link inside a summary cannot be reached well by keyboard.
            plain = re.sub(r"</?a\b[^>]*>", "", heading)
            return f'<details class="{css}"{_id(node)}><summary>{plain}</summary>{body}</details>'
        return f'<div class="{css}"{_id(node)}><p class="box-title">{heading}</p>{body}</div>'

    def _grid(self, node: Node) -> str:
        return f'<div class="grid">{self.inside(node)}</div>'

    def _card(self, node: Node) -> str:
        children = node.get("children") or []
        title = "".join(self.inside(child) for child in children if child["type"] == "cardTitle")
        rest = "".join(self.render(child) for child in children if child["type"] != "cardTitle")
        if node.get("url"):
            title = f'<a href="{escape(self._safe(node["url"]))}">{title or "Open"}</a>'
        return f'<div class="box"><p class="box-title">{title}</p>{rest}</div>'

    def _tab_item(self, node: Node) -> str:
        return f'<details class="box" open><summary>{escape(node["title"])}</summary>{self.inside(node)}</details>'

    def _table(self, node: Node) -> str:
        return f'<div class="scroll" tabindex="0"><table{_id(node)}>{self.inside(node)}</table></div>'

    def _table_cell(self, node: Node) -> str:
        return (
            f'<th scope="col">{self.inside(node)}</th>'
            if node.get("header")
            else f"<td>{self.inside(node)}</td>"
        )

    def _image(self, node: Node) -> str:
        return f'<img src="{escape(self.address(node["url"]))}" alt="{escape(node.get("alt") or "")}" loading="lazy">'

    def _iframe(self, node: Node) -> str:
        return f'<p><a href="{escape(self._safe(node["src"]))}">Open the embedded page</a></p>'

    def _anywidget(self, node: Node) -> str:
        state = escape(json.dumps(node.get("model") or {}))
        return f'<div data-widget="{escape(self.address(node["esm"]))}" data-state="{state}"></div>'

    def _list(self, node: Node) -> str:
        if not node.get("ordered"):
            return f"<ul>{self.inside(node)}</ul>"
        start = node.get("start") or 1
        return f"<ol{f' start={chr(34)}{int(start)}{chr(34)}' if start != 1 else ''}>{self.inside(node)}</ol>"

    def _list_item(self, node: Node) -> str:
        mark = {True: "☑ ", False: "☐ "}.get(node.get("checked"), "")
        return f"<li>{mark}{self.inside(node)}</li>"

    def _outputs(self, node: Node) -> str:
        shown = self.inside(node)
        return f'<div class="out"{_id(node)}>{shown}</div>' if shown else ""

    def _output(self, node: Node) -> str:
        return output_html(node, self.widgets, self.address, self.fetch)

    def _html(self, node: Node) -> str:
        return sanitise(node.get("value") or "")

    def _raw(self, node: Node) -> str:
        return sanitise(node.get("value") or "") if node.get("lang") == "html" else ""

    def _myst_directive(self, node: Node) -> str:
        if not node.get("children"):
            raise UnknownNode(f"no renderer for {node['type']} {node.get('name')!r}")
        return self.inside(node)

    _myst_role = _myst_directive

    def _safe(self, url: str | None) -> str:
        """Return a link target; anything but web and mail addresses is refused."""
        if urlsplit(url or "").scheme not in {"", "http", "https", "mailto"}:
            return "#"
        return self.address(url or "#")


def _id(node: Node) -> str:
    identity = node.get("html_id")
    return f' id="{escape(identity)}"' if identity else ""


def _snake(kind: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind).lower()
