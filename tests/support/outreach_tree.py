"""A small book with data files of its own, for the tests of what is made from them."""

from __future__ import annotations

import datetime as dt
import shutil

import icalendar
from campus_tree import REPOSITORY, write
from tpc_book.pages import generated
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import load_courses

TODAY = dt.date(2026, 11, 24)
CAMPUS = "http://campus.test/services/campus"
BOOK = "http://campus.test/book"

EVENT = """night-talk:
  kind: seminar
  title: A talk at night
  summary: We talk about nights and about models.
  place: Example Hall, Berlin
  time_zone: Europe/Berlin
  start: 2027-01-21T15:00
  end: 2027-01-21T16:30
  updated: 2026-11-20
  example: true
  speakers: [una, hidden]
"""
SCHOOL = """title: A school of two days
summary: Two days for people who like tests.
updated: 2026-11-20
example: true
place: Example Hall, Berlin
time_zone: Europe/Berlin
days:
  - date: 2027-07-05
    title: First day
    sessions:
      - {start: "09:00", end: "10:00", room: Hall, kind: talk, title: Good morning, speakers: [una]}
      - {start: "09:30", end: "11:00", room: Lab, kind: lab, title: Hands on, speakers: [hidden]}
"""
PEOPLE = """una:
  name: Una Nimmo
  affiliation: Institute of Unas
  about: Una counts things.
  link: https://example.org/una
  consent: {date: 2026-10-01, record: form 1, allows: [name, affiliation, about, link]}
hidden:
  name: Hidden Figure
  affiliation: Institute of Secrets
"""
GROUP = """counting:
  title: Counting together
  summary: We count things and compare.
  updated: 2026-11-20
  example: true
  meets: On Mondays, 15:00 UTC
  contact: https://example.org/counting
  join: [Come and count with us.]
  leads: [una]
"""
BIB = """@article{one, author = {Doe, Jo}, title = {One {B}ig thing}, year = 2020, doi = {10.1000/One}}
@misc{two, author = "Roe, Al", title = "Two things", year = {2021}, url = {https://example.org/two}}
"""


def own_book(tree: Places) -> None:
    """Give a tree a book of its own in place of the link to that of the repository."""
    (tree.root / "book").unlink()
    for name, text in (
        ("data/events.yml", EVENT),
        ("data/schools/2027.yml", SCHOOL),
        ("data/people.yml", PEOPLE),
        ("data/groups.yml", GROUP),
        ("content/references.bib", BIB),
        ("content/index.md", "---\ntitle: Home\n---\n\n# Home\n\n:::{include} parts/next-event.md\n:::\n"),
    ):
        write(tree.root / "book" / name, text)
    shutil.copytree(REPOSITORY / "book" / "theme", tree.root / "book" / "theme")
    shutil.copy(REPOSITORY / "book" / "myst.yml", tree.root / "book")


def change(places: Places, name: str, old: str, new: str) -> None:
    """Replace a text that stands in a file of the book."""
    path = places.book / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    write(path, text.replace(old, new))


def everything(places: Places, today: dt.date = TODAY) -> str:
    """Return all that is made from the data, in one text."""
    pages = generated.pages(places, load_courses(places), today)
    return "\n".join([*pages.values(), *generated.files(places, BOOK, today).values()])


def parsed(text: str) -> list[icalendar.Event]:
    """Return the entries of a calendar, as another program reads them."""
    return list(icalendar.Calendar.from_ical(text).walk("VEVENT"))
