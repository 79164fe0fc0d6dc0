"""TeX in outputs as MathML, which browsers and readers of e-books draw without a script or a style sheet."""

from __future__ import annotations

import functools
import re
from html import escape

from math_core import LatexError, LatexToMathML

# More than anybody reads; what converts could take long on made-up formulas.
MOST_CHARACTERS, DEEPEST = 4_000, 40
_FORMULA = re.compile(
    r"\$\$(?P<a>.+?)\$\$|\\\[(?P<b>.+?)\\\]|(?P<c>\\begin\{(?P<name>[a-zA-Z]+\*?)\}.+?\\end\{(?P=name)\})"
    r"|\\\((?P<d>.+?)\\\)|(?<![\\$])\$(?P<e>[^$]+?)(?<!\\)\$",
    re.DOTALL,
)
_NAMES = re.compile(r"\\(?:label|tag\*?|nonumber|notag)(?:\s*\{[^{}]*\})?")
_NUMBERED = re.compile(r"(\\(?:begin|end))\{(equation|align|gather|alignat|multline)\}")
_SIDE = re.compile(r' style="text-align: (left|right)[^"]*"')
_converter = LatexToMathML(fancy_error=False, max_expansions=0)


@functools.lru_cache(maxsize=2048)
def formula(tex: str, display: bool) -> str:
    """Return a formula as MathML, or as code where it cannot be converted."""
    tex = tex.strip()
    typed = f"<code>{escape(tex, quote=False)}</code>"
    if len(tex) > MOST_CHARACTERS or _depth(tex) > DEEPEST:
        return typed
    plain = _NAMES.sub("", tex).replace("{eqnarray", "{align").replace("&=&", "&=")
    plain = _NUMBERED.sub(r"\1{\2*}", plain)
    try:
        made: str = _converter.convert_with_local_state(plain, displaystyle=display)
    except LatexError:
        return typed
    return _SIDE.sub(r' class="\1"', made).replace("<math", f'<math alttext="{escape(tex)}"', 1)


def _depth(tex: str) -> int:
    depth = deepest = 0
    for brace in re.findall(r"[{}]|\\(?:left|right|begin|end)\b", tex):
        depth += 1 if brace in ("{", r"\left", r"\begin") else -1
        deepest = max(deepest, depth)
    return deepest


def prose(text: str) -> str:
    """Return LaTeX as HTML: formulas between their marks as MathML, the words around them as text."""
    html, at = [], 0
    for found in _FORMULA.finditer(text):
        html.append(escape(text[at : found.start()], quote=False))
        own = next(value for key, value in found.groupdict().items() if key != "name" and value)
        inline = bool(found["d"] or found["e"])
        shown = formula(own, display=not inline)
        html.append(shown if inline else f'<span class="formula">{shown}</span>')
        at = found.end()
    return "".join([*html, escape(text[at:], quote=False)])
