"""Markdown that students wrote, with the pictures they pasted, as HTML that pages of instructors may show.

nbgrader's pages put a cell's Markdown on the page as it is: a script in an answer would run in the formgrader, with
the rights of whoever grades. And nbconvert stops at a reference to an attachment that is not there, and with it the
feedback of a whole class. `set_markdown` puts the filter below in the place of nbconvert's, on every page.
"""

from __future__ import annotations

import html
import time
from re import Match
from typing import Any, ClassVar
from urllib.parse import unquote

from jinja2 import pass_context
from jinja2.runtime import Context
from mistune import BlockState, InlineState
from nbconvert.filters.markdown_mistune import (
    IPythonRenderer,
    MarkdownWithMath,
    MathBlockParser,
    MathInlineParser,
)
from traitlets.config import Config

from tpc_grader.feedback.formulas import shown_formula
from tpc_grader.feedback.publish import clean_body
from tpc_grader.sandbox.outputs import is_image

# All pictures of one cell together, as base64; how many, and how long their names.
MAX_PICTURE_BYTES = 4 * 2**20
MAX_PICTURES = 50
MAX_NAME_CHARACTERS = 200
# Markdown can be written so that parsing it takes the square of its length; longer text is shown as it was typed.
MAX_MARKDOWN_CHARACTERS = 10_000
# The text and formulas of one page together; those after it are shown as they were typed.
MAX_PAGE_SECONDS = 20.0


def set_markdown(config: Config) -> None:
    """Let nbgrader's pages, and ours, show Markdown by `shown_markdown`."""
    config.HTMLExporter.filters = {"markdown2html": f"{__name__}.shown_markdown"}


@pass_context
def shown_markdown(context: Context, source: str) -> str:
    """Return the Markdown of the cell at hand as clean HTML; what cannot be parsed, as it was typed."""
    resources = context.get("resources")
    page = resources if isinstance(resources, dict) else {}
    spent, began = page.get("prose_seconds") or 0.0, time.monotonic()
    if len(source) > MAX_MARKDOWN_CHARACTERS or spent >= MAX_PAGE_SECONDS:
        return _typed(source)
    pasted = context.get("cell", {}).get("attachments", {})
    # Without links to headings: what is cleaned keeps no places to link to.
    renderer = _Renderer(escape=False, exclude_anchor_links=True, attachments=pasted)
    renderer.ends = began + MAX_PAGE_SECONDS - spent
    markdown = MarkdownWithMath(renderer=renderer, block=_Blocks(), inline=_Inline(hard_wrap=False))
    try:
        return clean_body(markdown.render(source))
    except Exception:  # whatever a parser of others does with hostile text
        return _typed(source)
    finally:
        page["prose_seconds"] = spent + time.monotonic() - began


def pictures(attachments: Any) -> dict[str, dict[str, str]]:
    """Return name -> type -> base64 of those of a cell's attachments that are pictures, until they are too large."""
    found, size, count = dict[str, dict[str, str]](), 0, 0
    for name, bodies in attachments.items() if isinstance(attachments, dict) else ():
        for mime, body in (
            bodies.items() if isinstance(bodies, dict) and len(name) <= MAX_NAME_CHARACTERS else ()
        ):
            text = "".join(each for each in body if isinstance(each, str)) if isinstance(body, list) else body
            if count >= MAX_PICTURES or not isinstance(text, str):
                continue
            if size + len(text) <= MAX_PICTURE_BYTES and is_image(mime, text):
                size, count = size + len(text), count + 1
                found.setdefault(name, {})[mime] = text
    return found


class _Blocks(MathBlockParser):
    """Finds formulas that begin a line, and so none in code."""

    SPECIFICATION: ClassVar[dict[str, str]] = {
        **MathBlockParser.SPECIFICATION,
        "multiline_math": r"^ {0,3}(?s:\$\$.*?(?<!\\)\$\$|\\\\\[.*?\\\\\]|\\\[.*?\\\](?=[ \t]*$)"
        r"|\\begin\{(?P<math_env_name>[a-z]*\*?)\}.*?\\end\{(?P=math_env_name)\})",
    }

    def parse_multiline_math(self, m: Match[str], state: BlockState) -> int:
        """Keep a formula in one paragraph; one between single backslashes gets the double ones of notebooks."""
        text = m[0].strip()
        single = text.startswith("\\[")
        state.add_paragraph(f"\\{text[:-2]}\\{text[-2:]}" if single else text)
        return m.end()


class _Inline(MathInlineParser):
    """Tells formulas from dollars as pandoc does: no space inside them, no digit after them."""

    SPECIFICATION: ClassVar[dict[str, str]] = {
        **MathInlineParser.SPECIFICATION,
        "inline_math_tex": r"(?s:(?<![$\\])\$(?![\s$])(?P<math_inline_tex>[^$]*?[^\s$\\])\$(?![$\d]))",
        "inline_math_latex": r"(?s:(?<!\\)\\{1,2}\((?P<math_inline_latex>.*?)\\{1,2}\))",
    }

    def parse_inline_math_latex(self, m: Match[str], state: InlineState) -> int:
        """Parse a formula between brackets."""
        state.append_token({"type": "inline_math", "raw": m["math_inline_latex"]})
        return m.end()


class _Renderer(IPythonRenderer):
    """Shows formulas as MathML, and a picture that is not there by the words that stand for it."""

    ends: float

    def inline_math(self, body: str) -> str:
        """Return a formula in a line."""
        return self._formula(body, f"${body}$", display=False)

    def block_math(self, body: str) -> str:
        """Return a formula of its own line."""
        return self._formula(body, f"$${body}$$", display=True)

    def latex_environment(self, name: str, body: str) -> str:
        """Return an environment like `align`, a formula by itself."""
        text = f"\\begin{{{name}}}{body}\\end{{{name}}}"
        return self._formula(text, text, display=True)

    def _formula(self, tex: str, typed: str, *, display: bool) -> str:
        if time.monotonic() >= self.ends:
            return f"<code>{html.escape(typed)}</code>"
        return shown_formula(tex.strip(), typed, display=display)

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """Return a picture; JupyterLab encodes the name of an attachment like an address."""
        name = url.removeprefix("attachment:")
        if url == name:
            return str(super().image(text, url, title))
        known = next((each for each in (name, unquote(name)) if each in self.attachments), None)
        words = html.escape(text or "picture")
        return str(super().image(text, f"attachment:{known}", title)) if known else f"[{words}]"


def _typed(source: str) -> str:
    return f"<pre>{html.escape(source)}</pre>"
