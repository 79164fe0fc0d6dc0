"""The names that a piece of Python binds, reads and changes, found without running it."""

from __future__ import annotations

import ast

# Methods that leave their object as it was.
ONLY_READ = {
    "items",
    "keys",
    "values",
    "get",
    "format",
    "join",
    "split",
    "count",
    "index",
    "copy",
    "mean",
    "sum",
}


class Names(ast.NodeVisitor):
    """Collects the names that a statement binds, reads from before, and changes in place."""

    def __init__(self) -> None:
        self.binds: set[str] = set()
        self.uses: set[str] = set()
        self.changes: set[str] = set()

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.binds.add(node.id)
        elif node.id not in self.binds:
            self.uses.add(node.id)

    def visit_Assign(self, node: ast.Assign) -> None:
        for part in (node.value, *node.targets):  # as they run: what is read was bound before
            self.visit(part)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.uses.add(node.target.id)
        self.generic_visit(node)

    def visit_For(self, node: ast.For) -> None:
        for part in (node.iter, node.target, *node.body, *node.orelse):
            self.visit(part)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Attribute) and node.func.attr not in ONLY_READ:
            self._change(node.func)
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if not isinstance(node.ctx, ast.Load):
            self._change(node)
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if not isinstance(node.ctx, ast.Load):
            self._change(node)
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.binds.add(node.name)
        self._inside(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.binds.add(node.name)
        self._inside(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._inside(node)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self._inside(node)

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self._inside(node)

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._inside(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self._inside(node)

    def _inside(self, node: ast.AST) -> None:
        """Take what an inner scope reads from outside; what it binds stays inside."""
        inner = Names()
        inner.generic_visit(node)
        own = inner.binds | {part.arg for part in ast.walk(node) if isinstance(part, ast.arg)}
        self.uses |= inner.uses - own - self.binds
        self.changes |= inner.changes - own

    def _change(self, node: ast.expr) -> None:
        while isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        if isinstance(node, ast.Name):
            self.changes.add(node.id)
