"""Who may import whom: the graph of DESIGN.md."""

import ast

import pytest
from campus_tree import REPOSITORY

ALLOWED = {
    "tpc_lab": set(),
    "tpc_courses": set(),
    "tpc_kernels": set(),
    "tpc_grader": {"tpc_courses", "tpc_kernels"},
    "tpc_book": {"tpc_courses"},
    "tpc_hub": {"tpc_lab", "tpc_courses", "tpc_kernels", "tpc_grader", "tpc_book"},
}


@pytest.mark.parametrize("package", ALLOWED)
def test_packages_import_only_what_the_design_allows(package):
    (folder,) = REPOSITORY.glob(f"*/{package}")
    imported = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            imported |= {name.split(".")[0] for name in names if name.startswith("tpc_")}
    assert imported - {package} <= ALLOWED[package]
