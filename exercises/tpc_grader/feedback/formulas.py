"""Formulas of TeX as MathML, which every browser draws without a script.

Students write formulas too, and what parses them is fast but can be made to nest or to run without end: it works in a
process of its own, which has little time and memory. A formula that it cannot convert is shown as it was typed.
"""

from __future__ import annotations

import html
import re
import subprocess
import sys
from functools import lru_cache

MAX_TEX_CHARACTERS = 2_000
MAX_MATHML_CHARACTERS = 40_000
# Of waiting, on a machine however busy; of work it gets one second.
MAX_SECONDS = 10.0
# The elements that show a formula; a formula with others (pictures of text, links, HTML) stays TeX.
ELEMENTS = frozenset(
    {"math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "mroot", "mpadded", "mphantom"}
    | {"msub", "msup", "msubsup", "munder", "mover", "munderover", "mtable", "mtr", "mtd"}
)
_CONVERT = """
import resource, sys
from math_core import LatexToMathML
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
resource.setrlimit(resource.RLIMIT_AS, (2**29, 2**29))
made = LatexToMathML(fancy_error=False, max_expansions=0)
sys.stdout.write(made.convert_with_local_state(sys.stdin.read(), displaystyle=sys.argv[1] == "display"))
"""
_SIDE = re.compile(r' style="text-align: (left|right)[^"]*"')


def shown_formula(tex: str, typed: str, *, display: bool) -> str:
    """Return a formula as HTML: MathML, or what was typed as code."""
    try:
        mathml = mathml_of(tex, display) if len(tex) <= MAX_TEX_CHARACTERS else ""
    except subprocess.TimeoutExpired:
        mathml = ""
    shown = mathml or f"<code>{html.escape(typed)}</code>"
    return f'<span class="formula">{shown}</span>' if display else shown


@lru_cache(maxsize=2048)
def mathml_of(tex: str, display: bool) -> str:
    """Return the MathML of a formula, empty where it cannot be had; raises `TimeoutExpired`."""
    command = [sys.executable, "-I", "-X", "utf8", "-c", _CONVERT, "display" if display else "inline"]
    given = tex.encode("utf-8", "replace")
    # An empty environment: it needs none of the service's secrets.
    done = subprocess.run(command, input=given, capture_output=True, timeout=MAX_SECONDS, check=False, env={})
    made = done.stdout.decode("utf-8", "replace")
    elements = set(re.findall(r"</?([\w-]+)", made))
    if done.returncode or "math" not in elements or elements - ELEMENTS or len(made) > MAX_MATHML_CHARACTERS:
        return ""
    return _SIDE.sub(r' class="\1"', made).replace("<math", f'<math alttext="{html.escape(tex)}"', 1)
