"""Where the tests of a cell run, and what keeps a cell from running where it can be trusted.

oracle     away from the student's code, which is only called, with plain values; the default
kernel     beside the student's code, guarded by canaries; code that walks Python's frames can still beat them
artefact   where no student's code is, with files that it wrote
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable

LEVELS = ("oracle", "kernel", "artefact")
DEFAULT_LEVEL = "oracle"
KERNEL_RISK = (
    "its tests run beside the student's code, where code that walks Python's frames can make them pass"
)
# What IPython puts among the names of a notebook.
_KERNEL_NAMES = {"get_ipython", "In", "Out", "_ih", "_oh"}


def needs_kernel(source: str, known: Iterable[str] = ()) -> str:
    """Return why tests can be nowhere but beside the student's code, or an empty text.

    `known` are names of the exercise's own cells. What shows only when the tests run is not found here: so the
    author's own solution is tried where nothing names a level (`tpc_grader.coursework.tried_solution`).
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return "is more than Python's own syntax (IPython's `%` and `!` lines)"
    if any(isinstance(node, ast.Name) and node.id in _KERNEL_NAMES for node in ast.walk(tree)):
        return "asks the notebook's own kernel"
    ours = {*dir(builtins), *known, *bound_names(tree)}
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _root(node.func) not in ours]
    functions = _functions(tree)
    if any(_is_function(each, functions) for call in calls for each in _arguments(call)):
        return "hands a function to the student's code"
    return ""


def bound_names(tree: ast.AST) -> set[str]:
    """Return the names that code gives a meaning to."""
    found = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.arg):
            found.add(node.arg)
    return found


def _functions(tree: ast.AST) -> set[str]:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    named = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return named | {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def _is_function(argument: ast.expr, functions: set[str]) -> bool:
    return isinstance(argument, ast.Lambda) or (isinstance(argument, ast.Name) and argument.id in functions)


def _arguments(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(each.value for each in call.keywords)]


def _root(function: ast.expr) -> str:
    """Return the name that a call begins with: `np` of `np.linalg.norm`."""
    while isinstance(function, ast.Attribute | ast.Call | ast.Subscript):
        function = function.func if isinstance(function, ast.Call) else function.value
    return function.id if isinstance(function, ast.Name) else ""
