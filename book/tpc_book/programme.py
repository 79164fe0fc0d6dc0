"""The summer school: an overview of its editions, and for each a programme by day, time and room."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from itertools import groupby

from tpc_book.community import EXAMPLE, NOTHING, Lessons
from tpc_book.events import Day, School, Session
from tpc_book.markdown import bullets, day, link, materials, page, period, plain, table
from tpc_book.outreach import Outreach
from tpc_book.people import Directory


def schools(outreach: Outreach, directory: Directory, lessons: Lessons, today: dt.date) -> dict[str, str]:
    """Return the page of the summer school and one for each edition."""
    editions = sorted(outreach.schools.values(), key=lambda school: school.year, reverse=True)
    coming = [school for school in editions if school.days[-1].date >= today]
    past = [school for school in editions if school not in coming]
    body = [
        "What would a week with lessons, a machine and people who know both be worth to you? The school is that "
        "week: lessons in the morning, work on your own question in the afternoon, and what you made at the end.",
        "## Coming",
        bullets(_edition(school) for school in reversed(coming)) or NOTHING,
        "## Past editions" if past else "",
        "Each edition keeps its address, its programme and its materials." if past else "",
        bullets(_edition(school) for school in past),
    ]
    overview = page("Summer school", "Programme, rooms, speakers and materials of each edition.", body)
    return {"summer-school": overview} | {
        f"summer-school/{school.year}": edition(school, directory, lessons, today) for school in editions
    }


def _edition(school: School) -> str:
    dates = period(school.days[0].date, school.days[-1].date)
    mark = " (example)" if school.example else ""
    return f"{link(school.title, f'/summer-school/{school.year}.md')}{mark}: {dates}, {plain(school.place)}"


def edition(school: School, directory: Directory, lessons: Lessons, today: dt.date) -> str:
    """Return the page of one edition, with its programme by day and by room."""
    facts = [
        f"**When:** {period(school.days[0].date, school.days[-1].date)}. "
        f"All times are those of {school.time_zone}.",
        f"**Where:** {plain(school.place)}",
        f"**Rooms:** {', '.join(plain(room) for room in _rooms(school.days))}",
        _apply(school, today),
        f"**Calendar:** {link('every session, with rooms', f'/{school.id}.ics')}",
    ]
    body = [EXAMPLE if school.example else "", plain(school.summary), bullets(facts)]
    for one in school.days:
        body += [f"## {day(one.date)}: {plain(one.title)}", _by_time(one, directory, lessons), _by_room(one)]
    return page(school.title, school.summary, body)


def _apply(school: School, today: dt.date) -> str:
    if not school.apply or not school.apply_by:
        return ""
    if today > school.apply_by:
        return f"**Applications:** closed on {day(school.apply_by)}"
    return f"**Apply:** {link('send an application', school.apply)} by {day(school.apply_by)}"


def _rooms(days: Iterable[Day]) -> list[str]:
    return list(dict.fromkeys(session.room for one in days for session in one.in_order))


def _by_time(one: Day, directory: Directory, lessons: Lessons) -> str:
    """Return the day as a list of times, each with what happens then."""
    lines: list[str] = []
    for (start, end), sessions in groupby(one.in_order, key=lambda session: (session.start, session.end)):
        lines += ["", f"{start:%H:%M} to {end:%H:%M}"]
        lines += [f": {_session(session, directory, lessons)}" for session in sessions]
    return "\n".join(lines).strip()


def _session(session: Session, directory: Directory, lessons: Lessons) -> str:
    people = ", ".join(map(plain, directory.names(session.speakers)))
    found = materials(session.materials, lessons)
    facts = f"{session.kind} in {plain(session.room)}{f', speaker: {people}' if people else ''}"
    return f"**{plain(session.title)}** ({facts}){f'. Materials: {found}' if found else ''}"


def _by_room(one: Day) -> str:
    """Return the day as a table with a column for each room, folded."""
    rooms = _rooms([one])
    rows = []
    for start in sorted({session.start for session in one.sessions}):
        cells = []
        for room in rooms:
            here = [s for s in one.sessions if s.room == room and s.start == start]
            cells.append(", ".join(f"{plain(s.title)} (to {s.end:%H:%M})" for s in here))
        rows.append([f"{start:%H:%M}", *cells])
    grid = table(["Time", *map(plain, rooms)], rows)
    return f":::{{dropdown}} {day(one.date)} by room\n{grid}\n:::"
