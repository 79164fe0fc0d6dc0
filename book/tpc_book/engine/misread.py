"""What the engine reads as something else than its author meant, without a word.

Prices become formulas (`$2 to $4`), a bar in a formula ends the cell of a table and the rest of its row is lost, and
a line of a paragraph that begins with `%` is a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from markdown_it.token import Token
from tpc_courses.base.problems import Problem

from tpc_book.engine.dead_links import PROSE, markdown

_CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)|\$\$.*?\$\$|<!--.*?-->|\]\([^)\s]*\)", re.DOTALL)
_FORMULA = re.compile(r"(?<![\\$])\$(?!\$)([^$]+?)(?<!\\)\$(?!\$)")
_TEX = re.compile(r"\\(?:text|mathrm|mathit|textbf|operatorname)\*?\s*\{[^{}]*\}|\\[a-zA-Z]+|\{[^{}]*\}")
# A word of prose; letters beside each other are a product.
_WORD = re.compile(r"(?:^|[\s(,])[a-z]{2,}(?=[\s),]|$)|US$")
_CELL_END = re.compile(r"(?<!\\)\|")
# Lines after which a comment stands where comments do.
_APART = re.compile(r"\s*(?::|\+\+\+|\(|%|```|\$\$|$)")
PRICE = "Write \\$ for the sign of a currency"
BAR = "Write \\| or \\mid within a formula of a table; else the cell ends there"
COMMENT = "Write \\% where the sign is meant; put an empty line before a comment"


def misread(shown: str, text: str) -> Iterator[Problem]:
    """Yield a problem for each place of a page or lesson that readers would not see as it was meant."""
    for line, found, remedy in sorted(_places(text, 1)):
        yield Problem(shown, f"line {line}", found, remedy)


def _places(text: str, first: int) -> Iterator[tuple[int, str, str]]:
    lines = text.split("\n")
    tables: list[tuple[int, int]] = []
    for token in markdown.parse(text):
        start, end = token.map or (0, 0)
        if token.type == "fence" and PROSE.match(token.info.strip()):
            yield from _places(token.content, first + start + 1)
        elif token.type == "table_open":
            tables.append((start, end))
            yield from _bars(lines[start:end], first + start)
        elif token.type == "inline":
            within_table = any(begin <= start < stop for begin, stop in tables)
            yield from _prices(token, first + start)
            yield from () if within_table else _comments(lines[start:end], first + start)


def _prices(token: Token, line: int) -> Iterator[tuple[int, str, str]]:
    text = _CODE.sub(_blanked, token.content)
    for found in _FORMULA.finditer(text):
        inside = found[1]
        price = re.match(r"\s*\d", inside) and (
            text[found.end() : found.end() + 1].isdigit() or _WORD.search(_TEX.sub(" ", inside))
        )
        if price:
            said = " ".join(found[0].split())
            yield line + text.count("\n", 0, found.start()), f"{said} is read as a formula", PRICE


def _bars(rows: list[str], line: int) -> Iterator[tuple[int, str, str]]:
    for number, row in enumerate(rows, start=line):
        for found in _FORMULA.finditer(_CODE.sub(_blanked, row)):
            if _CELL_END.search(found[1]) and not (found[1].startswith(" ") or found[1].endswith(" ")):
                yield number, f"the bar in {found[0]} ends its cell, and the rest of the row is lost", BAR


def _comments(lines: list[str], line: int) -> Iterator[tuple[int, str, str]]:
    """Yield the lines within a paragraph that are taken for comments."""
    formula = False
    for before, (number, text) in zip(lines, enumerate(lines[1:], start=line + 1), strict=False):
        formula ^= before.count("$$") % 2 == 1
        bare = text.lstrip(" >")
        if bare.startswith("%") and not formula and not _APART.match(before.lstrip(" >")):
            yield number, f"the line {bare[:40]!r} is taken for a comment and not shown", COMMENT


def _blanked(found: re.Match[str]) -> str:
    """Return blanks of the same length, so that places stay."""
    return re.sub(r"[^\n]", " ", found[0])
