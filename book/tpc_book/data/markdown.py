"""Pages of MyST Markdown made from data, by the templates beside this module.

Text from data files is escaped (`plain`): it is words, not markup.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tpc_book.data.declared import one_line
from tpc_book.data.events import Dated, Material
from tpc_book.data.feeds import address_of

# After `~` and `^` of data: the engine takes their escapes away, and no mark may be made of them. Pages leave it out.
AS_TYPED = "\N{INVISIBLE SEPARATOR}"
# A colon before slashes would make a link of an address, and the engine asks doi.org for some of those.
SPECIAL = re.compile(r"([\\`*_{}\[\]<>#$|~^@%+=!&]|:(?=//))")
LINE_START = re.compile(r"^(-|:|\d+[.)])")


def plain(text: str) -> str:
    """Return text that Markdown shows as it stands."""
    escaped = re.sub(r"[~^]", rf"\g<0>{AS_TYPED}", SPECIAL.sub(r"\\\1", one_line(text)))
    return LINE_START.sub(lambda mark: f"{mark[0][:-1]}\\{mark[0][-1]}", escaped)


def rendered(template: str, **facts: object) -> str:
    """Return a page, or a piece of one, of the folder `templates`; empty lines there need no care."""
    text = _templates().get_template(template).render(facts).strip()
    # One empty line between blocks, none before the end of a directive.
    return re.sub(r"\n+(\n:{3,})(?=\n|$)", r"\1", re.sub(r"\n{3,}", "\n\n", text)) + "\n"


@functools.cache
def _templates() -> Environment:
    loader = FileSystemLoader(Path(__file__).parent / "templates")
    # Markdown, not HTML: `plain` is what escapes.
    made = Environment(
        loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    made.filters |= {"plain": plain, "day": day, "when": when, "duration": duration}
    made.globals |= {"head": head, "link": link, "lesson_link": lesson_link, "materials": materials}
    made.globals |= {"period": period, "address_of": address_of, "host": lambda url: urlsplit(url).netloc}
    return made


def head(title: str, description: str) -> str:
    """Return the front matter of a page, and its heading."""
    front = {"title": title, "description": one_line(description)}
    text = yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=1000)
    return f"---\n{text}---\n\n# {plain(title)}\n"


def link(text: str, address: str) -> str:
    return f"[{plain(text)}](<{address}>)"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table; cells are Markdown."""
    head = list(head)
    lines = [head, ["---"] * len(head), *map(list, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def note(text: str) -> str:
    return f":::{{note}}\n{text}\n:::"


def day(date: dt.date) -> str:
    """Return a day as `Monday 5 July 2027`."""
    return f"{date:%A} {date.day} {date:%B %Y}"


def period(start: dt.date, end: dt.date) -> str:
    """Return days from first to last, without saying month or year twice."""
    if start == end:
        return day(start)
    first = f"{start.day}"
    if (start.year, start.month) != (end.year, end.month):
        first += f" {start:%B}" if start.year == end.year else f" {start:%B %Y}"
    word = "and" if end - start == dt.timedelta(days=1) else "to"
    return f"{first} {word} {end.day} {end:%B %Y}"


def when(event: Dated) -> str:
    """Return when an event happens: local time with its zone, and UTC for those who are elsewhere."""
    if event.whole_days:
        return f"{period(event.start, event.end)}, {event.time_zone}"
    begin, end = event.begins.astimezone(event.zone), event.ends.astimezone(event.zone)
    if begin.date() == end.date():
        local = f"{day(begin.date())}, {begin:%H:%M} to {end:%H:%M} {event.time_zone}"
        utc = f" ({event.begins:%H:%M} to {event.ends:%H:%M} UTC{_other_day(event, begin)})"
    else:
        local = f"{day(begin.date())} {begin:%H:%M} to {day(end.date())} {end:%H:%M}, {event.time_zone}"
        utc = f" (begins {event.begins.day} {event.begins:%B %H:%M} UTC)"
    return local if event.time_zone == "UTC" else local + utc


def _other_day(event: Dated, begin: dt.datetime) -> str:
    """Return the day in UTC where it is not the local one."""
    same = event.begins.date() == begin.date()
    return "" if same else f" on {event.begins.day} {event.begins:%B}"


def materials(items: Iterable[Material], lessons: Iterable[str]) -> str:
    """Return links to materials; `lessons` are those that have a page."""
    known = set(lessons)
    parts = []
    for item in items:
        if item.url:
            parts.append(link(item.title, item.url))
        else:
            parts.append(
                lesson_link(item.lesson or "", item.title) if item.lesson in known else plain(item.title)
            )
    return ", ".join(parts)


def lesson_link(slug: str, title: str) -> str:
    return link(title, f"/lessons/{slug}.ipynb")


def duration(minutes: int) -> str:
    """Return minutes as people say them."""
    hours, rest = divmod(minutes, 60)
    parts = [f"{hours} h" if hours else "", f"{rest} min" if rest or not hours else ""]
    return " ".join(filter(None, parts))
