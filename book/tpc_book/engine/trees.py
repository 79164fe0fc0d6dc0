"""The engine's trees as its last good run left them, and what each page shows of others.

Beside them stands what they were made from, so that the next build sees which pages changed.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tpc_book.base.cache import digest
from tpc_book.engine.project import Project
from tpc_book.render.render import POINTERS, Node

RECORD = "inputs.json"
LOCATION = re.compile(r'"location":"/([^"]+)"')
# Whatever may name something on another page; more than enough, as a page that does not changes nothing.
NAMES = re.compile(r'"(?:identifier|label|html_id)":"([^"]+)"|#([^"#\s]+)"')
# Places that nobody links to, with which nodes move when lines are added above them.
POSITION = re.compile(r'"position":\{"start":\{[^}]*\},"end":\{[^}]*\}\},?')
CONTINUES = re.compile(r'"continue":true|"title":\{[^}]*"enabled":true')


@dataclass(frozen=True)
class Page:
    """The tree of a page as text; `source` names the file in the folder that the engine reads."""

    source: str
    file: Path
    text: str

    @property
    def slug(self) -> str:
        return self.file.stem

    @functools.cached_property
    def tree(self) -> Node:
        return dict(json.loads(self.text))

    @functools.cached_property
    def names(self) -> set[str]:
        """Return the names of all targets, here or on other pages, that stand in the tree."""
        return {one or other for one, other in NAMES.findall(self.text)}

    @property
    def is_numbered_with_others(self) -> bool:
        """Return whether numbers on this page may follow those of the page before."""
        return bool(CONTINUES.search(self.text))

    def includes(self, file: str) -> bool:
        """Return whether the page shows a piece or offers a file."""
        name = re.escape(Path(file).stem)
        offered = rf'"/{name}-[0-9a-f]{{32}}{re.escape(Path(file).suffix)}"'
        return f'"file":"{file}"' in self.text or re.search(offered, self.text) is not None

    @functools.cached_property
    def shown(self) -> dict[str, list[str]]:
        """Return name of a target -> what others may show of it, as texts that are equal when it did not change."""
        found: dict[str, list[str]] = {}
        for node in nodes(self.tree["mdast"]):
            if node["type"] in POINTERS:
                continue
            for name in {str(node[key]) for key in ("identifier", "label") if node.get(key)}:
                text = json.dumps(node, ensure_ascii=False, separators=(",", ":"))
                found.setdefault(name, []).append(POSITION.sub("", text))
        return found

    @property
    def asked(self) -> set[str]:
        """Return the addresses of pages of which this one shows a target."""
        found = [node for node in nodes(self.tree["mdast"]) if node["type"] in {"crossReference", "embed"}]
        urls = [str(node.get("url") or (node.get("source") or {}).get("url") or "") for node in found]
        return {url.partition("#")[0] for url in urls if url.startswith("/")}

    @property
    def address(self) -> str:
        return "/" if self.slug == "index" else f"/{self.slug.replace('.', '/')}"


def nodes(tree: Node) -> Iterator[Node]:
    """Yield a node and all below it."""
    yield tree
    for child in tree.get("children") or []:
        yield from nodes(child)


def pages(trees: Path) -> dict[str, Page]:
    """Return source -> page of the trees in a folder."""
    found = {}
    for file in sorted(trees.glob("content/*.json")):
        text = file.read_text(encoding="utf-8")
        if location := LOCATION.search(text):
            found[location[1]] = Page(location[1], file, text)
    return found


def targets(trees: Path) -> dict[str, list[Mapping[str, Any]]]:
    """Return slug -> the targets that the engine lists of that page."""
    listed = json.loads((trees / "myst.xref.json").read_text(encoding="utf-8"))["references"]
    found: dict[str, list[Mapping[str, Any]]] = {}
    for entry in listed:
        found.setdefault(Path(entry["data"]).stem, []).append(entry)
    return found


def inputs(project: Project) -> dict[str, str]:
    """Return name -> digest of all that the engine reads, and of the programs that make trees."""
    files = {name: digest(path.read_bytes()) for name, path in project.engine_files()}
    return {**files, "": project.kept.makers}


def made_from(trees: Path) -> dict[str, str]:
    """Return the inputs of the trees in a folder; empty where there are none."""
    try:
        return dict(json.loads((trees / RECORD).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return {}


def keep(trees: Path, found: Mapping[str, str], new: Path) -> None:
    """Put a folder of trees in the place of those kept; `found` are their inputs."""
    for name in ("public.json", "myst.search.json"):  # what nobody reads
        (new / name).unlink(missing_ok=True)
    (new / RECORD).write_text(json.dumps(found), encoding="utf-8")
    old = trees.with_name(f"{trees.name}-{uuid.uuid4().hex[:8]}")
    if trees.exists():
        trees.replace(old)
    trees.parent.mkdir(parents=True, exist_ok=True)
    new.replace(trees)
    shutil.rmtree(old, ignore_errors=True)


def linked_copy(folder: Path, copy: Path) -> None:
    """Copy a folder at next to no cost; a file in the copy may be replaced, never written into."""
    shutil.copytree(folder, copy, copy_function=os.link)
