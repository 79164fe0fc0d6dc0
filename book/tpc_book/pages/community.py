"""Pages about people meeting: calendar, groups, projects, opportunities, papers, people."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Container, Iterator, Mapping

from tpc_courses.sources.lesson import Lesson

from tpc_book.data.events import Dated, Event
from tpc_book.data.feeds import address_of
from tpc_book.data.markdown import link, rendered
from tpc_book.data.outreach import Outreach
from tpc_book.data.people import Directory

Lessons = Mapping[str, Lesson]


def calendar(outreach: Outreach, directory: Directory, lessons: Lessons, today: dt.date) -> str:
    """Return all events, those to come by date and those past the other way round."""
    events = _dated(outreach)
    coming = [event for event in events if _is_coming(event, today)]
    past = [event for event in reversed(events) if not _is_coming(event, today)]
    return rendered("calendar.md", coming=coming, past=past, directory=directory, lessons=lessons)


def next_event(outreach: Outreach, today: dt.date) -> str:
    """Return a line about the next event that is not cancelled, for the home page."""
    planned = (
        event
        for event in _dated(outreach)
        if _is_coming(event, today) and not (isinstance(event, Event) and event.cancelled)
    )
    if event := next(planned, None):
        name, _, anchor = address_of(event).partition("/#")
        address = f"/{name.rstrip('/')}.md" + (f"#{anchor}" if anchor else "")
        return rendered("next-event.md", event=event, address=address)
    return rendered("next-event.md", event=None)


def _dated(outreach: Outreach) -> list[Dated]:
    """Return events and schools by date."""
    found = [*outreach.events.values(), *(school.as_event for school in outreach.schools.values())]
    return sorted(found, key=lambda event: (event.begins, event.id))


def _is_coming(event: Dated, today: dt.date) -> bool:
    return event.ends > dt.datetime.combine(today, dt.time(), dt.UTC)


def groups(outreach: Outreach, directory: Directory, lessons: Lessons) -> str:
    """Return the working groups and how to join each."""
    return rendered("groups.md", groups=outreach.groups.values(), directory=directory, lessons=lessons)


def papers(outreach: Outreach) -> str:
    """Return white papers and reports, the newest first."""
    newest = sorted(outreach.papers.values(), key=lambda paper: (paper.year, paper.id), reverse=True)
    return rendered("papers.md", papers=newest, groups=outreach.groups)


def projects(outreach: Outreach, today: dt.date) -> str:
    """Return the projects that look for partners, by title."""
    still = [project for project in outreach.projects.values() if project.until >= today]
    return rendered("projects.md", projects=sorted(still, key=lambda project: project.title.casefold()))


def opportunities(outreach: Outreach, today: dt.date) -> str:
    """Return visits and posts that are still open, by the day they close; closed ones are left out."""
    still = [one for one in outreach.opportunities.values() if one.closes >= today]
    return rendered("opportunities.md", opportunities=sorted(still, key=lambda one: (one.closes, one.title)))


def people(outreach: Outreach, directory: Directory) -> str:
    """Return those who agreed to be listed, by name, with where they can be met."""
    met = defaultdict(list)
    for where, keys in _appearances(outreach, directory.people):
        for key in keys:
            met[key].append(where)
    return rendered("people.md", people=directory.shown(), met=met)


def _appearances(outreach: Outreach, known: Container[str]) -> Iterator[tuple[str, list[str]]]:
    for school in outreach.schools.values():
        keys = [key for one in school.days for session in one.sessions for key in session.speakers]
        yield link(school.title, f"/summer-school/{school.year}.md"), [key for key in keys if key in known]
    for event in outreach.events.values():
        yield link(event.title, f"/calendar.md#calendar-{event.id}"), list(event.speakers)
    for group in outreach.groups.values():
        yield link(group.title, f"/groups.md#groups-{group.id}"), list(group.leads)
