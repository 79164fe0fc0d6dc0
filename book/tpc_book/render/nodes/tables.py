"""Tables. They scroll by themselves on a narrow screen."""

from __future__ import annotations

from tpc_book.render.render import Node, Renderer, attributes, identity, renders

ALIGNED = {"left", "right", "center"}


@renders("table")
def table(page: Renderer, node: Node) -> str:
    rows = node.get("children") or []
    heads = [row for row in rows if _is_head(row)]
    body = [row for row in rows if not _is_head(row)]
    inside = (f"<thead>{page.all(heads)}</thead>" if heads else "") + (
        f"<tbody>{page.all(body)}</tbody>" if body else ""
    )
    return f'<div class="scroll" tabindex="0"><table{identity(node)}>{inside}</table></div>'


def _is_head(row: Node) -> bool:
    cells = row.get("children") or []
    return bool(cells) and all(cell.get("header") for cell in cells)


@renders("tableRow")
def row(page: Renderer, node: Node) -> str:
    whole = _is_head(node)
    cells = "".join(_cell(page, child, "col" if whole else "row") for child in node.get("children") or [])
    return f"<tr>{cells}</tr>"


@renders("tableCell")
def cell(page: Renderer, node: Node) -> str:
    return _cell(page, node, "col")


def _cell(page: Renderer, node: Node, scope: str) -> str:
    tag = "th" if node.get("header") else "td"
    align = node.get("align") if node.get("align") in ALIGNED - {"left"} else None
    found = attributes(
        align or "",
        scope=scope if tag == "th" else None,
        colspan=_several(node.get("colspan")),
        rowspan=_several(node.get("rowspan")),
    )
    return f"<{tag}{found}>{page.inner(node)}</{tag}>"


def _several(count: object) -> object:
    return count if str(count).isdigit() and int(str(count)) > 1 else None
