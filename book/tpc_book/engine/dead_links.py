"""Links of pages to files that are not there: the engine publishes them without a word, even when it is strict."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.front_matter import front_matter_plugin
from tpc_courses.base.problems import Problem

from tpc_book.base.links import OUTSIDE

REMEDY = "Name a file of book/content, or a page that the book makes, by its path from this page"
PAGES = (".md", ".ipynb")
_HREF = re.compile(r"<a\s[^>]*?href=[\"']([^\"']+)")
# What a page may be named by without a path: `(name)=`, `:name: x`, `:label: x`, `{#x}`.
_LABEL = re.compile(r"^\(([^)\n]+)\)=|^:(?:name|label):[ \t]*(\S+)|\{#([\w:-]+)\}", re.MULTILINE)
# Directives in backticks whose body is Markdown; others hold code, data or formulas.
PROSE = re.compile(
    r"\{(?:admonition|note|tip|hint|important|attention|caution|warning|danger|error|seealso|card|grid|grid-item"
    r"|grid-item-card|tab-set|tab-item|dropdown|details|margin|aside|sidebar|topic|epigraph|pull-quote|figure"
    r"|table|list-table|exercise|solution|proof[\w:]*|div|glossary)\}"
)
markdown = MarkdownIt("commonmark").enable("table").use(front_matter_plugin)


def dead_links(
    pages: Mapping[str, str], files: Collection[str], shown: Mapping[str, str]
) -> Iterator[Problem]:
    """Yield a problem for each link to a file that is not there.

    `pages` are texts by name, `files` all names that the engine will find, both from the top of the book; `shown`
    says what people call a page.
    """
    labels = {label for text in pages.values() for found in _LABEL.findall(text) for label in found if label}
    for name, text in pages.items():
        for line, target in _targets(text):
            if not _leads_somewhere(name, target, files, labels):
                yield Problem(
                    shown.get(name, name), f"line {line}", f"the link to {target} leads nowhere", REMEDY
                )


def _leads_somewhere(name: str, target: str, files: Collection[str], labels: Collection[str]) -> bool:
    path = unquote(target.partition("#")[0].partition("?")[0])
    if not path or OUTSIDE.match(target):
        return True
    if path in labels:
        return True
    full = path.lstrip("/") if path.startswith("/") else posixpath.join(posixpath.dirname(name), path)
    full = posixpath.normpath(full)
    return any(full + end in files for end in ("", *PAGES))


def _targets(text: str, first: int = 1) -> Iterator[tuple[int, str]]:
    """Yield line and address of each link in Markdown; `first` is the line at which the text begins."""
    lines = text.split("\n")
    for token in markdown.parse(text):
        start, end = token.map or (0, 0)
        if token.type == "fence" and PROSE.match(token.info.strip()):
            yield from _targets(token.content, first + start + 1)
        for target in _links_of(token):
            here = (i for i in range(start, end) if target in lines[i] or unquote(target) in lines[i])
            yield first + next(here, start), target


def _links_of(block: Token) -> Iterator[str]:
    for child in block.children or [block]:
        if child.type == "link_open":
            yield str(child.attrs["href"])
        elif child.type in ("html_inline", "html_block"):
            yield from _HREF.findall(child.content)
