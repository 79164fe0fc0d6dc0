"""The words of the lessons: marks the first use of each on a page, so that its meaning is at hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from nbformat import NotebookNode

from tpc_book.data.outreach import Term

# What no mark may enter: code, math, headings, roles, links, HTML, the lines that open and set directives.
PROTECTED = "|".join(
    (
        r"^(?P<fence>`{3,}|~{3,})[\s\S]*?^(?P=fence)[ \t]*$",
        r"^\s*:{3,}.*$|^\s*:[\w-]+:.*$|^#{1,6} .*$|^\(.*\)=$",
        r"\$\$[\s\S]*?\$\$|\$[^$\n]+\$",
        r"\{[^}\n]*\}`[^`]*`",
        r"(?<!`)(?P<ticks>`+)(?!`)[\s\S]*?(?<!`)(?P=ticks)(?!`)",
        r"!?\[[^\]]*\](?:\([^)]*\)|\[[^\]]*\])",
        r"<[^>\n]+>|https?://\S+",
    )
)


def marked(texts: Iterable[str], terms: Mapping[str, Term]) -> list[str]:
    """Return the Markdown texts of one page, with the first use of each term marked as one."""
    return _mark(texts, terms)[0]


def terms_in(texts: Iterable[str], terms: Mapping[str, Term]) -> list[Term]:
    """Return the terms that the texts of one page use outside code, math and links, headings included."""
    return _mark((re.sub(r"^#+ ", "", text, flags=re.MULTILINE) for text in texts), terms)[1]


def _mark(texts: Iterable[str], terms: Mapping[str, Term]) -> tuple[list[str], list[Term]]:
    owner = {form.casefold(): term for term in terms.values() for form in (term.term, *term.also)}
    if not owner:
        return list(texts), []
    # Longer forms first, so that "Huber loss" is not read as "loss".
    words = "|".join(map(re.escape, sorted(owner, key=len, reverse=True)))
    either = re.compile(rf"(?P<skip>{PROTECTED})|(?<![\w-])(?P<word>{words})(?![\w-])", re.M | re.I)
    seen: list[Term] = []

    def mark(found: re.Match[str]) -> str:
        word = found["word"]
        if word is None or owner[word.casefold()] in seen:
            return found[0]
        term = owner[word.casefold()]
        seen.append(term)
        return f"{{term}}`{word}`" if word == term.term else f"{{term}}`{word} <{term.term}>`"

    return [either.sub(mark, text) for text in texts], seen


def mark_notebook(notebook: NotebookNode, terms: Mapping[str, Term]) -> None:
    """Mark the terms of a lesson in its text cells."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    for cell, text in zip(cells, marked(texts_of(notebook), terms), strict=True):
        cell.source = text


def texts_of(notebook: NotebookNode) -> list[str]:
    """Return the Markdown of a notebook, cell by cell."""
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
