"""Pages about people meeting: calendar, groups, projects, opportunities, papers, people."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from tpc_courses.lesson import Lesson

from tpc_book.events import Dated, Entry, Event
from tpc_book.feeds import address_of
from tpc_book.markdown import bullets, day, link, materials, page, plain, when
from tpc_book.outreach import Opportunity, Outreach, Project
from tpc_book.people import Directory

Lessons = Mapping[str, Lesson]
EXAMPLE = "*Example, made up to show how this page works.*"
NOTHING = "Nothing is announced at the moment."


def calendar(outreach: Outreach, directory: Directory, lessons: Lessons, today: dt.date) -> str:
    """Return all events, those to come by date and those past the other way round."""
    events = _dated(outreach)
    coming = [event for event in events if _is_coming(event, today)]
    past = [event for event in reversed(events) if not _is_coming(event, today)]
    body = [
        "When does the next thing happen, and what time is that where you are? Times are local to the place; "
        "UTC stands beside them.",
        "Add [the calendar](/events.ics) to yours and it shows your own time. "
        "[The feed](/feed.xml) brings news to a reader.",
        "## Coming",
        *(_event(event, directory, lessons) for event in coming),
        "" if coming else NOTHING,
        "## Past" if past else "",
        *(_event(event, directory, lessons) for event in past),
    ]
    return page(
        "Calendar", "Seminars, hackathons and schools, with time zones; as a calendar file and a feed.", body
    )


def next_event(outreach: Outreach, today: dt.date) -> str:
    """Return a line about the next event that is not cancelled, for the home page."""
    for event in _dated(outreach):
        if _is_coming(event, today) and not (isinstance(event, Event) and event.cancelled):
            mark = " (example)" if event.example else ""
            name, _, anchor = address_of(event).partition("/#")
            address = f"/{name.rstrip('/')}.md" + (f"#{anchor}" if anchor else "")
            told = f"**Next:** {link(event.title, address)}{mark}, {when(event)}, {plain(event.place)}."
            break
    else:
        told = "The [calendar](/calendar.md) says what comes next."
    return f":::{{div}}\n:class: next-event\n\n{told}\n:::\n"


def _dated(outreach: Outreach) -> list[Dated]:
    """Return events and schools by date."""
    found = [*outreach.events.values(), *(school.as_event for school in outreach.schools.values())]
    return sorted(found, key=lambda event: (event.begins, event.id))


def _is_coming(event: Dated, today: dt.date) -> bool:
    return event.ends > dt.datetime.combine(today, dt.time(), dt.UTC)


def _event(event: Dated, directory: Directory, lessons: Lessons) -> str:
    facts = [f"When: {when(event)}", f"Where: {plain(event.place)}"]
    if isinstance(event, Event):
        people = ", ".join(map(plain, directory.names(event.speakers)))
        found = materials(event.materials, lessons)
        facts += [f"With: {people}" if people else "", f"Materials: {found}" if found else ""]
        facts += [link("How to take part", event.join) if event.join else ""]
        kind: str = event.kind
    else:
        facts += [link("Programme", f"/summer-school/{event.id.rsplit('-', 1)[1]}.md")]
        kind = "summer school"
    cancelled = "**Cancelled.** " if isinstance(event, Event) and event.cancelled else ""
    title = event.title if kind in event.title.lower() else f"{event.title} ({kind})"
    return _block(event, title, [f"{cancelled}{plain(event.summary)}", bullets(facts)], depth=3)


def groups(outreach: Outreach, directory: Directory, lessons: Lessons) -> str:
    """Return the working groups and how to join each."""
    body = [
        "Which question would you like to work on with others? A working group takes one, meets often, and "
        "publishes what it finds. Joining costs nothing and commits you to nothing.",
        "The consortium's own groups are listed at [tpc.dev](https://tpc.dev).",
    ]
    for group in outreach.groups.values():
        leads = ", ".join(map(plain, directory.names(group.leads)))
        found = materials(group.materials, lessons)
        facts = [
            f"Meets: {plain(group.meets)}",
            f"Led by: {leads}" if leads else "",
            f"Materials: {found}" if found else "",
            link("Ask the group", group.contact),
        ]
        steps = "\n".join(f"{number}. {plain(step)}" for number, step in enumerate(group.join, start=1))
        body.append(
            _block(group, group.title, [plain(group.summary), bullets(facts), f"How to join:\n\n{steps}"])
        )
    return page("Working groups", "What they work on, when they meet and how to join.", body or [NOTHING])


def papers(outreach: Outreach) -> str:
    """Return white papers and reports, the newest first."""
    body = [
        "What has been written down for others to build on? White papers say what a group would do and why; "
        "reports say what came out of a meeting. Authors are organisations and groups.",
    ]
    newest = sorted(outreach.papers.values(), key=lambda paper: (paper.year, paper.id), reverse=True)
    for paper in newest:
        facts = [
            f"{paper.kind.capitalize()} by {plain(paper.by)}, {paper.year}",
            link("Read it", paper.url) if paper.url else "",
            f"From the group {link(outreach.groups[paper.group].title, f'/groups.md#groups-{paper.group}')}"
            if paper.group in outreach.groups
            else "",
        ]
        body.append(_block(paper, paper.title, [plain(paper.summary), bullets(facts)]))
    return page("White papers and reports", "What has been written down for others to build on.", body)


def projects(outreach: Outreach, today: dt.date) -> str:
    """Return the projects that look for partners, by title."""
    still = [project for project in outreach.projects.values() if project.until >= today]
    body = [
        "Who has the data, the model or the machine that your question needs? These projects look for partners. "
        "They are listed by title; the order is no judgement, and the consortium does not rank projects.",
        *(_project(project) for project in sorted(still, key=lambda project: project.title.casefold())),
        "" if still else NOTHING,
    ]
    return page("Projects looking for partners", "What they seek, what they offer and whom to ask.", body)


def _project(project: Project) -> str:
    facts = [
        f"Seeks: {plain(project.seeks)}",
        f"Offers: {plain(project.offers)}",
        f"Until: {day(project.until)}",
        link("Write to the project", project.contact),
    ]
    return _block(project, project.title, [plain(project.summary), bullets(facts)])


def opportunities(outreach: Outreach, today: dt.date) -> str:
    """Return visits and posts that are still open, by the day they close; closed ones are left out."""
    still = [one for one in outreach.opportunities.values() if one.closes >= today]
    body = [
        "Where could you go next? Visits and posts, by the day on which they close. "
        "A day counts until it is over everywhere on Earth.",
        *(_opportunity(one) for one in sorted(still, key=lambda one: (one.closes, one.title))),
        "" if still else NOTHING,
    ]
    return page("Opportunities", "Visits, post-docs and other posts that are open now.", body)


def _opportunity(one: Opportunity) -> str:
    facts = [
        f"{one.kind.capitalize()} at {plain(one.place)}",
        f"Closes: {day(one.closes)}",
        link("Apply", one.url),
    ]
    return _block(one, one.title, [plain(one.summary), bullets(facts)])


def people(outreach: Outreach, directory: Directory) -> str:
    """Return those who agreed to be listed, by name, with where they can be met."""
    met = defaultdict(list)
    for where, keys in _appearances(outreach, directory.people):
        for key in keys:
            met[key].append(where)
    body = [
        "Who is behind this, and whom can you ask? Only people who agreed appear here, with what they agreed to, "
        "and only as long as they agree.",
    ]
    shown = directory.shown()
    for person in shown:
        facts = [
            plain(person.affiliation) if person.affiliation else "",
            link(f"Page of {person.name}", person.link) if person.link else "",
            f"Meet at: {', '.join(dict.fromkeys(met[person.id]))}" if met[person.id] else "",
        ]
        text = [
            EXAMPLE if person.example else "",
            plain(person.about) if person.about else "",
            bullets(facts),
        ]
        body.append("\n\n".join([f"## {plain(person.name)}", *filter(None, text)]))
    body += [
        "" if shown else "Nobody is listed at the moment.",
        "## Being listed, and being removed",
        "Tell the people who run this campus, in a way that can be kept, what may be shown: name, affiliation, a few "
        "words, a link, and for how long. They write it into one entry of one file. When you ask to be removed, they "
        "delete that entry. With the next build you are gone from this page, the programmes, the calendars and the "
        "feed; where you were named, they say that the speaker is to be announced.",
    ]
    return page("People", "People who agreed to be listed, and how to be removed.", body)


def _appearances(outreach: Outreach, known: Container[str]) -> Iterator[tuple[str, list[str]]]:
    for school in outreach.schools.values():
        keys = [key for one in school.days for session in one.sessions for key in session.speakers]
        yield link(school.title, f"/summer-school/{school.year}.md"), [key for key in keys if key in known]
    for event in outreach.events.values():
        yield link(event.title, f"/calendar.md#calendar-{event.id}"), list(event.speakers)
    for group in outreach.groups.values():
        yield link(group.title, f"/groups.md#groups-{group.id}"), list(group.leads)


def _block(entry: Entry, title: str, blocks: Iterable[str], depth: int = 2) -> str:
    """Return a section about an entry, which can be linked to by its key."""
    anchor = address_of(entry).partition("#")[2]
    stated = [link(f"Source: {urlsplit(entry.source).netloc}", entry.source)] if entry.source else []
    heading = f"{'#' * depth} {plain(title)}"
    head = f"({anchor})=\n{heading}" if anchor else heading
    mark = EXAMPLE if entry.example else ""
    return "\n\n".join(filter(None, [head, mark, *blocks, *stated]))
