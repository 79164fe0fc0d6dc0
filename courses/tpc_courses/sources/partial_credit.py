"""Partial credit, nbgrader's way: the value of a test cell's last line is its score, when it is a number.

Beside the student's code that value is whatever the student's display hook says, so such a cell is never graded at
level `kernel`: `campus check` refuses it, and the grader runs it at `oracle` whatever the source says.
"""

from __future__ import annotations

import ast
import functools
import re

# Calls that give nothing back, as far as an author needs to be told: asserting helpers, and what only shows.
_SHOW = ("print", "display")
# What never is a number: a comparison is True or False, or an array of them.
_NO_NUMBERS = (
    ast.Tuple, ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp,
    ast.JoinedStr, ast.Lambda, ast.Compare,
)  # fmt: skip
# IPython's own lines, which Python cannot read.
_MAGIC = re.compile(r"^([ \t]*)[%!].*$", re.M)


@functools.lru_cache(maxsize=1024)
def gives_partial_credit(source: str) -> bool:
    """Return whether a cell of tests ends with what may be a number; one that cannot be read counts as if it did."""
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
    """Return whether an expression is certainly no number, and so no score."""
    if isinstance(value, ast.Constant):
        return isinstance(value.value, bool) or not isinstance(value.value, int | float)
    if isinstance(value, ast.UnaryOp):
        return isinstance(value.op, ast.Not)
    if isinstance(value, ast.BoolOp):
        return all(map(_is_nothing, value.values))
    if isinstance(value, ast.IfExp):
        return _is_nothing(value.body) and _is_nothing(value.orelse)
    name = ast.unparse(value.func).rpartition(".")[2] if isinstance(value, ast.Call) else ""
    return isinstance(value, _NO_NUMBERS) or name in _SHOW or name.startswith("assert")
