"""The engine's trees without what it draws at random, so that equal sources become equal pages.

At each run it gives new keys to all nodes, and new names to outputs, figures and entries of the index. It names files
by where they lie and when they changed; here they are named by what is in them. Outputs that it put into files are
cleaned, as a reader may open them by themselves.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from tpc_book.render.render import Node
from tpc_book.render.sanitise import clean, clean_drawing

RANDOM_INDEX = re.compile(r"index-[0-9A-Za-z]{10}\b")
# The engine names files of outputs by their hash alone.
OUTPUT = re.compile(r"[0-9a-f]{32}\.(?:html|svg)")
FILE_HASH = re.compile(r"(?<=-)[0-9a-f]{32}(?=\.)")
RANDOM = re.compile(rf"{RANDOM_INDEX.pattern}|{FILE_HASH.pattern}")
NUMBERED = {"outputs", "anywidget"}


def settle(site: Path) -> None:
    """Rewrite the trees in `site`/content, the lists of targets beside them, and the names in `site`/public."""
    pages = {
        path: json.loads(path.read_text(encoding="utf-8")) for path in sorted(site.glob("content/*.json"))
    }
    _clean_outputs(site / "public")
    names = _file_names(site / "public")
    for path, page in pages.items():
        names |= _number(page["mdast"], path.stem.replace(".", "-"))

    def settled(text: str) -> str:
        return RANDOM.sub(lambda found: names.get(found[0].lower(), found[0]), text)

    for path, page in pages.items():
        text = json.dumps(page, ensure_ascii=False, separators=(",", ":"))
        path.write_text(settled(text), encoding="utf-8")
    for listing in (site / "myst.xref.json", site / "config.json"):
        if listing.exists():
            listing.write_text(settled(listing.read_text(encoding="utf-8")), encoding="utf-8")
    inventory = site / "objects.inv"
    if inventory.exists():
        *head, body = inventory.read_bytes().split(b"\n", 4)
        lines = settled(zlib.decompress(body).decode())
        inventory.write_bytes(b"\n".join([*head, zlib.compress(lines.encode())]))


def _clean_outputs(public: Path) -> None:
    """Rewrite the pages and drawings among the outputs, so that nothing in them runs or asks for anything."""
    for path in public.iterdir() if public.exists() else []:
        if OUTPUT.fullmatch(path.name):
            text = path.read_text(encoding="utf-8", errors="replace")
            whole = clean_drawing(text) if path.suffix == ".svg" else f'<meta charset="utf-8">{clean(text)}'
            path.write_text(whole, encoding="utf-8")


def _file_names(public: Path) -> dict[str, str]:
    """Rename files by what is in them; return old -> new hashes."""
    hashes: dict[str, str] = {}
    for path in sorted(public.iterdir()) if public.exists() else []:
        if found := FILE_HASH.search(path.name):
            hashes[found[0]] = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
            path.replace(path.with_name(path.name.replace(found[0], hashes[found[0]])))
    return hashes


def _number(tree: Node, page: str) -> dict[str, str]:
    """Take the keys out of a tree and number what has a random name; return old -> new names of index entries."""
    names: dict[str, str] = {}
    counts = dict.fromkeys(NUMBERED, 0)
    for node in _nodes(tree):
        node.pop("key", None)
        if node["type"] in NUMBERED and "id" in node:
            counts[node["type"]] += 1
            node["id"] = f"{node['type']}-{counts[node['type']]}"
        name = str(node.get("html_id") or "")
        if node.get("indexEntries") and RANDOM_INDEX.fullmatch(name):
            names.setdefault(name, f"index-{page}-{len(names) + 1}")
    return names


def _nodes(tree: Node) -> Iterator[Node]:
    yield tree
    for child in tree.get("children") or []:
        yield from _nodes(child)
