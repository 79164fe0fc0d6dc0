"""The pages as the engine leaves them: JSON trees, and what one page shows of another."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tpc_book.base.links import Links
from tpc_book.render.render import Node, Renderer, pruned, unnamed
from tpc_book.render.search import parts_of

# The engine numbers the form of its trees; another number needs a look at every renderer.
TREE_VERSION = 3


class Content:
    """Reads pages by slug; the first page of the book has the slug "" here."""

    def __init__(self, folder: Path, theme_words: dict[str, str] | Any) -> None:
        self.folder = folder
        self.words = theme_words
        self._read: dict[str, tuple[float, Node]] = {}
        self._cards: dict[tuple[str, str], str] = {}

    @functools.cached_property
    def project(self) -> Node:
        config = json.loads((self.folder / "config.json").read_text(encoding="utf-8"))
        return dict(config["projects"][0])

    @property
    def has_feed(self) -> bool:
        return (self.folder / "public" / "feed.xml").exists()

    @property
    def entries(self) -> list[Node]:
        """Return the contents in order: pages with slug, headings without; `level` says how deep."""
        first = {"slug": "", "title": self.page("")["frontmatter"].get("title", ""), "level": 1}
        return [first, *self.project["pages"]]

    def slugs(self) -> Iterator[str]:
        """Yield the slugs of all pages, in reading order."""
        yield from (entry["slug"] for entry in self.entries if "slug" in entry)

    def path(self, slug: str) -> Path:
        """Return the file with the tree of a page, whether there is one or not."""
        return self.folder / "content" / f"{slug or self.project['index']}.json"

    def page(self, slug: str) -> Node:
        """Return a page; raises KeyError for an unknown one, ValueError for a tree that we do not know."""
        path = self.path(slug)
        if not path.exists():
            raise KeyError(slug)
        changed = path.stat().st_mtime
        if slug not in self._read or self._read[slug][0] != changed:
            page = json.loads(path.read_text(encoding="utf-8"))
            if page.get("version") != TREE_VERSION:
                raise ValueError(
                    f"{path}: tree version {page.get('version')}, expected {TREE_VERSION}. "
                    "Pin jupyter-book as in pyproject.toml, or teach tpc_book.render.nodes the new tree."
                )
            page["mdast"] = pruned(page["mdast"])
            self._read[slug] = (changed, page)
            self._cards.clear()
        return self._read[slug][1]

    def search_records(self) -> list[list[Any]]:
        """Return [slug, anchor, titles, text] for each part of each page, in reading order.

        They are made of what readers see; the engine's own index also holds comments and what is removed.
        """
        return [[slug, *record] for slug in self.slugs() for record in parts_of(self.page(slug))]

    def card(self, url: str, target: str) -> str:
        """Return what stands at a target: the meaning of a word, a figure, an equation, a first paragraph."""
        key = (url, target)
        if key not in self._cards:
            self._cards[key] = ""  # a target that leads back here shows no card within its card
            self._cards[key] = self._card(url.strip("/").replace("/", "."), target)
        return self._cards[key]

    def _card(self, slug: str, target: str) -> str:
        try:
            page = self.page(slug)
        except KeyError:
            return ""
        found = find(page["mdast"], target)
        if not found:
            return ""
        # A card has no links to follow, and nothing in it is a target of others.
        renderer = Renderer(page, Links(slug), self.words)
        renderer.inside_link = True
        return renderer.all([_for_card(node) for node in found])


class PublicFiles:
    """The texts that the engine moved out of its trees: modules of figures, outputs of more than 25 kB."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, url: str, default: str = "") -> str:
        """Return the text of the file at `/name`, or `default` where there is none."""
        path = self.folder / Path(url).name
        return path.read_text(encoding="utf-8", errors="replace") if url and path.is_file() else default


def find(tree: Node, target: str) -> list[Node]:
    """Return the nodes that tell what `target` is: itself, or the text after a term or heading."""
    siblings = tree.get("children") or []
    for index, node in enumerate(siblings):
        if target in (node.get("html_id"), node.get("identifier")):
            if node["type"] in {"definitionTerm", "heading"}:
                after = [
                    other
                    for other in siblings[index + 1 : index + 3]
                    if other["type"] in {"definitionDescription", "paragraph"}
                ]
                strong = {"type": "strong", "children": node.get("children") or []}
                return [{"type": "paragraph", "children": [strong]}, *after[:1]]
            return [node]
        if found := find(node, target):
            return found
    return []


def _for_card(node: Node) -> Node:
    plain = unnamed(node)
    if plain["type"] == "definitionDescription":
        plain["type"] = "div"  # it stands without its list here
    return plain
