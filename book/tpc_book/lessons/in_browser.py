"""Which cells of a lesson run in the browser. Found by reading them, so that no author has to mark anything.

A cell runs there when each name that it uses comes from a cell that runs there, and each module that it imports
is provided there. Names are followed as text; what a cell does to an object under another name is not seen.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tpc_book.lessons.names import Names

KNOWN = {*dir(builtins), "display", "get_ipython", "__name__"}


@dataclass(frozen=True)
class Statement:
    """One statement of a cell: its text, the names it binds, reads and may change, the modules it imports."""

    text: str
    binds: frozenset[str]
    uses: frozenset[str]
    changes: frozenset[str]
    modules: frozenset[str]
    is_import: bool = False


@dataclass(frozen=True)
class Cell:
    """What runs of one cell: `statements` is empty when it stays behind, then `missing` says for want of what.

    `only_imports` is true of a cell that does nothing else, `partial` of one that runs without some import.
    """

    statements: tuple[Statement, ...]
    missing: tuple[str, ...] = ()
    only_imports: bool = False
    partial: bool = False

    @property
    def text(self) -> str:
        """Return the code that runs."""
        return "\n".join(statement.text for statement in self.statements)


def runnable(sources: Sequence[str], provided: Container[str]) -> list[Cell]:
    """Return for each code cell, in order, what of it runs where only the modules `provided` can be imported."""
    reader = _Reader(provided)
    return [reader.read(source) for source in sources]


def code_for(cells: Sequence[Cell], index: int) -> str:
    """Return the cell `index` with the statements of earlier cells that it needs, and no others."""
    before = [statement for cell in cells[:index] for statement in cell.statements]
    imported = {name for statement in before if statement.is_import for name in statement.binds}
    needed = {name for statement in cells[index].statements for name in statement.uses}
    chosen: list[str] = []
    for statement in reversed(before):
        if needed & (statement.binds | (statement.changes - imported)):
            chosen.insert(0, statement.text)
            needed |= statement.uses
    return "\n".join([*chosen, cells[index].text])


class _Reader:
    """Reads cells in order and remembers which names they leave behind."""

    def __init__(self, provided: Container[str]) -> None:
        self.provided = provided
        self.known = set(KNOWN)
        self.imported = set[str]()
        self.lacking: dict[str, set[str]] = {}

    def read(self, source: str) -> Cell:
        """Return what of the next cell runs."""
        try:
            tree = ast.parse(source)
        except SyntaxError:  # a command of IPython
            return Cell((), ("IPython",))
        statements = [part for node in tree.body for part in _statements(node, source)]
        imports = [s for s in statements if s.is_import]
        code = [s for s in statements if not s.is_import]
        for statement in imports:
            self._import(statement)
        if missing := self._missing(code):
            for statement in code:
                self._leave(statement, missing)
            return Cell((), tuple(sorted(missing)))
        self._bind(name for statement in code for name in statement.binds)
        kept = tuple(s for s in statements if not s.is_import or self._has(s))
        return Cell(kept, only_imports=not code, partial=len(kept) < len(statements))

    def _has(self, statement: Statement) -> bool:
        return all(module in self.provided for module in statement.modules)

    def _import(self, statement: Statement) -> None:
        if self._has(statement):
            self._bind(statement.binds)
            self.imported |= statement.binds
        else:
            modules = {module.replace(":", ".") for module in statement.modules}
            self._leave(statement, {name for name in modules if name not in self.provided})

    def _missing(self, code: Sequence[Statement]) -> set[str]:
        """Return what keeps these statements from running: modules, or names that nothing binds."""
        own = {name for statement in code for name in statement.binds}
        missing = {module for s in code if not self._has(s) for module in s.modules}
        for statement in code:
            for name in statement.uses - self.known - own:
                missing |= self.lacking.get(name, {name})
        return missing

    def _bind(self, names: Iterable[str]) -> None:
        for name in names:
            self.known.add(name)
            self.lacking.pop(name, None)

    def _leave(self, statement: Statement, missing: set[str]) -> None:
        """Forget what a statement would have bound or changed, so that nothing later runs on old values."""
        for name in statement.binds | (statement.changes - self.imported - KNOWN):
            self.known.discard(name)
            self.imported.discard(name)
            self.lacking[name] = missing


def _statements(node: ast.stmt, source: str) -> Iterator[Statement]:
    """Yield a statement; an import yields one for each name, so that one name may lack and the others not."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            name = alias.asname or alias.name.split(".")[0]
            text = ast.unparse(ast.Import([alias]))
            yield _import(text, name, alias.name)
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            text = ast.unparse(ast.ImportFrom(node.module, [alias], node.level))
            yield _import(text, alias.asname or alias.name, f"{node.module}:{alias.name}")
    else:
        names = Names()
        names.visit(node)
        yield Statement(
            text=ast.get_source_segment(source, node) or ast.unparse(node),
            binds=frozenset(names.binds),
            uses=frozenset(names.uses),
            changes=frozenset(names.changes),
            modules=frozenset(imported_modules(node)),
        )


def _import(text: str, name: str, module: str) -> Statement:
    return Statement(text, frozenset({name}), frozenset(), frozenset(), frozenset({module}), is_import=True)


def imported_modules(tree: ast.AST) -> Iterator[str]:
    """Yield what a piece of code imports anywhere: `module`, or `module:name` for a name out of one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}:{alias.name}" for alias in node.names)
