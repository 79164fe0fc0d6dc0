"""What a notebook's code says of the picture that it drew: its title and the names of its axes."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator

TITLES = {"title", "suptitle", "set_title"}
ACROSS = {"xlabel", "set_xlabel"}
UP = {"ylabel", "set_ylabel"}
# A part of an f-string that only a run would tell.
UNKNOWN = "…"


@functools.lru_cache(maxsize=512)
def words_of(code: str) -> str:
    """Return the words with which code labels its picture; empty when it gives none.

    >>> words_of("ax.set(xlabel='tokens', ylabel='loss', title='More text helps')")
    'More text helps. Across: tokens. Up: loss'
    """
    try:
        given = list(_given(ast.parse(code)))
    except (SyntaxError, ValueError, RecursionError):  # a command of IPython
        return ""
    groups = (TITLES, ACROSS, UP)
    parts = [
        ", ".join(dict.fromkeys(plain(text) for name, text in given if name in names)) for names in groups
    ]
    return ". ".join(
        before + text for before, text in zip(("", "Across: ", "Up: "), parts, strict=True) if text
    )


def plain(text: str) -> str:
    """Return a label without the marks of its formulas."""
    return " ".join(re.sub(r"[$\\{}]", "", text).split()).rstrip(".")


def _given(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield the labels of a drawing in the order of the code, each with what it is given as."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if name in TITLES | ACROSS | UP and call.args and (text := _text(call.args[0])):
            yield name, text
        for keyword in call.keywords:
            if name == "set" and (text := _text(keyword.value)):
                yield str(keyword.arg), text


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) if isinstance(part, ast.Constant) else UNKNOWN for part in node.values)
    return ""
