"""The summer school: an overview of its editions, and for each a programme by day, time and room."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from itertools import groupby

from tpc_book.data.events import Day, School
from tpc_book.data.markdown import plain, rendered, table
from tpc_book.data.outreach import Outreach
from tpc_book.data.people import Directory
from tpc_book.pages.community import Lessons


def schools(outreach: Outreach, directory: Directory, lessons: Lessons, today: dt.date) -> dict[str, str]:
    """Return the page of the summer school and one for each edition."""
    editions = sorted(outreach.schools.values(), key=lambda school: school.year, reverse=True)
    coming = [school for school in reversed(editions) if school.days[-1].date >= today]
    past = [school for school in editions if school not in coming]
    return {"summer-school": rendered("summer-school.md", coming=coming, past=past)} | {
        f"summer-school/{school.year}": edition(school, directory, lessons, today) for school in editions
    }


def edition(school: School, directory: Directory, lessons: Lessons, today: dt.date) -> str:
    """Return the page of one edition, with its programme by day and by room."""
    days = [
        {
            "day": one,
            "times": [
                (span, list(sessions))
                for span, sessions in groupby(one.in_order, key=lambda session: (session.start, session.end))
            ],
            "by_room": _by_room(one),
        }
        for one in school.days
    ]
    facts = {"rooms": _rooms(school.days), "days": days, "directory": directory, "lessons": lessons}
    return rendered("edition.md", school=school, today=today, **facts)


def _rooms(days: Iterable[Day]) -> list[str]:
    return list(dict.fromkeys(session.room for one in days for session in one.in_order))


def _by_room(one: Day) -> str:
    """Return the day as a table with a column for each room."""
    rooms = _rooms([one])
    rows = []
    for start in sorted({session.start for session in one.sessions}):
        cells = []
        for room in rooms:
            here = [s for s in one.sessions if s.room == room and s.start == start]
            cells.append(", ".join(f"{plain(s.title)} (to {s.end:%H:%M})" for s in here))
        rows.append([f"{start:%H:%M}", *cells])
    return table(["Time", *map(plain, rooms)], rows)
