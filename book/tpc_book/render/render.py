"""One page of the engine's syntax tree to HTML. Each kind of node has one small function, in `tpc_book.render.nodes`.

Text is escaped; HTML that authors or notebooks wrote is cleaned. A node that nobody knows fails the build.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from html import escape
from typing import Any, Protocol

from tpc_book.base.cache import Kept
from tpc_book.base.links import Links
from tpc_book.data.markdown import AS_TYPED
from tpc_book.render.marks import with_marks

Node = dict[str, Any]
# Characters of outputs that the engine put aside for their length; more would make a page too heavy to load.
LONG_OUTPUTS = 60_000
# The engine puts it into long addresses, where a line may break; copied along, the address leads nowhere.
WRAP_MARK = "\N{ZERO WIDTH SPACE}"
# Nodes with words that are not for readers of the book.
UNSEEN = {"comment", "mystTarget", "raw", "indexEntry", "output", "footnoteReference"}
# Nodes whose name is that of something that stands elsewhere.
POINTERS = {"crossReference", "embed", "cite", "footnoteReference", "footnoteDefinition"}


class Shelf(Protocol):
    """Knows all pages of the book, for cards that show what a link leads to."""

    def card(self, url: str, target: str) -> str:
        """Return the HTML of the node `target` on the page at `url`; empty when there is none."""


class NodeError(ValueError):
    """A node that cannot be shown. Where the engine said no line, `words` of it help to find one."""

    def __init__(self, line: int | None, reason: str, words: str = "") -> None:
        super().__init__(f"line {line or '?'}: {reason}")
        self.line, self.reason, self.words = line, reason, words


class UnknownNode(NodeError):
    """The engine sent a node that this theme does not know."""


class Renderer:
    """Renders one page and collects what stands at its foot: citations, footnotes, cards, live figures."""

    def __init__(
        self,
        page: Node,
        links: Links,
        words: Mapping[str, str],
        shelf: Shelf | None = None,
        drawings: Kept | None = None,
    ) -> None:
        self.page = page
        self.links = links
        self.words = words
        self.shelf = shelf
        self.drawings = drawings
        self.citations: dict[str, Any] = page.get("references", {}).get("cite", {}).get("data", {})
        self.cited: list[str] = []
        self.footnotes: dict[str, tuple[str, str]] = {}
        # Ids of notes that the text names, and the page at whose foot notes stand: another one within an embed.
        self.noted: set[str] = set()
        self.notes_at = ""
        self.cards: dict[str, str] = {}
        self.models: dict[str, Any] = {}
        self.modules: dict[str, str] = {}
        self.outline: list[dict[str, Any]] = []
        # The code whose outputs come next, and how much of long outputs the page still takes.
        self.code = ""
        self.room = LONG_OUTPUTS
        self.has_math = False
        self.inside_link = False
        self.diagrams = 0
        # Some nodes have no line of their own; the last that had one stands around or before them.
        self.line: int | None = None

    def render(self, node: Node) -> str:
        """Return the HTML of a node with its children; raises NodeError with its position."""
        kind = str(node.get("type"))
        self.line = line = line_of(node) or self.line
        renderer = RENDERERS.get(kind)
        if renderer is None:
            raise UnknownNode(line, f"no renderer for the node type {kind!r}", text_of(node))
        try:
            return renderer(self, node)
        except NodeError:
            raise
        except Exception as e:
            own = type(e).__module__.startswith("tpc_book")
            said = str(e) if own else f"the {kind} cannot be shown ({type(e).__name__}: {e})"
            raise NodeError(line, said, text_of(node)) from e

    def inner(self, node: Node) -> str:
        """Return the HTML of a node's children."""
        return self.all(with_marks(node.get("children") or []))

    def all(self, nodes: Iterable[Node]) -> str:
        """Return the HTML of nodes one after the other."""
        return "".join(map(self.render, nodes))


NodeRenderer = Callable[[Renderer, Node], str]
RENDERERS: dict[str, NodeRenderer] = {}


