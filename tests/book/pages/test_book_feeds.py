"""What time it is: pages, calendars and the feed."""

from __future__ import annotations

import datetime as dt
import xml.etree.ElementTree as ET
from zoneinfo import ZoneInfo

import pytest
import yaml
from campus_tree import write
from hypothesis import assume, given
from hypothesis import strategies as st
from outreach_tree import BOOK, EVENT, TODAY, change, own_book, parsed
from tpc_book.data import feeds
from tpc_book.data.events import Event, in_utc
from tpc_book.data.markdown import when
from tpc_book.data.outreach import load_outreach
from tpc_book.data.people import Directory
from tpc_book.pages import generated
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import load_courses


@pytest.fixture
def data(tree: Places) -> Places:
    """A tree with a book and data files of its own."""
    own_book(tree)
    return tree


ATOM = "{http://www.w3.org/2005/Atom}"
ZONES = st.sampled_from(["Europe/Berlin", "America/Chicago", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"])
MOMENTS = st.datetimes(dt.datetime(2024, 1, 1), dt.datetime(2030, 1, 1)).map(
    lambda m: m.replace(second=0, microsecond=0)
)


def event(**changes: object) -> Event:
    shared = yaml.load(EVENT, yaml.BaseLoader)["night-talk"]
    return Event.model_validate({"id": "night-talk", **shared, **changes})


@given(ZONES, MOMENTS, st.integers(1, 5000))
def test_a_calendar_names_the_moment_that_the_clock_at_the_place_shows(zone, start, minutes):
    end = start + dt.timedelta(minutes=minutes)
    for moment in (start, end):
        local = moment.replace(tzinfo=ZoneInfo(zone))
        assume(local.utcoffset() == local.replace(fold=1).utcoffset())
    one = event(time_zone=zone, start=start, end=end)
    [entry] = parsed(feeds.events_calendar([one], Directory({}, TODAY), BOOK))
    assert entry.start == start.replace(tzinfo=ZoneInfo(zone))
    assert entry.end == end.replace(tzinfo=ZoneInfo(zone))
    assert entry.start.utcoffset() == dt.timedelta(0)


def test_whole_days_end_after_the_last_one():
    one = event(start="2025-07-28", end="2025-07-31", time_zone="America/Los_Angeles")
    [entry] = parsed(feeds.events_calendar([one], Directory({}, TODAY), BOOK))
    assert (entry.start, entry.end) == (dt.date(2025, 7, 28), dt.date(2025, 8, 1))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "Thursday 21 January 2027, 15:00 to 16:30 Europe/Berlin (14:00 to 15:30 UTC)"),
        ({"time_zone": "UTC"}, "Thursday 21 January 2027, 15:00 to 16:30 UTC"),
        (
            {"time_zone": "Asia/Tokyo", "start": "2027-01-21T08:00", "end": "2027-01-21T10:00"},
            "Thursday 21 January 2027, 08:00 to 10:00 Asia/Tokyo (23:00 to 01:00 UTC on 20 January)",
        ),
        (
            {"start": "2027-07-05T09:00", "end": "2027-07-07T17:00"},
            "Monday 5 July 2027 09:00 to Wednesday 7 July 2027 17:00, Europe/Berlin (begins 5 July 07:00 UTC)",
        ),
        ({"start": "2027-07-05", "end": "2027-07-06"}, "5 and 6 July 2027, Europe/Berlin"),
        ({"start": "2027-06-30", "end": "2027-07-02"}, "30 June to 2 July 2027, Europe/Berlin"),
        ({"start": "2026-12-31", "end": "2027-01-02"}, "31 December 2026 to 2 January 2027, Europe/Berlin"),
        ({"start": "2027-07-05", "end": "2027-07-05"}, "Monday 5 July 2027, Europe/Berlin"),
    ],
)
def test_pages_say_local_time_zone_and_utc(changes, expected):
    assert when(event(**changes)) == expected


def test_past_and_coming_change_with_the_day(data):
    courses = load_courses(data)
    day_before = generated.pages(data, courses, dt.date(2027, 1, 20))
    day_after = generated.pages(data, courses, dt.date(2027, 1, 22))
    assert "A talk at night" in day_before["parts/next-event"]
    assert "A school of two days" in day_after["parts/next-event"]
    assert day_after["calendar"].index("## Past") < day_after["calendar"].index("A talk at night")
    over = generated.pages(data, courses, dt.date(2027, 8, 1))
    assert "says what comes next" in over["parts/next-event"]
    assert "Past editions" in over["summer-school"]
    assert over["summer-school/2027"] == day_after["summer-school/2027"]


def test_a_cancelled_event_says_so_and_is_not_next(data):
    change(data, "data/events.yml", "example: true", "example: true\n  cancelled: true")
    pages = generated.pages(data, load_courses(data), TODAY)
    assert "**Cancelled.**" in pages["calendar"]
    assert "A school of two days" in pages["parts/next-event"]
    entries = parsed(generated.files(data, BOOK, TODAY)["events.ics"])
    assert [str(entry["STATUS"]) for entry in entries] == ["CANCELLED", "CONFIRMED"]


