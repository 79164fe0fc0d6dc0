"""Markdown that students wrote, with the pictures they pasted, as HTML that pages of instructors may show.

nbgrader's pages put a cell's Markdown on the page as it is: a script in an answer would run in the formgrader, with
the rights of whoever grades. And nbconvert stops at a reference to an attachment that is not there, and with it the
feedback of a whole class. `set_markdown` puts the filter below in the place of nbconvert's, on every page.
"""

from __future__ import annotations

import html
from typing import Any
from urllib.parse import unquote

from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from traitlets.config import Config

from tpc_grader.feedback import clean_body
from tpc_grader.outputs import is_image

# All pictures of one cell together, as base64.
MAX_PICTURE_BYTES = 4 * 2**20
# Markdown can be written so that parsing it takes the square of its length; longer text is shown as it was typed.
MAX_MARKDOWN_CHARACTERS = 10_000


def set_markdown(config: Config) -> None:
    """Let nbgrader's pages, and ours, show Markdown by `shown_markdown`."""
    config.HTMLExporter.filters = {"markdown2html": f"{__name__}.shown_markdown"}


@pass_context
def shown_markdown(context: Context, source: str) -> str:
    """Return the Markdown of the cell at hand as clean HTML; what cannot be parsed, as it was typed."""
    if len(source) > MAX_MARKDOWN_CHARACTERS:
        return _typed(source)
    pasted = context.get("cell", {}).get("attachments", {})
    # Without links to headings: what is cleaned keeps no places to link to.
    renderer = _Renderer(escape=False, exclude_anchor_links=True, attachments=pasted)
    try:
        return clean_body(MarkdownWithMath(renderer=renderer).render(source))
    except Exception:  # whatever a parser of others does with hostile text
        return _typed(source)


def pictures(attachments: Any) -> dict[str, dict[str, str]]:
    """Return name -> type -> base64 of those of a cell's attachments that are pictures, until they are too large."""
    found, size = dict[str, dict[str, str]](), 0
    for name, bodies in attachments.items() if isinstance(attachments, dict) else ():
        for mime, body in bodies.items() if isinstance(bodies, dict) else ():
            text = "".join(map(str, body)) if isinstance(body, list) else body
            if isinstance(text, str) and size + len(text) <= MAX_PICTURE_BYTES and is_image(mime, text):
                size += len(text)
                found.setdefault(str(name), {})[mime] = text
    return found


class _Renderer(IPythonRenderer):
    """Shows a picture that is not there by the words that stand for it."""

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
