"""The author's solution with one small mistake: operators, comparisons, constants, keywords, sorted, min and max.

A mutant that no test notices shows a test that is missing (or a change that makes no difference, which
`wrong.toml` then says). After R. DeMillo, R. Lipton, F. Sayward, Hints on Test Data Selection (1978),
doi:10.1109/C-M.1978.218136.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Add,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
}
_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OTHER_NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list", "ceil": "floor"}
_OTHER_NAMES |= {
    "floor": "ceil",
    "argmin": "argmax",
    "argmax": "argmin",
    "minimum": "maximum",
    "maximum": "minimum",
}
# Functions whose argument alone is a likely mistake.
_LEFT_OUT = {"abs", "set", "sqrt", "sort", "unique"}


@dataclass(frozen=True)
class Change:
    """One changed solution: `what` says it in words, `source` is the whole cell."""

    what: str
    source: str


def mutants_of(source: str) -> Iterator[Change]:
    """Yield the changes of a cell, each once."""
    tree, seen = ast.parse(source), {ast.unparse(ast.parse(source))}
    around = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        for changed in _changes(node):
            text = ast.unparse(_with(tree, node, changed))
            if text not in seen:
                seen.add(text)
                # A number alone says little.
                shown = (
                    around[node]
                    if isinstance(node, ast.Constant) and isinstance(around[node], ast.expr)
                    else node
                )
                yield Change(f"{ast.unparse(shown)} -> {ast.unparse(_with(shown, node, changed))}", text)


def _with(tree: ast.AST, place: ast.AST, changed: ast.AST) -> ast.AST:
    """Return a copy of a tree in which one node is another."""
    return ast.fix_missing_locations(copy.deepcopy(tree, {id(place): changed}))


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what a node could have been by mistake."""
    match node:
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            yield ast.BinOp(left, _OPERATORS[type(op)](), right)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
            yield ast.Compare(left, [_COMPARISONS[type(op)]()], [right])
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.UnaryOp(op=ast.USub() | ast.Not(), operand=operand):
            yield operand
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield from (ast.Constant(other) for other in {value + 1, max(value - 1, 0)} - {value})
        case ast.Constant(value=float(value)):
            rounded = float(f"{value:.3g}")
            yield ast.Constant(rounded if rounded != value else value * 1.1)
        case ast.Call(func=func, args=args, keywords=keywords):
            yield from _calls(func, args, keywords)
        case ast.AugAssign(target=target, op=op, value=value) if type(op) in _OPERATORS:
            yield ast.AugAssign(target, _OPERATORS[type(op)](), value)


def _calls(func: ast.expr, args: list[ast.expr], keywords: list[ast.keyword]) -> Iterator[ast.AST]:
    for number, keyword in enumerate(keywords):
        if keyword.arg == "dtype":
            continue  # at level `oracle` numbers come in double precision anyway
        yield ast.Call(func, args, keywords[:number] + keywords[number + 1 :])
    name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
    if other := _OTHER_NAMES.get(name):
        whole = isinstance(func, ast.Attribute)
        yield ast.Call(ast.Attribute(func.value, other) if whole else ast.Name(other), args, keywords)  # type: ignore[attr-defined]
    if name in _LEFT_OUT and len(args) == 1:
        yield args[0]
