"""What later cells take from a released test: in a notebook they share one kernel, here tests run elsewhere.

Only statements that bind a name run beside the student's code again, only where a later cell reads that name, and
only of the released text. An assertion never does. What calls the student's code, whose state a second call could
change, runs only for a cell of the exercise. A student's own text is searched for words, never parsed.
"""

from __future__ import annotations

import ast
import builtins
import functools
import re
from collections.abc import Iterable, Sequence

from tpc_grader.versions.cells import Cell
from tpc_grader.versions.names import bound_by, bound_in

_WORD = re.compile(r"\w+")


def carried(test: Cell, earlier: Iterable[Cell], later: Sequence[Cell]) -> str:
    """Return code of a released test that binds what later cells read; mostly empty."""
    body = _body(test.public)
    offered = set[str]().union(*map(_bound, body))
    if not offered:
        return ""
    ours = {*dir(builtins), *offered}.union(
        *(bound_in(cell.source) for cell in earlier if cell.role == "given")
    )
    wanted = set[str]().union(*(_read(cell.public) for cell in later if cell.role == "given")) & offered
    words = set[str]().union(*(_words(cell, offered) for cell in later if cell.role in ("answer", "added")))
    kept = list[ast.stmt]()
    for statement in reversed(body):
        if _bound(statement) & (wanted | words if _calls(statement) <= ours else wanted):
            kept.append(statement)
            loaded = {each.id for each in ast.walk(statement) if isinstance(each, ast.Name)}
            wanted, words = wanted | loaded, words | loaded
    return "\n".join(ast.unparse(each) for each in reversed(kept))


@functools.lru_cache(maxsize=1024)
def _body(source: str) -> list[ast.stmt]:
    """Return the statements of a cell. Kept, as each submission asks again: nobody may change them."""
    try:
        return ast.parse(source).body
    except SyntaxError:
        return []


@functools.lru_cache(maxsize=4096)
def _bound(statement: ast.stmt) -> frozenset[str]:
    return frozenset(bound_by([statement]))


@functools.lru_cache(maxsize=1024)
def _read(source: str) -> frozenset[str]:
    """Return the names that code of the exercise reads before it binds them."""
    bound, read = set[str](), set[str]()
    for statement in _body(source):
        names = (each for each in ast.walk(statement) if isinstance(each, ast.Name))
        loaded = {each.id for each in names if isinstance(each.ctx, ast.Load)}
        if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
            loaded.add(statement.target.id)
        elif not isinstance(statement, ast.Assign):
            loaded -= _bound(statement)
        read |= loaded - bound
        bound |= _bound(statement)
    return frozenset(read)


def _words(cell: Cell, offered: set[str]) -> set[str]:
    """Return those of some names that a student's text mentions and does not look like binding."""
    found = offered.intersection(_WORD.findall(cell.public))
    return {name for name in found if not re.search(_BINDS.format(re.escape(name)), cell.public, re.M)}


_BINDS = r"(?:^[ \t]*{0}[ \t]*=[^=]|\b(?:def|class|import|as|for)[ \t]+{0}\b)"


def _calls(statement: ast.stmt) -> set[str]:
    """Return the names whose call a statement makes when it runs."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        return set()
    calls = (each.func for each in ast.walk(statement) if isinstance(each, ast.Call))
    return {name.id for call in calls for name in ast.walk(call) if isinstance(name, ast.Name)}
