"""Local times on the nights when clocks change: both readings are named, and a civil day is a day."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tpc_courses.base.local_time import Unclear, begun_days, days_later, in_zone, iso, local_moment, moment_of

ZONES = (
    "Europe/Berlin",
    "America/Chicago",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Australia/Adelaide",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "America/Santiago",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "UTC",
)
# A local time of a change in 2027, and its two readings; what exists twice reads as itself both times.
CHANGES = [
    ("Europe/Berlin", "2027-03-28T02:30", "2027-03-28T01:30+01:00", "2027-03-28T03:30+02:00"),
    ("Europe/Berlin", "2027-10-31T02:30", "2027-10-31T02:30+02:00", "2027-10-31T02:30+01:00"),
    ("Europe/Berlin", "2027-10-31T02:00", "2027-10-31T02:00+02:00", "2027-10-31T02:00+01:00"),
    ("America/Chicago", "2027-03-14T02:15", "2027-03-14T01:15-06:00", "2027-03-14T03:15-05:00"),
    ("America/Chicago", "2027-11-07T01:59", "2027-11-07T01:59-05:00", "2027-11-07T01:59-06:00"),
    ("America/St_Johns", "2027-11-07T01:15", "2027-11-07T01:15-02:30", "2027-11-07T01:15-03:30"),
    ("Australia/Lord_Howe", "2027-10-03T02:15", "2027-10-03T01:45+10:30", "2027-10-03T02:45+11:00"),
    ("Australia/Lord_Howe", "2027-04-04T01:45", "2027-04-04T01:45+11:00", "2027-04-04T01:45+10:30"),
    ("Australia/Adelaide", "2027-10-03T02:30", "2027-10-03T01:30+09:30", "2027-10-03T03:30+10:30"),
    ("Pacific/Chatham", "2027-04-04T03:00", "2027-04-04T03:00+13:45", "2027-04-04T03:00+12:45"),
    ("Pacific/Auckland", "2027-09-26T02:30", "2027-09-26T01:30+12:00", "2027-09-26T03:30+13:00"),
    ("America/Santiago", "2027-09-05T00:15", "2027-09-04T23:15-04:00", "2027-09-05T01:15-03:00"),
    ("America/Santiago", "2027-04-03T23:15", "2027-04-03T23:15-03:00", "2027-04-03T23:15-04:00"),
    ("Africa/Cairo", "2027-04-30T00:00", "2027-04-29T23:00+02:00", "2027-04-30T01:00+03:00"),
]


@pytest.mark.parametrize(("zone", "local", "one", "other"), CHANGES)
def test_a_time_that_exists_twice_or_never_is_unclear_with_both_readings(zone, local, one, other):
    with pytest.raises(Unclear) as raised:
        moment_of(local, ZoneInfo(zone))
    assert [iso(each, ZoneInfo(zone)) for each in raised.value.readings] == [one, other]
    assert raised.value.exists == (one[:16] == other[:16])
    for reading in (one, other):
        assert reading in str(raised.value)
        assert moment_of(reading, ZoneInfo(zone)) == dt.datetime.fromisoformat(reading)


@pytest.mark.parametrize(
    ("zone", "local", "utc"),
    [
        ("Europe/Berlin", "2027-03-28T01:59:59", "2027-03-28T00:59:59"),
        ("Europe/Berlin", "2027-03-28T03:00", "2027-03-28T01:00:00"),
        ("Europe/Berlin", "2027-10-31T01:59", "2027-10-30T23:59:00"),
        ("Europe/Berlin", "2027-10-31T03:00", "2027-10-31T02:00:00"),
        ("Asia/Kathmandu", "2027-01-01T00:00", "2026-12-31T18:15:00"),
    ],
)
def test_any_other_local_time_is_one_moment(zone, local, utc):
    assert moment_of(local, ZoneInfo(zone)) == dt.datetime.fromisoformat(f"{utc}+00:00")


@pytest.mark.parametrize(
    "text", ["soon", "", "2027-02-30T10:00", "0001-01-01T00:00", "9999-12-31T23:59-14:00"]
)
def test_what_is_no_time_is_said_with_an_example(text):
    with pytest.raises(ValueError, match="is not a date and time like 2027-02-05T18:00"):
        moment_of(text, ZoneInfo("Asia/Tokyo"))


@pytest.mark.parametrize(
    ("zone", "due", "days", "closes"),
    [
        # Clocks go back: 73 h; forward: 71 h. Without a change 72 h.
        ("Europe/Berlin", "2027-10-29T18:00+02:00", 3, "2027-11-01T18:00+01:00"),
        ("Europe/Berlin", "2027-03-26T18:00+01:00", 3, "2027-03-29T18:00+02:00"),
        ("Europe/Berlin", "2027-01-29T18:00+01:00", 3, "2027-02-01T18:00+01:00"),
        ("America/Chicago", "2027-11-05T23:59-05:00", 3, "2027-11-08T23:59-06:00"),
        ("Pacific/Auckland", "2027-09-24T17:00+12:00", 3, "2027-09-27T17:00+13:00"),
        ("Australia/Lord_Howe", "2027-04-02T17:00+11:00", 3, "2027-04-05T17:00+10:30"),
        ("America/Santiago", "2027-09-02T00:15-04:00", 3, "2027-09-05T01:15-03:00"),
        # At a time that the last day has twice, the second; at one that it has not, what comes after.
        ("Europe/Berlin", "2027-10-30T02:30+02:00", 1, "2027-10-31T02:30+01:00"),
        ("Europe/Berlin", "2027-03-27T02:30+01:00", 1, "2027-03-28T03:30+02:00"),
        # The due date itself may be the first or the second of two.
        ("Europe/Berlin", "2027-10-31T02:30+02:00", 0, "2027-10-31T02:30+02:00"),
        ("Europe/Berlin", "2027-10-31T02:30+01:00", 0, "2027-10-31T02:30+01:00"),
        ("Europe/Berlin", "2027-10-31T02:30+02:00", 1, "2027-11-01T02:30+01:00"),
        # The due date is written in another place's time; the course's clocks count.
        ("Europe/Berlin", "2027-10-29T16:00+00:00", 3, "2027-11-01T18:00+01:00"),
        ("UTC", "2027-10-29T18:00+02:00", 3, "2027-11-01T18:00+02:00"),
    ],
)
def test_so_many_civil_days_later_clocks_show_the_same_time(zone, due, days, closes):
    due, closes = dt.datetime.fromisoformat(due), dt.datetime.fromisoformat(closes)
    for written in (due, due.astimezone(dt.UTC), due.astimezone(ZoneInfo(zone))):
        assert days_later(written, days, ZoneInfo(zone)) == closes
        assert begun_days(written, closes, ZoneInfo(zone)) == days
        assert begun_days(written, closes + dt.timedelta(microseconds=1), ZoneInfo(zone)) == days + 1


@given(
    zone=st.sampled_from(ZONES),
    hour=st.integers(0, 24 * 365 * 4 - 1),
    days=st.integers(1, 400),
    inside=st.floats(0.001, 1),
)
def test_a_day_begins_where_the_one_before_ends(zone, hour, days, inside):
    due = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=20 + 60 * hour)
    begins, ends = (days_later(due, count, ZoneInfo(zone)) for count in (days - 1, days))
    assert dt.timedelta(hours=22) < ends - begins < dt.timedelta(hours=26)
    assert begun_days(due, begins + inside * (ends - begins), ZoneInfo(zone)) == days
    assert begun_days(due, due, ZoneInfo(zone)) == begun_days(due, due - (ends - due), ZoneInfo(zone)) == 0


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("Europe/Berlin", "Fri 29 Jan 2027 18:00 CET"),
        ("America/Chicago", "Fri 29 Jan 2027 11:00 CST"),
        ("Asia/Kathmandu", "Fri 29 Jan 2027 22:45 UTC+05:45"),
        ("America/Santiago", "Fri 29 Jan 2027 14:00 UTC-03:00"),
        ("UTC", "Fri 29 Jan 2027 17:00 UTC"),
    ],
)
def test_a_moment_is_written_with_its_zone(zone, text):
    assert in_zone(dt.datetime(2027, 1, 29, 17, tzinfo=dt.UTC), ZoneInfo(zone)) == text


def test_a_local_time_that_was_read_in_the_repeated_hour_keeps_its_fold_out_of_it():
    with pytest.raises(Unclear):
        local_moment(dt.datetime(2027, 10, 31, 2, 30, fold=1), ZoneInfo("Europe/Berlin"))
