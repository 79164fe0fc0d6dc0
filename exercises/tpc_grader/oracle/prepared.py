"""Cells of tests made ready to run: read, their comparisons rewritten, compiled.

The worker does it once for all submissions, and hands the code to the process of the tests, which believes the worker.
Nothing of a student's is ever compiled here, and no code goes the other way.
"""

from __future__ import annotations

import ast
import base64
import functools
import marshal
from dataclasses import dataclass
from types import CodeType

from tpc_grader.oracle.comparing import rewritten

CELL = "<tests>"


@dataclass(frozen=True)
class Prepared:
    """The code of a cell, that of its last line apart if that is an expression, and the names that it looks up."""

    names: frozenset[str]
    body: CodeType
    last: CodeType | None


def parse(source: str) -> ast.Module:
    """Return the code of a cell, IPython's own syntax translated where Python cannot read it."""
    try:
        return ast.parse(source, CELL)
    except SyntaxError:
        from IPython.core.inputtransformer2 import TransformerManager  # 0.2 s, and mostly not needed

        return ast.parse(TransformerManager().transform_cell(source), CELL)


def compiled(tree: ast.Module | ast.Expression) -> CodeType:
    """Return the code of a cell, which may await as in a notebook; raises SyntaxError."""
    mode = "eval" if isinstance(tree, ast.Expression) else "exec"
    code: CodeType = compile(tree, CELL, mode, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    return code


def prepared(source: str) -> Prepared:
    """Return a cell made ready; raises SyntaxError."""
    tree = parse(source)
    names = frozenset(names_in(compiled(tree)))
    tree = rewritten(tree)
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        return Prepared(names, compiled(tree), None)
    return Prepared(names, compiled(ast.Module(tree.body[:-1], [])), compiled(ast.Expression(last.value)))


@functools.lru_cache(maxsize=1024)
def packed(source: str) -> str:
    """Return a cell made ready as text for another process of this Python; empty when it cannot be read."""
    try:
        found = prepared(source)
    except (SyntaxError, ValueError, RecursionError):
        return ""
    return base64.b64encode(marshal.dumps((sorted(found.names), found.body, found.last))).decode()


def unpacked(text: str) -> Prepared:
    """Return what `packed` made."""
    names, body, last = marshal.loads(base64.b64decode(text))
    return Prepared(frozenset(names), body, last)


def names_in(code: CodeType) -> set[str]:
    """Return the names that code and the functions in it look up in their surroundings."""
    inner = (each for each in code.co_consts if isinstance(each, CodeType))
    return {*code.co_names, *(name for each in inner for name in names_in(each))}
