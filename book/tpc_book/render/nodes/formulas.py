"""Formulas: KaTeX has made HTML and MathML of them in the engine."""

from __future__ import annotations

import re
from html import escape

from tpc_book.render.render import Node, Renderer, attributes, identity, renders

# KaTeX writes named operators such as "mod" as letters within an operator; MathML allows only text there.
OPERATOR = re.compile(r"<mo([^>]*)><mrow>(.*?)</mrow></mo>", re.DOTALL)
TAG = re.compile(r"<[^>]+>")


def formula(node: Node) -> str:
    """Return a formula as HTML and MathML; its source where the engine could not read it."""
    made = str(node.get("html") or f"<code>{escape(str(node.get('value') or ''))}</code>")
    return OPERATOR.sub(lambda found: f"<mo{found[1]}>{TAG.sub('', found[2])}</mo>", made)


@renders("inlineMath")
def inline_math(page: Renderer, node: Node) -> str:
    page.has_math = True
    return formula(node)


@renders("math")
def math(page: Renderer, node: Node) -> str:
    page.has_math = True
    number, name = "", node.get("html_id")
    if node.get("enumerator"):
        shown = f"({escape(str(node['enumerator']))})"
        label = f"{page.words['equation']} {node['enumerator']}"
        number = (
            f'<a class="number" href="#{escape(name)}" aria-label="{escape(label)}">{shown}</a>'
            if name and not page.inside_link
            else f'<span class="number">{shown}</span>'
        )
    scrolled = f'<div class="scroll" tabindex="0">{formula(node)}</div>'
    return f'<div class="math"{identity(node)}>{scrolled}{number}</div>'


@renders("mathGroup")
def math_group(page: Renderer, node: Node) -> str:
    return f"<div{attributes('math-group')}{identity(node)}>{page.inner(node)}</div>"
