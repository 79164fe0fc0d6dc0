"""Files for other programs: calendars (iCalendar, RFC 5545) and news (Atom, RFC 4287).

Times are in UTC, which every calendar shows in its reader's zone, and the description names the local time. Equal
data give equal files: stamps are the dates of change in the data, not the time of the build.
"""

from __future__ import annotations

import datetime as dt
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterable

import icalendar

from tpc_book.data.events import Dated, Entry, Event, School, in_utc
from tpc_book.data.people import Directory

NAMESPACE = uuid.UUID("6f1c7c0e-2f43-4d0b-9a58-4b5b8a3b7f10")
ATOM = "http://www.w3.org/2005/Atom"


def events_calendar(events: Iterable[Dated], directory: Directory, book_url: str) -> str:
    """Return a calendar of events and schools, one entry each."""
    calendar = _calendar("TPC Campus: events")
    for event in sorted(events, key=lambda event: (event.begins, event.id)):
        speakers = directory.names(event.speakers) if isinstance(event, Event) else []
        cancelled = isinstance(event, Event) and event.cancelled
        begin, end = _span(event)
        _add_entry(
            calendar,
            event.id,
            event.updated,
            dtstart=begin,
            dtend=end,
            summary=_titled(event),
            description=_description(event, speakers),
            location=event.place,
            url=f"{book_url}/{address_of(event)}",
            status="CANCELLED" if cancelled else "CONFIRMED",
        )
    return calendar.to_ical().decode()


def school_calendar(school: School, directory: Directory, book_url: str) -> str:
    """Return a calendar with every session of a school."""
    calendar = _calendar(school.title)
    zone = school.as_event.zone
    for day in school.days:
        for session in day.in_order:
            speakers = directory.names(session.speakers)
            local = f"{session.start:%H:%M} to {session.end:%H:%M}, {school.time_zone}"
            _add_entry(
                calendar,
                # A session keeps its entry when its title or speaker changes.
                f"{school.id}/{day.date}/{session.start}/{session.room}",
                school.updated,
                dtstart=in_utc(dt.datetime.combine(day.date, session.start), zone),
                dtend=in_utc(dt.datetime.combine(day.date, session.end), zone),
                summary=session.title,
                description="\n".join([local, *([f"With {', '.join(speakers)}"] if speakers else [])]),
                location=f"{session.room}, {school.place}",
                url=f"{book_url}/{address_of(school)}",
                status="CONFIRMED",
            )
    return calendar.to_ical().decode()


def news_feed(entries: Iterable[Entry], book_url: str) -> str:
    """Return an Atom feed of entries, newest change first; it names no people."""
    newest_first = sorted(entries, key=lambda entry: (entry.updated, entry.id), reverse=True)
    ET.register_namespace("", ATOM)
    feed = ET.Element(f"{{{ATOM}}}feed")
    _add(feed, "title", "TPC Campus: what is new")
    _add(feed, "id", _urn("feed"))
    _add(feed, "updated", _stamp(newest_first[0].updated if newest_first else dt.date(2026, 1, 1)))
    _add(feed, "link", rel="self", type="application/atom+xml", href=f"{book_url}/feed.xml")
    _add(feed, "link", rel="alternate", type="text/html", href=f"{book_url}/calendar/")
    _add(_add(feed, "author"), "name", "TPC Campus")
    for item in newest_first:
        entry = _add(feed, "entry")
        _add(entry, "title", _titled(item))
        _add(entry, "id", _urn(item.id))
        _add(entry, "updated", _stamp(item.updated))
        _add(entry, "link", rel="alternate", type="text/html", href=f"{book_url}/{address_of(item)}")
        _add(entry, "summary", item.summary)
    ET.indent(feed)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(feed, encoding="unicode") + "\n"


def address_of(entry: Entry) -> str:
    """Return the address of an entry's page or section, below that of the book."""
    if isinstance(entry, School) or entry.id.startswith("summer-school-"):
        return f"summer-school/{entry.id.rsplit('-', 1)[1]}/"
    pages = {"Event": "calendar", "Group": "groups", "Paper": "papers", "Project": "projects"}
    name = pages.get(type(entry).__name__, "opportunities")
    return f"{name}/#{name}-{entry.id}"


def _titled(entry: Entry) -> str:
    cancelled = isinstance(entry, Event) and entry.cancelled
    return f"{'Cancelled: ' if cancelled else ''}{entry.title}{' (example)' if entry.example else ''}"


def _description(event: Dated, speakers: list[str]) -> str:
    lines = [event.summary]
    if speakers:
        lines.append(f"With {', '.join(speakers)}")
    if not event.whole_days:
        begin, end = event.begins.astimezone(event.zone), event.ends.astimezone(event.zone)
        lines.append(f"{begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}, {event.time_zone}")
    return "\n".join(lines)


def _span(event: Dated) -> tuple[dt.date, dt.date]:
    if event.whole_days:
        # The end of a calendar entry of whole days is the first day after it.
        return event.start, event.end + dt.timedelta(days=1)
    return event.begins, event.ends


def _calendar(name: str) -> icalendar.Calendar:
    calendar = icalendar.Calendar()
    for field, value in (
        ("version", "2.0"),
        ("prodid", "-//TPC Campus//Book//EN"),
        ("calscale", "GREGORIAN"),
        ("x-wr-calname", icalendar.vText(name)),  # an X- property is not escaped by itself
    ):
        calendar.add(field, value)
    return calendar


def _add_entry(calendar: icalendar.Calendar, key: str, changed: dt.date, **fields: object) -> None:
    entry = icalendar.Event()
    stamp = dt.datetime.combine(changed, dt.time(), dt.UTC)
    entry.add("uid", str(uuid.uuid5(NAMESPACE, key)))
    for name, value in {"dtstamp": stamp, "last-modified": stamp, **fields}.items():
        entry.add(name, value)
    calendar.add_component(entry)


def _urn(key: str) -> str:
    return f"urn:uuid:{uuid.uuid5(NAMESPACE, key)}"


def _stamp(day: dt.date) -> str:
    return f"{day}T00:00:00Z"


def _add(parent: ET.Element, tag: str, text: str = "", **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, f"{{{ATOM}}}{tag}", attributes)
    element.text = text or None
    return element