def renders(*kinds: str) -> Callable[[NodeRenderer], NodeRenderer]:
    """Declare which kinds of node a function renders."""

    def register(function: NodeRenderer) -> NodeRenderer:
        RENDERERS.update(dict.fromkeys(kinds, function))
        return function

    return register


def wraps(kind: str, tag: str, css: str = "") -> None:
    """Declare that a kind of node is its children inside one element."""
    open_tag = attributes(css) if css else ""
    RENDERERS[kind] = lambda page, node: f"<{tag}{open_tag}{identity(node)}>{page.inner(node)}</{tag}>"


def attributes(css: str = "", **others: object) -> str:
    """Return attributes with a blank in front; those that are None or False are left out."""
    given = {
        "class": css or None,
        **{name.rstrip("_").replace("_", "-"): value for name, value in others.items()},
    }
    parts = []
    for name, value in given.items():
        if value is not None and value is not False:
            parts.append(f" {name}" if value is True else f' {name}="{escape(str(value))}"')
    return "".join(parts)


def line_of(node: Node) -> int | None:
    """Return the line of a node in its source; in a lesson the engine counts within the cell."""
    line = ((node.get("position") or {}).get("start") or {}).get("line")
    return line if isinstance(line, int) else None


def identity(node: Node) -> str:
    """Return the id by which links find a node."""
    return attributes(id=node.get("html_id") or None)


def unnamed(node: Node) -> Node:
    """Return a copy of a node that is the target of no link. What points elsewhere keeps the name of its target.

    It has no line either: that would be one of the page from which it is copied.
    """
    lost = {"position"} if node.get("type") in POINTERS else {"position", "html_id", "identifier"}
    plain = {key: value for key, value in node.items() if key not in lost}
    if plain.get("children"):
        plain["children"] = [unnamed(child) for child in plain["children"]]
    return plain


def visibility(node: Node) -> str:
    """Return how an author wants a part shown: `show`, folded (`hide`), or not at all (`remove`)."""
    return str(node.get("visibility") or (node.get("data") or {}).get("visibility") or "show")


def titled(tree: Node, title: str) -> tuple[Node, str]:
    """Return a tree without the heading that says the title of the page again, and the name of that heading.

    Headings below it rise to its depth.
    """
    headings = [node for node in below(tree) if node.get("type") == "heading"]
    first = headings[0] if headings else {}
    if not first or " ".join(text_of(first).split()) != " ".join(title.split()):
        return tree, ""
    depth = int(first.get("depth") or 2)
    lift = depth > 1 and all(int(one.get("depth") or 2) > depth for one in headings[1:])
    return _without(tree, first, lift), str(first.get("html_id") or first.get("identifier") or "")


def _without(node: Node, other: Node, lift: bool) -> Node:
    kept = [_without(child, other, lift) for child in node.get("children") or [] if child is not other]
    depth = {"depth": int(node.get("depth") or 2) - 1} if lift and node.get("type") == "heading" else {}
    return {**node, **depth, "children": kept} if "children" in node else node


def below(node: Node) -> Iterator[Node]:
    """Yield a node and all below it, as readers meet them."""
    yield node
    for child in node.get("children") or []:
        yield from below(child)


def pruned(node: Node) -> Node:
    """Return a tree without what is removed, but for code: pictures that it drew are described by its words."""
    kept = [
        pruned(child)
        for child in node.get("children") or []
        if visibility(child) != "remove" or child.get("type") == "code"
    ]
    return {**node, "children": kept} if "children" in node else node


def text_of(node: Node) -> str:
    """Return the words of a node without markup, as readers see them."""
    if visibility(node) == "remove" or node.get("type") in UNSEEN:
        return ""
    if "value" in node and not node.get("children"):
        return str(node["value"]).replace(WRAP_MARK, "").replace(AS_TYPED, "")
    return "".join(text_of(child) for child in node.get("children") or [])
