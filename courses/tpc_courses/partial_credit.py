"""Partial credit, nbgrader's way: the value of a test cell's last line is its score.

Beside the student's code that value is whatever the student's display hook says, so such a cell is never graded at
level `kernel`: `campus check` refuses it, and the grader runs it at `oracle` whatever the source says.
"""

from __future__ import annotations

import ast
import re

# Calls that give nothing back, as far as an author needs to be told: asserting helpers, and what only shows.
_SHOW = ("print", "display")
# IPython's own lines, which Python cannot read.
_MAGIC = re.compile(r"^([ \t]*)[%!].*$", re.M)


def gives_partial_credit(source: str) -> bool:
    """Return whether a cell of tests ends with a value; one that cannot be read counts as if it did."""
    body = _body(source) or _body(_MAGIC.sub(r"\1pass", source))
    if body is None:
        return True
    last = body[-1] if body else None
    return isinstance(last, ast.Expr) and not _is_nothing(last.value)


def _body(source: str) -> list[ast.stmt] | None:
    try:
        return ast.parse(source).body
    except SyntaxError:
        return None


def _is_nothing(value: ast.expr) -> bool:
    if isinstance(value, ast.Constant):
        return value.value is None
    name = ast.unparse(value.func).rpartition(".")[2] if isinstance(value, ast.Call) else ""
    return name in _SHOW or name.startswith("assert")
