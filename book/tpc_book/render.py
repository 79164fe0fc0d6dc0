"""MyST's syntax tree to HTML. Every node type has a renderer; an unknown one is an error with its name.

The tree is that of mystmd 1.11 (page JSON version 3); text is escaped, notebook HTML is cleaned with nh3.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import escape
from typing import Any

import nh3
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

Node = dict[str, Any]
# tag, or tag.class, for nodes that only wrap their children; "" wraps nothing.
PLAIN = {
    "root": "",
    "block": "",
    "paragraph": "p",
    "emphasis": "em",
    "strong": "strong",
    "subscript": "sub",
    "superscript": "sup",
    "delete": "del",
    "underline": "u",
    "keyboard": "kbd",
    "blockquote": "blockquote",
    "glossary": "div",
    "definitionList": "dl",
    "definitionDescription": "dd",
    "definitionTerm": "dt",
    "tableRow": "tr",
    "caption": "figcaption",
    "legend": "div",
    "summary": "summary",
    "details": "details",
    "tabSet": "div.tabs",
    "grid": "div.grid",
    "cardTitle": "p.card-title",
    "header": "div",
    "footer": "p.card-footer",
    "aside": "aside",
    "captionNumber": "strong",
    "figure": "figure",
    "outputs": "div.outputs",
}
SILENT = {"comment", "mystRole", "mystTarget", "raw", "toc"}
CODE = HtmlFormatter(nowrap=True)


class UnknownNode(ValueError):
    """The engine sent a node that this theme does not know."""


class Renderer:
    """Renders one page; collects what stands at its foot."""

    def __init__(self, page: Node, url: Callable[[str], str]) -> None:
        self.url = url
        self.citations: dict[str, Any] = page.get("references", {}).get("cite", {}).get("data", {})
        self.cited: list[str] = []
        self.footnotes: dict[str, str] = {}
        self.has_math = False

    def render(self, node: Node) -> str:
        """Return the HTML of a node with its children; raises UnknownNode."""
        kind = node["type"]
        special = getattr(self, f"_{kind}", None)
        if special is not None:
            return str(special(node))
        if kind in SILENT:
            return ""
        if kind not in PLAIN:
            line = node.get("position", {}).get("start", {}).get("line", "?")
            raise UnknownNode(f"no renderer for the node type {kind!r} (line {line})")
        tag, _, name = PLAIN[kind].partition(".")
        inner = self.inner(node)
        return f"<{tag}{_id(node)}{_class(name)}>{inner}</{tag}>" if tag else inner

    def inner(self, node: Node) -> str:
        """Return the HTML of a node's children."""
        return "".join(self.render(child) for child in node.get("children") or [])

    def foot(self) -> str:
        """Return the references and footnotes that the page used."""
        parts = []
        if self.cited:
            items = "".join(
                f'<li id="cite-{escape(label)}">{nh3.clean(self.citations[label]["html"])}</li>'
                for label in dict.fromkeys(self.cited)
                if label in self.citations
            )
            parts.append(
                f'<section aria-labelledby="references"><h2 id="references">References</h2><ol>{items}</ol></section>'
            )
        if self.footnotes:
            items = "".join(f'<li id="fn-{escape(key)}">{text}</li>' for key, text in self.footnotes.items())
            parts.append(
                f'<section aria-labelledby="notes"><h2 id="notes">Footnotes</h2><ol>{items}</ol></section>'
            )
        return "".join(parts)

    def _text(self, node: Node) -> str:
        return escape(node["value"], quote=False)

    def _inlineCode(self, node: Node) -> str:
        return f"<code>{escape(node['value'])}</code>"

    def _heading(self, node: Node) -> str:
        depth = min(max(int(node.get("depth", 2)), 1), 6)
        return f"<h{depth}{_id(node)}>{self.inner(node)}</h{depth}>"

    def _thematicBreak(self, node: Node) -> str:
        return "<hr>"

    def _break(self, node: Node) -> str:
        return "<br>"

    def _html(self, node: Node) -> str:
        return nh3.clean(node.get("value", ""))

    def _span(self, node: Node) -> str:
        return f"<span>{self.inner(node)}</span>"

    def _div(self, node: Node) -> str:
        return f"<div>{self.inner(node)}</div>"

    def _abbreviation(self, node: Node) -> str:
        return f'<abbr title="{escape(node.get("title", ""))}">{self.inner(node)}</abbr>'

    def _link(self, node: Node) -> str:
        return f'<a href="{escape(self.url(node.get("url", "")))}">{self.inner(node)}</a>'

    def _crossReference(self, node: Node) -> str:
        page = self.url(node["url"]) if node.get("url") else ""
        anchor = escape(node.get("html_id") or node.get("identifier", ""))
        return f'<a class="xref" href="{escape(page)}#{anchor}">{self.inner(node)}</a>'

    def _citeGroup(self, node: Node) -> str:
        inner = "; ".join(self.render(child) for child in node["children"])
        return f"({inner})" if node.get("kind") == "parenthetical" else inner

    def _cite(self, node: Node) -> str:
        if node["label"] not in self.citations:
            # A DOI that the engine could not look up: the link itself says where to find it.
            doi = str(node.get("label", "")).removeprefix("https://doi.org/")
            return f'<a href="https://doi.org/{escape(doi)}">{self.inner(node) or escape(doi)}</a>'
        self.cited.append(node["label"])
        return f'<a href="#cite-{escape(node["label"])}">{self.inner(node)}</a>'

    def _math(self, node: Node) -> str:
        self.has_math = True
        number = (
            f'<span class="number">({escape(str(node["enumerator"]))})</span>'
            if node.get("enumerator")
            else ""
        )
        return f'<div class="math" tabindex="0"{_id(node)}>{node.get("html", "")}{number}</div>'

    def _inlineMath(self, node: Node) -> str:
        self.has_math = True
        return str(node.get("html", ""))

    def _code(self, node: Node) -> str:
        try:
            text = highlight(node["value"], get_lexer_by_name(node.get("lang") or "text"), CODE)
        except ClassNotFound:
            text = escape(node["value"])
        return f'<pre tabindex="0" class="code"><code>{text}</code></pre>'

    def _mermaid(self, node: Node) -> str:
        return f'<pre tabindex="0">{escape(node.get("value", ""))}</pre>'

    def _admonition(self, node: Node) -> str:
        title, rest = self._titled(node, str(node.get("kind", "note")).title())
        kind = escape(str(node.get("kind", "note")))
        if "dropdown" in (node.get("class") or ""):
            return f'<details class="box {kind}"><summary>{title}</summary>{rest}</details>'
        return f'<div class="box {kind}" role="note"><p class="box-title">{title}</p>{rest}</div>'

    def _exercise(self, node: Node) -> str:
        title, rest = self._titled(node, "")
        label = f"Exercise {node.get('enumerator', '')} {title}".strip()
        return f'<section class="box"{_id(node)}><p class="box-title">{label}</p>{rest}</section>'

    _proof = _exercise

    def _solution(self, node: Node) -> str:
        title, rest = self._titled(node, "Solution")
        # A link inside <summary> cannot be reached by all screen readers.
        return f'<details class="box"><summary>{re.sub(r"</?a[^>]*>", "", title)}</summary>{rest}</details>'

    def _titled(self, node: Node, default: str) -> tuple[str, str]:
        children = node.get("children") or []
        if children and children[0]["type"] == "admonitionTitle":
            return self.inner(children[0]), "".join(self.render(child) for child in children[1:])
        return escape(default), self.inner(node)

    def _admonitionTitle(self, node: Node) -> str:
        return ""

    def _card(self, node: Node) -> str:
        link = (
            f'<p><a class="button" href="{escape(self.url(node["url"]))}">Open</a></p>'
            if node.get("url")
            else ""
        )
        return f'<div class="box">{self.inner(node)}{link}</div>'

    def _tabItem(self, node: Node) -> str:
        return f'<details class="box" open><summary>{escape(node["title"])}</summary>{self.inner(node)}</details>'

    def _table(self, node: Node) -> str:
        return f'<div class="scroll" tabindex="0"><table{_id(node)}>{self.inner(node)}</table></div>'

    def _tableCell(self, node: Node) -> str:
        tag, scope = ("th", ' scope="col"') if node.get("header") else ("td", "")
        return f"<{tag}{scope}>{self.inner(node)}</{tag}>"

    def _container(self, node: Node) -> str:
        return f"<figure{_id(node)}>{self.inner(node)}</figure>"

    def _image(self, node: Node) -> str:
        return f'<img src="{escape(self.url(node["url"]))}" alt="{escape(node.get("alt") or "")}" loading="lazy">'

    def _iframe(self, node: Node) -> str:
        return f'<p><a href="{escape(node["src"])}">Embedded page</a></p>'

    def _list(self, node: Node) -> str:
        tag = "ol" if node.get("ordered") else "ul"
        return f"<{tag}>{self.inner(node)}</{tag}>"

    def _listItem(self, node: Node) -> str:
        mark = "" if node.get("checked") is None else "☑ " if node["checked"] else "☐ "
        return f"<li>{mark}{self.inner(node)}</li>"

    def _footnoteReference(self, node: Node) -> str:
        key, number = escape(node["identifier"]), escape(str(node["enumerator"]))
        return f'<sup><a href="#fn-{key}" aria-label="Footnote {number}">{number}</a></sup>'

    def _footnoteDefinition(self, node: Node) -> str:
        self.footnotes[node["identifier"]] = self.inner(node)
        return ""

    def _mystDirective(self, node: Node) -> str:
        return self.inner(node)

    def _output(self, node: Node) -> str:
        """Return a notebook output: the richest form that needs no script."""
        output = node.get("jupyter_data") or {}
        bundle = output.get("data", {})
        for kind in ("image/png", "image/svg+xml", "image/jpeg"):
            if kind in bundle:
                path = self.url(bundle[kind].get("path", ""))
                return f'<img src="{escape(path)}" alt="Figure drawn by the cell above" loading="lazy">'
        if "text/html" in bundle:
            return (
                f'<div class="scroll" tabindex="0">{nh3.clean(bundle["text/html"].get("content", ""))}</div>'
            )
        if "application/vnd.jupyter.widget-view+json" in bundle:
            return '<p class="box">This figure is interactive. Open the lesson on the campus to move its sliders.</p>'
        text = (bundle.get("text/plain") or {}).get("content") or output.get("text") or ""
        if output.get("output_type") == "error":
            text = "\n".join(output.get("traceback", [])) or f"{output.get('ename')}: {output.get('evalue')}"
        plain = re.sub(r"\x1b\[[0-9;]*m", "", text if isinstance(text, str) else json.dumps(text))
        return f'<pre tabindex="0" class="output">{escape(plain)}</pre>' if plain.strip() else ""


def _id(node: Node) -> str:
    name = node.get("html_id") or (node.get("identifier") if node["type"] == "heading" else None)
    return f' id="{escape(name)}"' if name else ""


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""
