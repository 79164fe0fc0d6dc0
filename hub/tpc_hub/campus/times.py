"""Times as people read them."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo


def in_zone(moment: dt.datetime, zone: ZoneInfo) -> str:
    """Return a moment in a course's zone, like `Fri 29 Jan 2027 18:00 CET`."""
    return moment.astimezone(zone).strftime("%a %d %b %Y %H:%M %Z")
