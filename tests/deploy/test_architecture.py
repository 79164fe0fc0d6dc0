"""docs/ARCHITECTURE.md shows the packages and rooms there are, and imports go down only."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from campus_tree import REPOSITORY

MOST_FILES = 15
FOLDERS = {path.name: path for path in REPOSITORY.glob("*/tpc_*") if (path / "__init__.py").exists()}


def _shown() -> dict[str, dict[str, str]]:
    """Return package -> what the page says of it (under "") and of its rooms, top floor first."""
    text = (REPOSITORY / "docs" / "ARCHITECTURE.md").read_text("utf-8")
    shown = dict[str, dict[str, str]]()
    for line in re.findall(r"```text\n(.*?)```", text, re.S)[0].splitlines():
        if found := re.match(r"(tpc_[\w.]+) +(.*)", line):
            shown[found[1]] = {"": found[2]}
        elif found := re.match(r" +<- (.*)", line):
            USES[list(shown)[-1]] = set(found[1].split())
        elif found := re.match(r"  (\w+) +(.*)", line):
            shown[list(shown)[-1]][found[1]] = found[2]
    return shown


USES: dict[str, set[str]] = {}
SHOWN = _shown()


def _folder(package: str) -> Path:
    top, *rooms = package.split(".")
    return FOLDERS[top].joinpath(*rooms)


def _modules() -> Iterator[tuple[str, Path]]:
    for folder in FOLDERS.values():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder.parent).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


MODULES = dict(_modules())


def _imports(path: Path) -> set[str]:
    """Return the modules of ours that a file imports, wherever in it; not what only a type checker reads."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = [ast.Pass()]
    found = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for name in (f"{node.module}.{alias.name}" for alias in node.names):
                found.add(name if name in MODULES else node.module)
    return {name for name in found if name.split(".")[0] in FOLDERS}


GRAPH = {name: _imports(path) - {name} for name, path in MODULES.items()}


def test_the_page_shows_every_package_and_room_in_its_own_words() -> None:
    for package, rooms in SHOWN.items():
        folder = _folder(package)
        there = {path.parent.name for path in folder.glob("*/__init__.py")}
        assert there == set(rooms) - {""} or package == "tpc_lab", package
        for room, words in rooms.items():
            docstring = ast.get_docstring(ast.parse((folder / room / "__init__.py").read_text("utf-8"))) or ""
            assert docstring.splitlines()[0] == words, f"{package}.{room}"
    assert {package for package in SHOWN if "." not in package} == set(FOLDERS)


@pytest.mark.parametrize("package", FOLDERS)
def test_packages_import_only_what_the_page_allows(package: str) -> None:
    imported = {
        other.split(".")[0] for name in GRAPH if name.split(".")[0] == package for other in GRAPH[name]
    }
    allowed = set(FOLDERS) if "all" in USES.get(package, ()) else USES.get(package, set())
    assert imported - {package} <= allowed


@pytest.mark.parametrize("package", ["tpc_grader", "tpc_kernels", "tpc_book"])
def test_others_import_only_what_a_package_makes_public(package: str) -> None:
    public = {package, *(f"{package}.{name}" for name in importlib.import_module(package).PUBLIC)}
    used = {
        other
        for name in GRAPH
        if name.split(".")[0] not in (package, "tpc_bench")
        for other in GRAPH[name]
        if other.split(".")[0] == package
    }
    assert used - {package} == public - {package}


@pytest.mark.parametrize("package", SHOWN)
def test_rooms_import_only_rooms_below_them(package: str) -> None:
    floors = [room for room in SHOWN[package] if room]

    def floor(module: str) -> int:
        """Return how far down a module's room is; the package's own modules are above all."""
        room = module.removeprefix(f"{package}.").split(".")[0]
        return floors.index(room) if room in floors else -1

    inside = [name for name in GRAPH if name.startswith(f"{package}.")]
    upwards = [
        f"{name} imports {other}"
        for name in inside
        for other in GRAPH[name]
        if other.startswith(f"{package}.") and floor(other) < floor(name)
    ]
    assert upwards == []


def test_no_module_imports_itself_through_others() -> None:
    assert tuple(TopologicalSorter(GRAPH).static_order())


def test_no_folder_of_code_holds_more_than_one_can_take_in() -> None:
    folders = {path.parent for path in MODULES.values()} | {
        path.parent for path in (REPOSITORY / "tests").rglob("*.py")
    }
    counts = {str(each.relative_to(REPOSITORY)): len(list(each.glob("*.py"))) for each in folders}
    assert {name: count for name, count in counts.items() if count > MOST_FILES} == {}


def test_every_module_says_first_what_it_is_for() -> None:
    silent = [
        name for name, path in MODULES.items() if not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert silent == []


def test_every_path_on_the_page_leads_somewhere() -> None:
    text = (REPOSITORY / "docs" / "ARCHITECTURE.md").read_text("utf-8")
    named = re.findall(r"`((?:[a-z]+/)[\w./-]+)`", text)
    assert len(named) > 25
    assert [path for path in named if not (REPOSITORY / path).exists()] == []
