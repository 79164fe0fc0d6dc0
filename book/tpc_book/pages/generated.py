"""Everything in the book that is made from data: pages, pieces of pages, calendars and the news feed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from itertools import chain

from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import Course

from tpc_book.data.bibliography import read_bibliography
from tpc_book.data.events import Entry
from tpc_book.data.feeds import events_calendar, news_feed, school_calendar
from tpc_book.data.outreach import Outreach, load_outreach
from tpc_book.data.people import Directory
from tpc_book.data.sources import days
from tpc_book.lessons.showcase import showcases
from tpc_book.pages import community, learning, programme
from tpc_book.pages.pathways import read_catalogue

# The contents of the book beside the courses: a heading, and pages by name in reading order.
CONTENTS = {
    "Start": ("pathways", "about", "how-it-works"),
    "Community": (
        "summer-school",
        "calendar",
        "groups",
        "projects",
        "opportunities",
        "papers",
        "people",
    ),
    "Reference": ("teach", "glossary", "bibliography", "responsible-ai", "accessibility", "contract", "runs"),
}

# The pages of `pages` that are always there, whatever the data say.
MADE = (
    *("pathways", "glossary", "bibliography", "summer-school", "calendar"),
    *("groups", "papers", "projects", "opportunities", "people"),
)


def pages(places: Places, courses: Sequence[Course], today: dt.date | None = None) -> dict[str, str]:
    """Return page name -> MyST Markdown; raises SourceError when a data file is wrong.

    Names under `parts/` are pieces that other pages include.
    """
    today, newest_day = days(today)
    outreach = load_outreach(places)
    directory = Directory(outreach.people, newest_day)
    catalogue = read_catalogue(places, courses)
    works = read_bibliography(places)
    return {
        "parts/next-event": community.next_event(outreach, today),
        "parts/courses": learning.courses(courses, catalogue, showcases(places, courses)),
        "parts/cite": learning.how_to_cite(places),
        **{f"courses/{course.id}": learning.course(course, catalogue) for course in courses},
        "pathways": learning.pathways(outreach, catalogue, page_names(places)),
        "glossary": learning.glossary(outreach, places, catalogue),
        "bibliography": learning.bibliography(outreach, places, catalogue, works),
        **programme.schools(outreach, directory, catalogue.lessons, today),
        "calendar": community.calendar(outreach, directory, catalogue.lessons, today),
        "groups": community.groups(outreach, directory, catalogue.lessons),
        "papers": community.papers(outreach),
        "projects": community.projects(outreach, today),
        "opportunities": community.opportunities(outreach, today),
        "people": community.people(outreach, directory),
    }


def page_names(places: Places) -> set[str]:
    """Return the names of all pages that stand in the contents, made or written by hand."""
    written = {path.stem for path in (places.book / "content").glob("*.md")}
    return written | {*MADE}


def files(places: Places, book_url: str, today: dt.date | None = None) -> dict[str, str]:
    """Return file name -> text of the calendars and the feed, which keep these addresses."""
    outreach = load_outreach(places)
    today, newest_day = days(today)
    directory = Directory(outreach.people, newest_day)
    book_url = book_url.rstrip("/")
    events = [*outreach.events.values(), *(school.as_event for school in outreach.schools.values())]
    calendars = {
        f"{school.id}.ics": school_calendar(school, directory, book_url)
        for school in outreach.schools.values()
    }
    return {
        "events.ics": events_calendar(events, directory, book_url),
        "feed.xml": news_feed(_news(outreach, today), book_url),
        **calendars,
    }


def contents(names: Sequence[str]) -> list[dict[str, object]]:
    """Return the table of contents of pages that exist, in the engine's form; what no heading names stands last."""
    placed = {"index", *(name for group in CONTENTS.values() for name in group)}
    entries: list[dict[str, object]] = []
    for heading, group in CONTENTS.items():
        children = [_entry(name, names) for name in group if name in names]
        if children:
            entries.append({"title": heading, "children": children})
    strangers = [name for name in names if name not in placed and "/" not in name]
    entries += [{"file": f"{name}.md"} for name in sorted(strangers)]
    return entries


def _entry(name: str, names: Sequence[str]) -> dict[str, object]:
    below = sorted((other for other in names if other.startswith(f"{name}/")), reverse=True)
    entry: dict[str, object] = {"file": f"{name}.md"}
    return entry | ({"children": [{"file": f"{other}.md"} for other in below]} if below else {})


def _news(outreach: Outreach, today: dt.date) -> list[Entry]:
    """Return what the pages list, so that each link of the feed leads to something."""
    groups: tuple[Iterable[Entry], ...] = (
        outreach.events.values(),
        outreach.papers.values(),
        outreach.schools.values(),
        (project for project in outreach.projects.values() if project.until >= today),
        (one for one in outreach.opportunities.values() if one.closes >= today),
    )
    return [*chain.from_iterable(groups)]
