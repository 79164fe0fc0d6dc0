"""One page of the book: the rendered text between contents, lesson facts and links to its neighbours."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tpc_book.theme_nodes import Renderer
from tpc_book.theme_outputs import sanitise

Json = dict[str, Any]
# The tree changes its meaning with this number.
AST_VERSION = 3
_HASHED = re.compile(r"(-|^/)[0-9a-f]{32}\.")


class Site:
    """What all pages share: the address they live under, the campus, the lessons, the template."""

    def __init__(self, theme: Path, base: str, facts: Json) -> None:
        self.base, self.facts = base.rstrip("/"), facts
        environment = Environment(
            loader=FileSystemLoader(theme), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        self.template = environment.get_template("page.html")

    def address(self, url: str) -> str:
        """Return the link to a page or a file of the book; other addresses stay as they are."""
        if not url.startswith("/") or url.startswith("//"):
            return url
        if _HASHED.search(url):
            return f"{self.base}/build{url}"
        path, mark, fragment = url.partition("#")
        slash = "" if path.endswith("/") or "." in path.rsplit("/", 1)[-1] else "/"
        return f"{self.base}{path}{slash}{mark}{fragment}"


def page_html(site: Site, slug: str, page: Json, config: Json, fetch: Callable[[str], str]) -> str:
    """Return the whole page; raises ValueError when the engine's tree is of another version."""
    if page.get("version") != AST_VERSION:
        raise ValueError(f"page {slug}: tree version {page.get('version')}, this theme reads {AST_VERSION}")
    renderer = Renderer(page, site.address, fetch)
    body = renderer.render(page["mdast"])
    project, front = config["projects"][0], page["frontmatter"]
    contents = _contents(site, project, slug)
    previous, following = _neighbours(contents)
    lesson = site.facts["lessons"].get(slug.replace(".", "/"))
    return site.template.render(
        base=site.base,
        book_title=project["title"],
        campus_url=site.facts["campus_url"],
        title=front["title"],
        description=front.get("description") or project.get("description") or front["title"],
        is_home=slug == project["index"],
        body=Markup(body),
        has_math='class="katex' in body,
        contents=contents,
        previous=previous,
        next=following,
        lesson=_with_links(site, lesson) if lesson else None,
        topic=slug.replace(".", "/").split("/")[0] if lesson else None,
        references=_references(page, renderer),
        footnotes=[{"identifier": k, "html": Markup(v)} for k, v in renderer.footnotes.items()],
    )


def _contents(site: Site, project: Json, slug: str) -> list[Json]:
    """Return sections with their pages; an entry without a page of its own begins a section."""
    sections: list[Json] = [{"title": "", "pages": []}]
    home = {"slug": project["index"], "title": "Home", "level": 1}
    for entry in (home, *project["pages"]):
        if not entry.get("slug"):
            sections.append({"title": entry["title"], "pages": []})
            continue
        if entry.get("level", 1) == 1 and sections[-1]["title"]:
            sections.append({"title": "", "pages": []})
        path = "/" if entry is home else "/" + entry["slug"].replace(".", "/")
        title = entry.get("short_title") or entry["title"]
        link = {"href": site.address(path), "title": title, "current": entry["slug"] == slug}
        sections[-1]["pages"].append(link)
    return [section for section in sections if section["pages"]]


def _neighbours(contents: list[Json]) -> tuple[Json | None, Json | None]:
    pages = [page for section in contents for page in section["pages"]]
    here = next((index for index, page in enumerate(pages) if page["current"]), None)
    if here is None:
        return None, None
    return (pages[here - 1] if here else None), (pages[here + 1] if here + 1 < len(pages) else None)


def _with_links(site: Site, lesson: Json) -> Json:
    needs = [
        {"text": need["text"], "href": site.address(f"/{need['lesson']}") if need["lesson"] else None}
        for need in lesson["prerequisites"]
    ]
    return lesson | {"prerequisites": needs}


def _references(page: Json, renderer: Renderer) -> list[Json]:
    known = page.get("references", {}).get("cite", {}).get("data", {})
    return [
        {"label": label, "html": Markup(sanitise(known[label]["html"]))}
        for label in dict.fromkeys(renderer.cited)
        if label in known
    ]
