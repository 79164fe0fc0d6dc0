"""Marks that the engine leaves as they were typed: `~~struck~~`, `H~2~O` and `x^2^` in text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tpc_book.data.markdown import AS_TYPED

Node = dict[str, Any]
# No blank inside, as `~5 and ~6` are numbers; no digits around `~`, as `5~10~15` is a range.
_SMALL = re.compile(
    rf"(?<![\d~\\^])([~^])(?![~^])([^\s~^{AS_TYPED}]{{1,40}})\1(?!\1)|(?<=\d)(\^)([^\s~^{AS_TYPED}]{{1,40}})\^(?!\^)"
)
_STRUCK = re.compile(r"~~(?=\S)|(?<=\S)~~")


def with_marks(nodes: Sequence[Node]) -> list[Node]:
    """Return nodes of one line with what their marks mean; marks without a partner stay as typed."""
    if not any(node.get("type") == "text" and re.search(r"[~^]", str(node.get("value"))) for node in nodes):
        return list(nodes)
    return _struck([part for node in nodes for part in _pieces(node)])


def _pieces(node: Node) -> list[Node]:
    """Return a text node cut at its marks of `~~`, as nodes of their own."""
    if node.get("type") != "text":
        return [node]
    parts: list[Node] = []
    text, at = str(node.get("value") or ""), 0
    for found in _STRUCK.finditer(text):
        parts += [{**node, "value": text[at : found.start()]}, {**node, "value": "~~", "mark": True}]
        at = found.end()
    return [*parts, {**node, "value": text[at:]}]


def _struck(nodes: list[Node]) -> list[Node]:
    places = [index for index, node in enumerate(nodes) if node.get("mark")]
    made: list[Node] = []
    at = 0
    for first, last in zip(places[::2], places[1::2], strict=False):
        made += _small(nodes[at:first])
        made.append({"type": "delete", "children": _small(nodes[first + 1 : last])})
        at = last + 1
    return made + _small(nodes[at:])


def _small(nodes: list[Node]) -> list[Node]:
    """Return nodes with subscripts and superscripts made of their marks."""
    made: list[Node] = []
    for node in nodes:
        if node.get("type") != "text" or node.get("mark"):
            made.append(node)
            continue
        text, at = str(node["value"]), 0
        for found in _SMALL.finditer(text):
            sign, inside = found[1] or found[3], found[2] or found[4]
            kind = "subscript" if sign == "~" else "superscript"
            made.append({**node, "value": text[at : found.start()]})
            made.append({"type": kind, "children": [{"type": "text", "value": inside}]})
            at = found.end()
        if text[at:] or not made:
            made.append({**node, "value": text[at:]})
    return [node for node in made if node.get("type") != "text" or node.get("value")]
