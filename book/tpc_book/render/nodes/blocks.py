"""Nodes that build a page: paragraphs, headings, lists, quotes, definitions."""

from __future__ import annotations

from html import escape

from tpc_book.render.nodes.boxes import plainly
from tpc_book.render.render import Node, Renderer, attributes, identity, renders, unnamed, visibility, wraps

wraps("paragraph", "p")
wraps("definitionList", "dl")
wraps("definitionDescription", "dd")
wraps("header", "div", "card-header")
wraps("blockquote", "blockquote")


@renders("root", "include")
def transparent(page: Renderer, node: Node) -> str:
    return page.inner(node)


@renders("embed")
def embedded(page: Renderer, node: Node) -> str:
    """What stands elsewhere, shown again. Its names stay there, as an id may be used once, and so do its notes."""
    outer, url = page.notes_at, str((node.get("source") or {}).get("url") or "")
    page.notes_at = (
        page.links.to(url) if url and page.links.to(url) != page.links.page(page.links.slug) else outer
    )
    try:
        return page.all(
            map(unnamed, filter(None, (_asked(node, child) for child in node.get("children") or [])))
        )
    finally:
        page.notes_at = outer


def _asked(embed: Node, node: Node) -> Node | None:
    """Return a node without code or outputs, where the one that shows it again wants none."""
    is_code = node.get("type") == "code" and node.get("executable")
    if (embed.get("remove-input") and is_code) or (
        embed.get("remove-output") and node.get("type") == "outputs"
    ):
        return None
    kept = [one for one in (_asked(embed, child) for child in node.get("children") or []) if one]
    return {**node, "children": kept} if "children" in node else node


@renders("block")
def block(page: Renderer, node: Node) -> str:
    """A part between `+++` marks or a notebook cell; only a named or styled one shows in the page."""
    kinds = node.get("class") or ""
    shown = visibility(node)
    if shown == "remove":
        return ""
    if shown == "hide":
        return _folded(page, node, kinds)
    if not kinds and not node.get("html_id"):
        return page.inner(node)
    return f"<div{attributes(kinds, id=node.get('html_id'))}>{page.inner(node)}</div>"


def _folded(page: Renderer, node: Node, kinds: str) -> str:
    """A part that its author hid: folded, under what it is."""
    word = page.words["hidden_cell" if node.get("kind") == "notebook-code" else "hidden_part"]
    inside, found = page.inner(node), attributes(f"box {kinds}".strip(), id=node.get("html_id"))
    return f"<details{found}><summary>{escape(word)}</summary>{inside}</details>" if inside else ""


@renders("div")
def division(page: Renderer, node: Node) -> str:
    return f"<div{attributes(node.get('class') or '', id=node.get('html_id'))}>{page.inner(node)}</div>"


@renders("heading")
def heading(page: Renderer, node: Node) -> str:
    """A heading with a link to itself. The title of the page is its only h1."""
    depth = min(max(int(node.get("depth", 2)), 2), 6)
    words, name = page.inner(node), node.get("html_id") or node.get("identifier") or ""
    number = (
        f'<span class="number">{escape(str(node["enumerator"]))}</span> ' if node.get("enumerator") else ""
    )
    if name and depth < 4:
        page.outline.append({"id": name, "html": plainly(page, node), "depth": depth})
    anchor = (
        f'<a class="anchor" href="#{escape(name)}" aria-hidden="true" tabindex="-1">#</a>'
        if name and not page.inside_link
        else ""
    )
    return f"<h{depth}{attributes(id=name or None)}>{number}{words}{anchor}</h{depth}>"


@renders("thematicBreak")
def rule(page: Renderer, node: Node) -> str:
    return "<hr>"


@renders("list")
def bullet_list(page: Renderer, node: Node) -> str:
    tag = "ol" if node.get("ordered") else "ul"
    start = node.get("start") if node.get("ordered") and node.get("start") not in (None, 1) else None
    tasks = any(item.get("checked") is not None for item in node.get("children") or [])
    return f"<{tag}{attributes('tasks' if tasks else '', start=start)}>{page.inner(node)}</{tag}>"


@renders("listItem")
def list_item(page: Renderer, node: Node) -> str:
    if node.get("checked") is None:
        return f"<li>{page.inner(node)}</li>"
    mark, words = ("☑", "done") if node["checked"] else ("☐", "open")
    return f'<li><span role="img" aria-label="{words}">{mark}</span> {page.inner(node)}</li>'


@renders("definitionTerm")
def definition_term(page: Renderer, node: Node) -> str:
    return f"<dt{identity(node)}>{page.inner(node)}</dt>"


@renders("glossary")
def glossary(page: Renderer, node: Node) -> str:
    return f'<div class="glossary">{page.inner(node)}</div>'


@renders("aside")
def aside(page: Renderer, node: Node) -> str:
    """A note beside the text: margin, sidebar, aside, topic. Its title is a bold line, not a heading."""
    children = list(node.get("children") or [])
    title = ""
    if children and children[0]["type"] == "admonitionTitle":
        title = f'<p class="box-title">{page.inner(children.pop(0))}</p>'
    kind = node.get("kind") or "aside"
    return f'<div role="note"{attributes(f"aside {kind}")}>{title}{page.all(children)}</div>'


@renders("toc")
def table_of_contents(page: Renderer, node: Node) -> str:
    return f'<div class="contents">{page.inner(node)}</div>'


@renders("bibliography")
def bibliography(page: Renderer, node: Node) -> str:
    """The works of the page stand at its foot; the directive asks for them, wherever it is."""
    return ""