def test_what_has_closed_is_no_longer_listed(data):
    shared = "\n  summary: Some words here.\n  updated: 2026-11-20\n  example: true\n"
    write(
        data.book / "data/opportunities.yml",
        "visit-us:\n  kind: visit\n  title: Visit us\n  place: Here\n"
        f"  closes: 2026-11-24\n  url: https://example.org/{shared}",
    )
    write(
        data.book / "data/projects.yml",
        "join-us:\n  title: Join us\n  seeks: People who count.\n"
        f"  offers: Things to count.\n  until: 2026-11-24\n  contact: mailto:a@example.org{shared}",
    )
    today = generated.pages(data, load_courses(data), TODAY)
    tomorrow = generated.pages(data, load_courses(data), TODAY + dt.timedelta(days=1))
    assert "Visit us" in today["opportunities"]
    assert "Join us" in today["projects"]
    assert "Visit us" not in tomorrow["opportunities"]
    assert "Join us" not in tomorrow["projects"]
    feed = [generated.files(data, BOOK, TODAY + dt.timedelta(days=days))["feed.xml"] for days in (0, 1)]
    assert ["Visit us" in text and "Join us" in text for text in feed] == [True, False]


def test_calendars_of_the_repository_parse(repository):
    outreach = load_outreach(repository)
    files = generated.files(repository, BOOK, TODAY)
    entries = parsed(files["events.ics"])
    assert len(entries) == len(outreach.events) + len(outreach.schools)
    assert "X-WR-CALNAME:Summer school 2026\\, the pilot" in files["summer-school-2026.ics"]
    sessions = sum(len(day.sessions) for day in outreach.schools["summer-school-2027"].days)
    assert len(parsed(files["summer-school-2027.ics"])) == sessions
    for name in (name for name in files if name.endswith(".ics")):
        text = files[name]
        assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
        assert "\n" not in text.replace("\r\n", "")
        uids = [str(entry["UID"]) for entry in parsed(text)]
        assert len(set(uids)) == len(uids)
        assert all(entry["DTSTAMP"] and entry["SUMMARY"] for entry in parsed(text))
    assert generated.files(repository, BOOK, TODAY) == files


@given(st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), min_size=10, max_size=400))
def test_any_text_survives_the_calendar(text):
    assume(len(" ".join(text.split())) >= 10)
    one = event(summary=text, speakers=[])
    calendar = feeds.events_calendar([one], Directory({}, TODAY), BOOK)
    [entry] = parsed(calendar)
    assert str(entry["DESCRIPTION"]).split("\n")[0] == one.summary
    assert all(len(line.encode()) <= 75 for line in calendar.split("\r\n"))


def test_the_feed_is_atom(repository):
    feed = ET.fromstring(generated.files(repository, BOOK, TODAY)["feed.xml"].encode())
    outreach = load_outreach(repository)
    assert feed.tag == f"{ATOM}feed"
    links = {link.get("rel"): link.get("href") for link in feed.findall(f"{ATOM}link")}
    assert links == {"self": f"{BOOK}/feed.xml", "alternate": f"{BOOK}/calendar/"}
    entries = feed.findall(f"{ATOM}entry")
    # RFC 4287, 4.1.1 and 4.1.2: what a feed and an entry must have; an author of the feed counts for its entries.
    for element in (feed, *entries):
        for tag in ("id", "title", "updated"):
            assert len(element.findall(f"{ATOM}{tag}")) == 1
            assert element.findtext(f"{ATOM}{tag}")
        dt.datetime.fromisoformat(element.findtext(f"{ATOM}updated"))
    assert feed.findtext(f"{ATOM}author/{ATOM}name")
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert len(set(ids)) == len(ids)
    assert all(entry.find(f"{ATOM}link").get("href").startswith(f"{BOOK}/") for entry in entries)
    updated = [entry.findtext(f"{ATOM}updated") for entry in entries]
    assert updated == sorted(updated, reverse=True)
    assert feed.findtext(f"{ATOM}updated") == updated[0]
    named = sum(
        map(
            len,
            (outreach.events, outreach.papers, outreach.projects, outreach.opportunities, outreach.schools),
        )
    )
    assert len(entries) == named


def test_markup_in_data_stays_text_in_the_feed(data):
    change(data, "data/events.yml", "A talk at night", "'<script>alert(1)</script> & more'")
    feed = ET.fromstring(generated.files(data, BOOK, TODAY)["feed.xml"])
    titles = [entry.findtext(f"{ATOM}title") for entry in feed.findall(f"{ATOM}entry")]
    assert "<script>alert(1)</script> & more (example)" in titles


def test_times_that_yaml_would_read_as_numbers_stay_times(data):
    change(data, "data/schools/2027.yml", '"09:30", end: "11:00"', "10:30, end: 11:00")
    [first, second] = parsed(generated.files(data, BOOK, TODAY)["summer-school-2027.ics"])
    assert second.start == in_utc(dt.datetime(2027, 7, 5, 10, 30), ZoneInfo("Europe/Berlin"))
    assert first.start < second.start
