"""A book page around its content: head, contents, outline, actions of a lesson, previous and next."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tpc_book.base.cache import Kept, digest
from tpc_book.base.links import Links
from tpc_book.base.words import FOR_SCRIPT, own_name, words
from tpc_book.render import nodes, widgets
from tpc_book.render.content import Content, PublicFiles
from tpc_book.render.render import Node, Renderer, text_of, titled, visibility

# The page of a target that this one shows in a card; what a link to a page shows, its title, stands in the tree.
NAMED_PAGE = re.compile(r'"remote":true,"url":"(/[^"#]*)')
DESCRIPTION_LENGTH = 160
# What pages may have beside their text; the page for wrong addresses has none of it.
OF_SOME = (
    *("alternates", "feeds", "social", "math", "figures", "hide_contents", "trail", "lesson", "body", "foot"),
    *("forms", "run", "previous", "next", "outline", "cards", "state", "live", "lost", "title_id", "authors"),
)


@dataclass(frozen=True)
class Edition:
    """One way to write the book out: where it will stand, and what is known about its lessons.

    `lessons` is what `tpc_book.lessons.lessons.about` says of each; `book_url` and `campus_url` are absolute and may be
    empty. `forms` are the files that a page offers to take along. Pages that did not change are taken from `kept`, and
    diagrams from `drawings`.
    """

    content: Content
    theme: Path
    lessons: Mapping[str, Node] = field(default_factory=dict)
    book_url: str = ""
    campus_url: str = ""
    index_files: bool = False
    live: str = ""
    forms: Mapping[str, Sequence[str]] = field(default_factory=dict)
    kept: Kept | None = None
    drawings: Kept | None = None


def kept_page_html(edition: Edition, slug: str) -> str:
    """Return `page_html`, made only when something that the page depends on has changed."""
    if edition.kept is None:
        return page_html(edition, slug)
    return edition.kept.text(lambda: page_html(edition, slug), "page", *depends(edition, slug))


def depends(edition: Edition, slug: str) -> tuple[object, ...]:
    """Return all that a page is made of, beside the programs: its tree and those of pages that it names, the contents.

    Cards show parts of other pages, but only of those to which the page links. Files that the engine put aside have
    names that come from what is in them.
    """
    content = edition.content
    own = content.path(slug).read_text(encoding="utf-8")
    named = {path.strip("/").replace("/", ".") for path in NAMED_PAGE.findall(own)}
    others = [content.path(name) for name in sorted(named)]
    lesson = edition.lessons.get(lesson_slug(content.page(slug)))
    standing = (edition.book_url, edition.campus_url, edition.index_files, edition.live)
    trees = [digest(path.read_bytes()) if path.exists() else "" for path in others]
    contents = (content.entries[0], content.project)
    return (slug, own, trees, contents, lesson, standing, edition.forms.get(slug), content.has_feed)


def page_html(edition: Edition, slug: str) -> str:
    """Return the whole page `slug`; raises NodeError, and KeyError for no page."""
    content = edition.content
    page = content.page(slug)
    front = page["frontmatter"]
    options = front.get("site") or {}
    language = str(options.get("language") or "en")
    said = words(edition.theme, language)
    links = Links(slug, edition.index_files)
    lesson = edition.lessons.get(lesson_slug(page), {})
    renderer = Renderer(
        {**page, **_lesson_files(edition, page, lesson)}, links, said, content, edition.drawings
    )
    title = str(front.get("title") or slug or content.project["title"])
    tree, title_id = titled(page["mdast"], title)
    body = renderer.render(tree)
    before, after = neighbours(content, slug, links)
    numbered = front.get("enumerator") or ""
    return _framed(
        edition,
        links,
        said,
        slug,
        language=language,
        title=title,
        heading=Markup(f"{escape(str(numbered))} {escape(title)}".strip()),
        title_id=title_id,
        authors=authors_of(front),
        description=description(front, page["mdast"], content.project),
        alternates=alternates(options, language, slug, edition),
        feeds=[links.file("feed.xml")] if content.has_feed else [],
        social=social(edition, slug, title, front),
        math=renderer.has_math,
        figures=bool(renderer.models),
        hide_contents=bool(options.get("hide_toc")),
        trail=trail(content, slug, links),
        lesson=Markup(lesson_head(edition, lesson, links, said)),
        body=Markup(body),
        foot=Markup(nodes.references.foot(renderer)),
        forms=[
            (said.get(f"form_{(kind := Path(name).suffix[1:])}", kind.upper()), links.file(name))
            for name in edition.forms.get(slug, ())
        ],
        run=Markup(last_run(edition, lesson, links, said)),
        previous=before,
        next=after,
        outline=[{**item, "html": Markup(item["html"])} for item in renderer.outline]
        if len(renderer.outline) > 1 and not options.get("hide_outline")
        else [],
        cards=[(key, Markup(text)) for key, text in renderer.cards.items()],
        state=Markup(widgets.foot(renderer)),
        live=edition.live,
    )


def not_found_html(edition: Edition) -> str:
    """Return the page for addresses that lead nowhere; its links begin at the top of the book where that is known."""
    said = words(edition.theme, "en")
    links = Links("", edition.index_files, f"{urlsplit(edition.book_url).path}/" if edition.book_url else "")
    told = {"title": said["not_found"], "heading": said["not_found"], "description": said["not_found_text"]}
    return _framed(edition, links, said, "404", **told, lost=True)


def _framed(edition: Edition, links: Links, said: Mapping[str, str], slug: str, **facts: Any) -> str:
    """Return a page of the book around what is its own."""
    return (
        templates(edition.theme)
        .get_template("page.html")
        .render(
            t=said,
            book_title=edition.content.project["title"],
            asset=links.file,
            page=links.page,
            root=links.root,
            campus_url=edition.campus_url,
            index_files=edition.index_files,
            entries=_nested(edition.content.entries),
            slug=slug,
            script_strings=Markup(widgets.script_json({key: said[key] for key in FOR_SCRIPT})),
            **{**dict.fromkeys(OF_SOME, ""), "language": "en", **facts},
        )
    )


def _nested(entries: Sequence[Node]) -> list[Node]:
    """Return the table of contents as a tree."""
    made: list[Node] = []
    above = [(0, made)]
    for entry in entries:
        level = int(entry.get("level", 1))
        while above[-1][0] >= level:
            above.pop()
        found = {"short_title": "", **entry, "children": list[Node]()}
        above[-1][1].append(found)
        above.append((level, found["children"]))
    return made


@functools.cache
def templates(theme: Path) -> Environment:
    return Environment(
        loader=FileSystemLoader(theme / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=False,
    )


def lesson_slug(page: Node) -> str:
    """Return `topic/name` when a page is a lesson, else an empty text."""
    parts = Path(str(page.get("location") or "")).with_suffix("").parts
    return "/".join(parts[-2:]) if "lessons" in parts[:2] else ""


def _lesson_files(edition: Edition, page: Node, lesson: Node) -> Node:
    """Return what nodes may ask of the page: where its lesson opens, and the texts that the engine keeps in files."""
    files = PublicFiles(edition.content.folder / "public")
    return {"open_url": lesson.get("open_url", ""), "files": files, "code": lesson.get("code") or {}}


def description(front: Node, tree: Node, project: Node) -> str:
    """Return what search engines show: the description, or how the text begins."""
    first = next(
        (node for node in _blocks(tree) if node["type"] == "paragraph" and text_of(node).strip()), None
    )
    beginning = " ".join(text_of(first).split()) if first else ""
    return str(front.get("description") or beginning[:DESCRIPTION_LENGTH] or project.get("description") or "")


def authors_of(front: Node) -> list[tuple[str, str, str]]:
    """Return name, affiliations and address of each author of a page; the address may be empty."""
    known = {
        str(one.get("id")): str(one.get("name") or one.get("id")) for one in front.get("affiliations") or []
    }
    found = []
    for author in front.get("authors") or []:
        places = [known.get(str(key), str(key)) for key in author.get("affiliations") or []]
        address = (
            f"https://orcid.org/{author['orcid']}" if author.get("orcid") else str(author.get("url") or "")
        )
        safe = address if address.startswith(("https://", "http://")) else ""
        found.append((str(author.get("name") or ""), ", ".join(places), safe))
    return [one for one in found if one[0]]


def _blocks(tree: Node) -> list[Node]:
    shown = [block for block in tree.get("children") or [] if visibility(block) == "show"]
    return [node for block in shown for node in [block, *(block.get("children") or [])]]


def alternates(options: Node, language: str, slug: str, edition: Edition) -> list[Node]:
    """Return the page in each language, this one too; hreflang needs absolute addresses where one is known."""
    given = dict(pair.split("=", 1) for pair in str(options.get("alternates") or "").split())
    if not given:
        return []
    index = edition.content.project["index"]
    pages = {language: slug} | {tag: "" if name == index else name for tag, name in given.items()}
    found = [
        {
            "language": tag,
            "url": Links(slug, edition.index_files).page(other),
            "name": own_name(tag),
        }
        for tag, other in sorted(pages.items())
    ]
    if edition.book_url:
        for item, other in zip(found, [pages[tag] for tag in sorted(pages)], strict=True):
            item["url"] = f"{edition.book_url}/{other.replace('.', '/')}/".replace("//", "/").replace(
                ":/", "://"
            )
    return found


def social(edition: Edition, slug: str, title: str, front: Node) -> list[tuple[str, str]]:
    """Return what other sites show of a link to this page; the card is drawn after the pages."""
    if not edition.book_url:
        return []
    address = f"{edition.book_url}/{slug.replace('.', '/')}/" if slug else f"{edition.book_url}/"
    return [
        ("title", title),
        ("type", "article"),
        ("url", address),
        ("description", str(front.get("description") or "")),
        ("image", f"{edition.book_url}/cards/{slug or 'index'}.png"),
        ("image:alt", title),
        ("site_name", str(edition.content.project["title"])),
    ]


def trail(content: Content, slug: str, links: Links) -> list[tuple[str, str]]:
    """Return the headings and pages above a page, as name and address (empty for a heading)."""
    above: dict[int, tuple[str, str]] = {}
    for entry in content.entries:
        level = int(entry.get("level", 1))
        if entry.get("slug") == slug:
            return [above[key] for key in sorted(above) if key < level] if slug else []
        above = {key: value for key, value in above.items() if key < level}
        above[level] = (entry["title"], links.page(entry["slug"]) if "slug" in entry else "")
    return []


def neighbours(content: Content, slug: str, links: Links) -> tuple[Node | None, Node | None]:
    """Return the page before and the page after, with title and address."""
    pages: Sequence[Node] = [entry for entry in content.entries if "slug" in entry]
    index = next((i for i, entry in enumerate(pages) if entry["slug"] == slug), None)

    def side(i: int) -> Node | None:
        inside = index is not None and 0 <= i < len(pages)
        return {"title": pages[i]["title"], "url": links.page(pages[i]["slug"])} if inside else None

    return (side(index - 1), side(index + 1)) if index is not None else (None, None)


def lesson_head(edition: Edition, lesson: Node, links: Links, said: Mapping[str, str]) -> str:
    """Return what stands above a lesson: what it gives and what to do with it; empty for other pages."""
    if not lesson:
        return ""
    notices = {
        "failed": said["run_failed"].format(date=lesson["record"].get("date", "")),
        "stale": said["run_stale"],
    }
    return (
        templates(edition.theme)
        .get_template("lesson.html")
        .render(
            t=said,
            lesson=lesson,
            open_url=lesson["open_url"],
            try_url=links.file(lesson["try"]) if lesson.get("try") else "",
            notebook_url=links.file(f"downloads/{lesson['slug']}.ipynb"),
            bibtex=lesson["bibtex"],
            notice=notices.get(lesson["state"], ""),
        )
    )


def last_run(edition: Edition, lesson: Node, links: Links, said: Mapping[str, str]) -> str:
    """Return the line about the last run: time, memory, versions, and the way to all of them."""
    if not lesson:
        return ""
    record: dict[str, Any] = lesson["record"]
    if record.get("peak_memory_mib") is None:
        line = said["run_none"]
    else:
        numbers = ", ".join(f"{name} {number}" for name, number in record["versions"].items())
        line = said["run_ok"].format(
            date=record["date"],
            seconds=f"{record['seconds']:g}",
            memory=record["peak_memory_mib"],
            versions=numbers,
        )
    all_runs = links.page("runs") if "runs" in set(edition.content.slugs()) else ""
    return templates(edition.theme).get_template("run.html").render(line=line, all_runs=all_runs, t=said)
