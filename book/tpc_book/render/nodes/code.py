"""Listings: coloured at build time, with file name, line numbers and marked lines."""

from __future__ import annotations

import functools
from html import escape
from urllib.parse import quote, urlencode

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from tpc_book.render.render import Node, Renderer, attributes, identity, renders, visibility


@renders("code")
def code(page: Renderer, node: Node) -> str:
    """A listing. Numbers stand in attributes of the lines, so that copied code has none."""
    if node.get("executable"):
        page.code = str(node.get("value") or "")
    if visibility(node) == "remove":
        return ""
    lines = coloured(str(node.get("value") or ""), node.get("lang") or "text").split("\n")
    if node.get("showLineNumbers") or node.get("emphasizeLines"):
        first = int(node.get("startingLineNumber") or 1)
        marked = set(node.get("emphasizeLines") or [])
        lines = [
            _line(line, i, first if node.get("showLineNumbers") else None, marked)
            for i, line in enumerate(lines)
        ]
        text = "".join(lines)
    else:
        text = "\n".join(lines)
    name = f'<p class="filename">{escape(node["filename"])}</p>' if node.get("filename") else ""
    language = attributes(data_language=node.get("lang"))
    listing = (
        f'<div class="listing"{identity(node)}{language}>{name}<pre tabindex="0"><code>{text}</code></pre>'
        f"{_run_here(page, str(node.get('value') or ''))}</div>"
    )
    if visibility(node) == "hide":
        # What an author folded, the code of a question with its answer, stays folded on paper.
        return (
            f'<details class="box folded"><summary>{escape(page.words["code"])}</summary>{listing}</details>'
        )
    return listing


def _run_here(page: Renderer, source: str) -> str:
    """Return the link that runs a cell in the browser, with what it needs of the cells before; empty for others."""
    code = page.page.get("code", {}).get(source)
    if not code or page.inside_link:
        return ""
    query = urlencode({"kernel": "python", "toolbar": "1", "code": code, "execute": "1"}, quote_via=quote)
    address = page.links.file(f"lite/repl/index.html?{query}")
    return f'<a class="run-here scripted" href="{escape(address)}">{escape(page.words["run_here"])}</a>'


@functools.lru_cache(maxsize=4096)
def coloured(text: str, language: str) -> str:
    """Return code as HTML with the classes of Pygments; escaped plain text for an unknown language."""
    lexer = _lexer(language)
    if lexer is None:
        return escape(text, quote=False)
    return highlight(text, lexer, HtmlFormatter(nowrap=True)).rstrip("\n")


def _lexer(language: str) -> Lexer | None:
    try:
        return get_lexer_by_name({"ipython3": "python", "ipython": "python"}.get(language, language))
    except ClassNotFound:
        return None


def _line(line: str, index: int, first: int | None, marked: set[int]) -> str:
    number = first + index if first is not None else None
    css = "line marked" if index + 1 in marked or number in marked else "line"
    return f"<span{attributes(css, data_number=number)}>{line}\n</span>"


@renders("myst")
def demonstration(page: Renderer, node: Node) -> str:
    """Markdown that shows how Markdown is written; the engine sends its source."""
    return code(page, {"value": node.get("value"), "lang": "markdown"})
