"""Times as people read them."""

from __future__ import annotations

import datetime as dt

from tpc_courses.base.local_time import in_zone

__all__ = ["duration", "in_zone", "relative"]
_STEPS = ((86_400, "day", "days"), (3_600, "hour", "hours"), (60, "minute", "minutes"))


def relative(moment: dt.datetime, now: dt.datetime) -> str:
    """Return how far a moment is from now, like `in 2 days` or `5 minutes ago`."""
    seconds = (moment - now).total_seconds()
    amount = duration(abs(seconds))
    return f"in {amount}" if seconds > 0 else f"{amount} ago"


def duration(seconds: float) -> str:
    """Return a duration in its largest unit, like `2 days` or `40 seconds`."""
    for size, one, many in _STEPS:
        if seconds >= size:
            count = round(seconds / size)
            return f"{count} {one if count == 1 else many}"
    count = max(1, round(seconds))
    return f"{count} second{'' if count == 1 else 's'}"
