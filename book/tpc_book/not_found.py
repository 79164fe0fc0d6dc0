"""The page for addresses that lead nowhere: the book's own frame, with search and contents, at any depth."""

from __future__ import annotations

from html import escape
from urllib.parse import urlsplit

from markupsafe import Markup

from tpc_book import widgets
from tpc_book.links import Links
from tpc_book.page import Edition, contents, templates
from tpc_book.words import FOR_SCRIPT, words


def not_found_html(edition: Edition) -> str:
    """Return the page; its links begin at the top of the book where that address is known."""
    said = words(edition.theme, "en")
    top = f"{urlsplit(edition.book_url).path}/" if edition.book_url else ""
    links = Links("", edition.index_files, top)
    way_back = f'<a href="{escape(links.page(""))}">{escape(said["home"])}</a>'
    return (
        templates(edition.theme)
        .get_template("page.html")
        .render(
            t=said,
            language="en",
            title=said["not_found"],
            heading=said["not_found"],
            title_id=None,
            book_title=edition.content.project["title"],
            description=said["not_found_text"],
            alternates=[],
            feeds=[],
            social=[],
            asset=links.file,
            root=links.root,
            home=links.page(""),
            campus_url=edition.campus_url,
            index_files=edition.index_files,
            math=False,
            figures=False,
            contents=Markup(contents(edition.content, "404", links)),
            trail=[],
            lesson="",
            body=Markup(f"<p>{escape(said['not_found_text'])}</p><p>{way_back}</p>"),
            foot="",
            run="",
            forms=[],
            previous=None,
            next=None,
            outline=[],
            cards="",
            state="",
            script_strings=Markup(widgets.script_json({key: said[key] for key in FOR_SCRIPT})),
            live="",
        )
    )
