"""The engine's trees, made anew only for the pages that changed.

The engine reads every page each time it starts, as it keeps nothing. So it gets a folder in which pages that nobody
asks for are stubs with their titles, and the trees that it makes of the changed pages take their place among the kept
ones. Where a change may reach further (another title, a target that others name, a new page, a fault), nothing is
done here, and the engine reads all.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from tpc_book.engine import splice, trees
from tpc_book.engine.project import Project
from tpc_book.engine.trees import Page

# More pages at once are as fast with the rest.
MOST = 6
PIECE = re.compile(r"parts/.*\.md|[^/]+\.(?:ics|xml)")
# A name in a source that may be that of a target: `[](#name)`, `[](path#name)`, `<name>`, {term}`name`.
NAMED = re.compile(r"[#<`]([^#<>`()\[\]{}\"\n]+)")
# Runs the engine in a folder; returns its trees, or nothing when it finds fault with more than these pages.
Engine = Callable[[Path, Collection[str]], Path | None]


def update(project: Project, now: Mapping[str, str], run: Engine) -> bool:
    """Bring the kept trees up to date with the inputs `now`; return whether that could be done."""
    kept = project.trees
    before = trees.made_from(kept)
    if not before or before[""] != now[""]:
        return False
    old = trees.pages(kept)
    changed = {name for name in before.keys() | now.keys() if before.get(name) != now.get(name)}
    reached = _reached(old, changed)
    if not reached or len(reached) > MOST or any(page.is_numbered_with_others for page in old.values()):
        return False
    folder = project.folder.with_name("excerpt")
    shutil.rmtree(folder, ignore_errors=True)
    real = reached | _asked(project, old, reached, changed)
    _write_excerpt(project, folder, old, real)
    made = run(folder, old.keys() - reached)
    if made is None or not _stays_inside(made, old, reached, real, kept):
        return False
    new = project.trees.with_name("trees-new")
    shutil.rmtree(new, ignore_errors=True)
    trees.linked_copy(kept, new)
    splice.splice(new, made, {old[name].slug for name in reached})
    trees.keep(kept, now, new)
    return True


def _reached(old: Mapping[str, Page], changed: Collection[str]) -> set[str]:
    """Return the pages that changed files are shown on; empty when that cannot be told."""
    found = set()
    for name in changed:
        if name not in old and not PIECE.fullmatch(name):
            return set()
        found |= {source for source, page in old.items() if source == name or page.includes(name)}
    return found


def _asked(
    project: Project, old: Mapping[str, Page], reached: Iterable[str], changed: Iterable[str]
) -> set[str]:
    """Return the pages of which the reached ones may show a target, by their old trees and their new sources."""
    owners: dict[str, str] = {}
    addresses = {page.address: page for page in old.values()}
    for slug, entries in trees.targets(project.trees).items():
        owners |= {str(entry.get("identifier")): slug for entry in entries}
    slugs = {addresses[url].slug for name in reached for url in old[name].asked if url in addresses}
    for name in {*reached, *changed}:
        text = (project.folder / name).read_text(encoding="utf-8", errors="ignore").lower()
        words = {word for found in NAMED.findall(text) for word in (found, f"term-{found}")}
        slugs |= {owners[word] for word in words if word in owners}
    return {page.source for page in old.values() if page.slug in slugs}


def _write_excerpt(project: Project, folder: Path, old: Mapping[str, Page], real: Collection[str]) -> None:
    """Write what the engine reads to a folder.

    Pages that `real` ones may link to are stubs there; all others are left out.
    """
    texts = [(project.folder / name).read_text(encoding="utf-8", errors="ignore") for name in real]
    texts += [path.read_text(encoding="utf-8") for path in project.folder.glob("parts/*.md")]
    linked = {
        name
        for name, page in old.items()
        if any(word in text for text in texts for word in (Path(name).stem, page.slug.rpartition(".")[2]))
    }
    stubs = (linked | {"index.md"}) - {*real}
    for name, path in project.engine_files():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if name == "myst.yml":
            configuration = yaml.safe_load(path.read_text(encoding="utf-8"))
            others = sorted({*real, *stubs} - {"index.md"})
            configuration["project"]["toc"] = [{"file": one} for one in ("index.md", *others)]
            target.write_text(yaml.safe_dump(configuration, allow_unicode=True), encoding="utf-8")
        elif name in stubs:
            target.write_text(_stub(name, old[name]), encoding="utf-8")
        elif name in real or name not in old:
            target.hardlink_to(path)


def _stub(name: str, page: Page) -> str:
    """Return a page without content; those that link to the page show its titles."""
    front = {key: value for key, value in _titles(page).items() if value}
    if name.endswith(".ipynb"):
        return json.dumps({"cells": [], "metadata": front, "nbformat": 4, "nbformat_minor": 5})
    return f"---\n{json.dumps(front)}\n---\n"


def _titles(page: Page) -> dict[str, Any]:
    return {key: page.tree["frontmatter"].get(key) for key in ("title", "short_title", "enumerator")}


def _stays_inside(
    made: Path, old: Mapping[str, Page], reached: Collection[str], real: Collection[str], kept: Path
) -> bool:
    """Return whether the trees of all other pages would be as they were."""
    new = trees.pages(made)
    addresses = {new[name].address for name in real if name in new}
    others = {name for source, page in old.items() if source not in reached for name in page.names}
    listed_before, listed_now = trees.targets(kept), trees.targets(made)
    for name in reached:
        before, now = old[name], new.get(name)
        if now is None or now.is_numbered_with_others or not now.asked <= addresses:
            return False
        if now.slug != before.slug or _titles(now) != _titles(before):
            return False
        altered = _altered(before.shown, now.shown) | _altered(
            _by_name(listed_before.get(before.slug, [])), _by_name(listed_now.get(now.slug, []))
        )
        if altered & others:
            return False
    return True


def _altered(before: Mapping[str, Any], now: Mapping[str, Any]) -> set[str]:
    return {name for name in before.keys() | now.keys() if before.get(name) != now.get(name)}


def _by_name(entries: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entries:
        found.setdefault(str(entry.get("identifier") or ""), []).append(entry)
    return found
