"""A book page around its content: head, contents, actions of a lesson, previous and next."""

from __future__ import annotations

import json
import os
from html import escape
from pathlib import Path
from typing import Any

from tpc_book.render import Renderer

Node = dict[str, Any]
EXPECTED_VERSION = 3


def page_html(page: Node, config: Node, records: Node, campus_url: str) -> str:
    """Return a whole page; `records` are those of tpc_book.execution, by slug."""
    if page.get("version") != EXPECTED_VERSION:
        raise ValueError(
            f"page JSON version {page.get('version')}, this theme knows {EXPECTED_VERSION}; check jupyter-book"
        )
    base = os.environ.get("BASE_URL", "")
    project = config["projects"][0]
    renderer = Renderer(page, lambda url: address(url, base))
    body = renderer.render(page["mdast"])
    front = page["frontmatter"]
    title = front["title"]
    slug = lesson_slug(page)
    if "<h1" not in body:
        body = f"<h1>{escape(title)}</h1>{lesson_box(slug, records, campus_url)}{body}"
    elif slug:
        body = body.replace("</h1>", f"</h1>{lesson_box(slug, records, campus_url)}", 1)
    katex = f'<link rel="stylesheet" href="{base}/katex.css">' if renderer.has_math else ""
    description = front.get("description") or project.get("description") or title
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · {escape(project['title'])}</title>"
        f'<meta name="description" content="{escape(description)}"><link rel="icon" href="data:,">'
        f'<link rel="stylesheet" href="{base}/book.css">{katex}<script defer src="{base}/book.js"></script></head>'
        f'<body data-base="{base}"><a class="skip" href="#main">Skip to content</a>{header(project, base)}'
        f'<div class="wrap"><nav class="toc" aria-label="Contents"><details open><summary>Contents</summary>'
        f"{contents(project, page['slug'], base)}</details></nav>"
        f'<main id="main">{body}{renderer.foot()}{neighbours(project, page["slug"], base)}</main></div>'
        "<footer><p>Texts CC BY 4.0, code BSD-3-Clause. TPC Campus.</p></footer></body></html>"
    )


def address(url: str, base: str) -> str:
    """Return an address of the engine below the book's base; hashed files lie in /build in a static site."""
    if not url.startswith("/"):
        return url
    name = Path(url).name
    if "." not in name:
        return f"{base}{url.rstrip('/')}/"
    return f"{base}/build{url}" if os.environ.get("MODE") == "static" else f"{base}{url}"


def lesson_slug(page: Node) -> str:
    """Return `topic/name` when a page is a lesson, else an empty text."""
    location = str(page.get("location") or "")
    parts = Path(location).with_suffix("").parts
    return "/".join(parts[-2:]) if "lessons" in parts else ""


def lesson_box(slug: str, records: Node, campus_url: str) -> str:
    """Return the actions of a lesson and the line about its last run; empty for other pages."""
    if not slug:
        return ""
    record = records.get(slug, {})
    button = f'<p><a class="button primary" href="{escape(campus_url)}/open/{escape(slug)}">Open on the campus</a></p>'
    if record.get("status") == "ok":
        versions = ", ".join(f"{name} {number}" for name, number in record["versions"].items())
        memory = record["peak_memory_mib"]
        run = f"Last run {record['date']}: {record['seconds']:g} s, {memory} MiB, with {versions}."
    elif record.get("status") == "failed":
        run = f"The last run ({record['date']}) failed; the outputs are those of the run before."
    else:
        run = "Not run yet: outputs appear when the lesson has run."
    return f'{button}<p class="quiet">{escape(run)}</p>'


def header(project: Node, base: str) -> str:
    """Return the top of every page, with the search."""
    return (
        f'<header><a class="mark" href="{base}/">{escape(project["title"])}</a>'
        '<search><label class="skip" for="search">Search the book</label>'
        '<input id="search" type="search" placeholder="Search" autocomplete="off"></search>'
        '<ul id="hits" aria-live="polite" hidden></ul></header>'
    )


def contents(project: Node, current: str, base: str) -> str:
    """Return the table of contents."""
    parts = [_entry(project["title"], "", current == project["index"], base)]
    for page in project["pages"]:
        if page.get("slug"):
            parts.append(_entry(page["title"], page["slug"], current == page["slug"], base))
        else:
            parts.append(f"<li><strong>{escape(page['title'])}</strong></li>")
    return f"<ul>{''.join(parts)}</ul>"


def neighbours(project: Node, current: str, base: str) -> str:
    """Return the links to the previous and the next page."""
    pages = [{"slug": project["index"], "title": project["title"], "path": ""}]
    pages += [{**page, "path": page["slug"]} for page in project["pages"] if page.get("slug")]
    index = next((i for i, page in enumerate(pages) if page["slug"] == current), None)
    if index is None:
        return ""
    links = []
    for step, word in ((-1, "Previous"), (1, "Next")):
        if 0 <= index + step < len(pages):
            other = pages[index + step]
            links.append(f'<a href="{_path(other["path"], base)}">{word}: {escape(other["title"])}</a>')
    return f'<nav class="neighbours" aria-label="Previous and next">{"".join(links)}</nav>'


def _entry(title: str, path: str, current: bool, base: str) -> str:
    mark = ' aria-current="page"' if current else ""
    return f'<li><a href="{_path(path, base)}"{mark}>{escape(title)}</a></li>'


def _path(slug: str, base: str) -> str:
    return f"{base}/{slug.replace('.', '/')}/" if slug else f"{base}/"


def load_records(path: str) -> Node:
    """Return the records of lesson runs, or none."""
    return dict(json.loads(Path(path).read_text())) if path and Path(path).exists() else {}
