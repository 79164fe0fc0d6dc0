"""The data files of `book/data`: schools, events, groups, papers, projects, opportunities, people, words, pathways.

Each file maps a key to an entry, so an entry is removed by deleting it, and a key cannot stand twice.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from tpc_courses.base.places import Places
from tpc_courses.base.problems import Problem, SourceError
from tpc_courses.sources.manifest import Frozen, Slug

from tpc_book.data.declared import read_declared
from tpc_book.data.events import Entry, Event, Material, School, Text, Title, Url
from tpc_book.data.people import Person

# A word or a few; it becomes part of Markdown and of an address.
Word = Annotated[str, Field(pattern=r"^\w[\w '’/-]*$", min_length=2, max_length=60)]


class Group(Entry):
    """A working group: what it is about, when it meets, how to join, who answers."""

    meets: Title
    join: Annotated[tuple[Text, ...], Field(min_length=1)]
    contact: Url
    leads: tuple[Slug, ...] = ()
    materials: tuple[Material, ...] = ()


class Paper(Entry):
    """A white paper or report; `by` is an organisation or a group, since persons need consent."""

    kind: Literal["white paper", "report"]
    by: Title
    year: int = Field(ge=1990, le=2100)
    url: Url | None = None
    group: Slug | None = None


class Project(Entry):
    """A project that looks for partners. Projects are listed by title: the order is no judgement."""

    seeks: Text
    offers: Text
    contact: Url
    until: dt.date


class Opportunity(Entry):
    """A visit, a post-doc or the like, open until `closes` has passed everywhere on Earth."""

    kind: Literal["visit", "post-doc", "doctorate", "internship"]
    place: Title
    closes: dt.date
    url: Url


class Term(Frozen):
    """A word of the glossary; `also` are other forms of it in the lessons, `cite` a key of references.bib."""

    id: str
    term: Word
    text: Text
    also: tuple[Word, ...] = ()
    cite: tuple[str, ...] = ()


class Persona(Frozen):
    """A kind of visitor: which topics come first for them, and which pages help."""

    id: str
    title: Title
    question: Title
    summary: Text
    topics: Annotated[tuple[Slug, ...], Field(min_length=1)]
    pages: tuple[Slug, ...] = ()

    @model_validator(mode="after")
    def _topics_differ(self) -> Persona:
        if len(set(self.topics)) < len(self.topics):
            raise ValueError("a topic stands twice under topics")
        return self


@dataclass(frozen=True)
class Outreach:
    """Everything that the data files declare, by key and in the order of the files."""

    schools: dict[str, School]
    events: dict[str, Event]
    groups: dict[str, Group]
    papers: dict[str, Paper]
    projects: dict[str, Project]
    opportunities: dict[str, Opportunity]
    people: dict[str, Person]
    glossary: dict[str, Term]
    pathways: dict[str, Persona]


# What each file of the folder declares; schools have one file for each year.
MODELS: dict[str, Any] = {
    "events": dict[Slug, Event],
    "groups": dict[Slug, Group],
    "papers": dict[Slug, Paper],
    "projects": dict[Slug, Project],
    "opportunities": dict[Slug, Opportunity],
    "people": dict[Slug, Person],
    "glossary": dict[Slug, Term],
    "pathways": dict[Slug, Persona],
}


def data_folder(places: Places) -> Path:
    return places.book / "data"


def load_outreach(places: Places) -> Outreach:
    """Return what the data files declare; raises SourceError with the problems of all of them."""
    declared: dict[str, dict[str, Any]] = {field.name: {} for field in fields(Outreach)}
    problems: list[Problem] = []
    for path in sorted(path for path in data_folder(places).rglob("*") if path.is_file()):
        try:
            _read_file(path, places.root, declared)
        except SourceError as e:
            problems += e.problems
    if problems:
        raise SourceError(problems)
    return Outreach(**declared)


def _read_file(path: Path, root: Path, declared: dict[str, dict[str, Any]]) -> None:
    folder = path.parent.name
    if path.suffix == ".yml" and folder == "schools" and path.stem.isdigit():
        extra = {"id": f"summer-school-{path.stem}", "year": path.stem}
        school = read_declared(path, root, School, lambda value: _with(extra, value))
        declared["schools"][school.id] = school
    elif path.suffix == ".yml" and folder == "data" and path.stem in MODELS:
        declared[path.stem] = read_declared(path, root, MODELS[path.stem], _with_ids)
    else:
        name = path.relative_to(root).as_posix()
        files = ", ".join(f"{stem}.yml" for stem in MODELS)
        raise SourceError(
            [Problem(name, "", "is no data file", f"Remove it or use one of: {files}, schools/<year>.yml")]
        )


def _with_ids(value: Any) -> Any:
    """Return the entries of a file, each knowing its key as its id."""
    return {key: _with({"id": key}, entry) for key, entry in _mapping(value).items()}


def _with(extra: dict[str, str], value: Any) -> dict[str, Any]:
    """Return a mapping with what it does not say itself; where it does, None, which pydantic reports."""
    entry = _mapping(value)
    return {**entry, **{key: None if key in entry else text for key, text in extra.items()}}


def _mapping(value: Any) -> dict[str, Any]:
    """Return a mapping as it is; of anything else one that no model accepts, so that pydantic reports it."""
    return value if isinstance(value, dict) else {"": value}
