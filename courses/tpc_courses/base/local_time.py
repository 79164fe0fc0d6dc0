"""Times as the clocks at a place show them: what a local time names, civil days, and how a moment is written.

Clocks change: some local times exist twice, some never. Whoever takes a local time asks `local_moment`, which
raises `Unclear` with both moments that can be meant.
"""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

EXAMPLE = "2027-02-05T18:00"
# The calendar of Python ends, and a course does not come near.
YEARS = range(1900, 9000)


class Unclear(ValueError):
    """A local time names no single moment; `readings` are the two that can be meant, in UTC, earlier first."""

    def __init__(self, local: dt.datetime, zone: ZoneInfo) -> None:
        self.readings = one, other = sorted(_both(local, zone))
        self.exists = one.astimezone(zone).replace(tzinfo=None, fold=0) == local.replace(fold=0)
        how = "exists twice" if self.exists else "does not exist"
        said = " or ".join(f"{in_zone(each, zone)} ({iso(each, zone)})" for each in (one, other))
        super().__init__(f"{local:%Y-%m-%d %H:%M} {how} in {zone.key}, where clocks change then: {said}")


def local_moment(local: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """Return the one moment, in UTC, at which clocks in a zone show `local`; raises Unclear for none or two."""
    one, other = _both(local, zone)
    if one != other:
        raise Unclear(local, zone)
    return one


def moment_of(text: str, zone: ZoneInfo) -> dt.datetime:
    """Return the moment, in UTC, that a date and time names, local unless it has an offset.

    Raises Unclear, which is a ValueError, and ValueError for what is no date and time.
    """
    try:
        moment = dt.datetime.fromisoformat(text.strip())
    except ValueError as e:
        raise ValueError(f"{text!r} is not a date and time like {EXAMPLE}") from e
    if moment.year not in YEARS:
        raise ValueError(f"{text!r} is not a date and time like {EXAMPLE}")
    return moment.astimezone(dt.UTC) if moment.tzinfo else local_moment(moment, zone)


def days_later(moment: dt.datetime, days: int, zone: ZoneInfo) -> dt.datetime:
    """Return when, in UTC, clocks in a zone show the same time so many civil days later.

    A civil day is as long as the clocks make it: 23 h in spring, 25 h in autumn. Where clocks show that time twice
    or never on that day, the later of both moments counts, in favour of whoever has to be in time.
    """
    if not days:
        return moment.astimezone(dt.UTC)
    local = moment.astimezone(zone).replace(tzinfo=None, fold=0)
    return max(_both(local + dt.timedelta(days=days), zone))


def begun_days(since: dt.datetime, moment: dt.datetime, zone: ZoneInfo) -> int:
    """Return how many civil days in a zone have begun from one moment to another; 0 up to the first moment.

    >>> due = dt.datetime(2027, 10, 30, 16, tzinfo=dt.UTC)  # 18:00 in Berlin, where clocks go back that night
    >>> begun_days(due, due + dt.timedelta(hours=25), ZoneInfo("Europe/Berlin"))
    1
    """
    moment = moment.astimezone(dt.UTC)  # two moments in one zone are compared by their clocks
    # However often clocks change meanwhile, they stay within a day of where they were, so the count is near.
    days = max(0, (moment - since.astimezone(dt.UTC)).days - 2)
    while days_later(since, days, zone) < moment:
        days += 1
    return days


def in_zone(moment: dt.datetime, zone: ZoneInfo) -> str:
    """Return a moment in a zone, like `Fri 29 Jan 2027 18:00 CET`; `UTC+05:45` where the zone has no letters."""
    there = moment.astimezone(zone)
    name = there.strftime("%Z")
    offset = there.isoformat()[-6:]  # %z has no colon before Python 3.12
    return f"{there:%a %d %b %Y %H:%M} {f'UTC{offset}' if name[:1] in '+-' else name}"


def iso(moment: dt.datetime, zone: ZoneInfo) -> str:
    """Return a moment as it stands in a file or a form, like `2027-01-29T18:00+01:00`."""
    return moment.astimezone(zone).isoformat(timespec="minutes")


def _both(local: dt.datetime, zone: ZoneInfo) -> tuple[dt.datetime, dt.datetime]:
    """Return the moments of a local time, in UTC, by the clock before a change and by the one after it."""
    before, after = (local.replace(tzinfo=zone, fold=fold).astimezone(dt.UTC) for fold in (0, 1))
    return before, after
