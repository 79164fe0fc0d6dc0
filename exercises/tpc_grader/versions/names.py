"""Which names code of an exercise binds for the cells after it. Never asked of a student's text."""

from __future__ import annotations

import ast
import dis
import functools
import re
from types import CodeType

# IPython's own lines, which Python cannot read.
_MAGIC = re.compile(r"^([ \t]*)[%!].*$", re.M)
_BINDING = ("STORE_NAME", "STORE_GLOBAL", "DELETE_NAME")


def bound_by(body: list[ast.stmt]) -> set[str]:
    """Return the names that statements of a cell bind in the notebook, none of those inside their functions."""
    return {str(each.argval) for each in dis.get_instructions(_code(body)) if each.opname in _BINDING}


@functools.lru_cache(maxsize=2048)
def bound_in(source: str) -> frozenset[str]:
    """Return the names that a cell binds; none when it cannot be read."""
    return frozenset(bound_by(statements_of(source)))


@functools.lru_cache(maxsize=2048)
def statements_of(source: str) -> list[ast.stmt]:
    """Return the statements of a cell, IPython's own lines left out; none when it cannot be read.

    Kept, since each submission asks again of the same cells: nobody may change them.
    """
    try:
        body = ast.parse(_MAGIC.sub(r"\1pass", source)).body
        _code(body)  # a `return` outside a function is found only here
    except SyntaxError:
        return []
    return body


def _code(body: list[ast.stmt]) -> CodeType:
    """Return the code of statements, which may await as in a notebook."""
    compiled: CodeType = compile(ast.Module(body, []), "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    return compiled


def changed_by(statement: ast.stmt) -> set[str]:
    """Return the names that a statement binds, sets a part of, or calls a method of for its effect alone."""
    found = bound_by([statement])
    for node in ast.walk(statement):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            found |= _root(node.value.func)
        elif isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            found |= _root(node)
    return found


def _root(part: ast.expr) -> set[str]:
    """Return the name that `a.b[c].d` begins with, if it has parts."""
    whole = part
    while isinstance(part, ast.Attribute | ast.Subscript):
        part = part.value
    return {part.id} if isinstance(part, ast.Name) and part is not whole else set()
