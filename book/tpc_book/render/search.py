"""What the search of the book reads of a page: its parts, each with its headings and its words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tpc_book.render.render import UNSEEN, Node, text_of, visibility

# What is one line or word for readers; around all others words stand apart.
WITHIN_LINES = {
    *(
        "text",
        "emphasis",
        "strong",
        "inlineCode",
        "link",
        "crossReference",
        "subscript",
        "superscript",
        "delete",
    ),
    *("span", "abbreviation", "keyboard", "underline", "smallcaps", "cite", "inlineMath"),
}


def parts_of(page: Node) -> Iterator[list[Any]]:
    """Yield [anchor, titles, text] for each heading of a page and what stands below it."""
    title = str(page["frontmatter"].get("title") or "")
    above: dict[int, str] = {0: title}
    anchor, words, begun = "", list[str](), False
    for node in _pieces(page["mdast"]):
        if node["type"] != "heading":
            words.append(str(node["value"]))
            continue
        if words or not begun:
            yield [anchor, [*above.values()], _joined(words)]
        begun, depth = True, int(node.get("depth") or 2)
        if text_of(node).strip() == title and len(above) == 1:
            continue
        above = {level: text for level, text in above.items() if level < depth} | {
            depth: _joined([text_of(node)])
        }
        anchor, words = str(node.get("html_id") or node.get("identifier") or ""), []
    yield [anchor, [*above.values()], _joined(words)]


def _pieces(node: Node) -> Iterator[Node]:
    """Yield headings, and pieces of text with a blank where a block ends."""
    kind = node.get("type")
    if visibility(node) == "remove" or kind in UNSEEN:
        return
    if kind == "heading":
        yield node
        return
    if "value" in node and not node.get("children"):
        yield {"type": "text", "value": text_of(node)}
    for child in node.get("children") or []:
        yield from _pieces(child)
    if kind not in WITHIN_LINES:
        yield {"type": "text", "value": " "}


def _joined(words: list[str]) -> str:
    return " ".join("".join(words).split())
