"""What `campus check` says about the data files: what is in them, what they refer to, who they name."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterable, Iterator

from tpc_courses.base.places import Places
from tpc_courses.base.problems import Problem, SourceError
from tpc_courses.checks.check import lesson_paths
from tpc_courses.sources.manifest import load_courses

from tpc_book.data.bibliography import Work, misquoted, read_bibliography, unknown_dois
from tpc_book.data.events import Material
from tpc_book.data.outreach import Outreach, data_folder, load_outreach
from tpc_book.data.people import Directory, mentions
from tpc_book.engine.dead_links import dead_links
from tpc_book.engine.misread import misread
from tpc_book.pages import generated
from tpc_book.pages.generated import page_names


def outreach_problems(places: Places) -> list[Problem]:
    """Return every problem in the data files and the bibliography, sorted."""
    problems: list[Problem] = []
    works: dict[str, Work] = {}
    try:
        works = read_bibliography(places)
        problems += [*unknown_dois(places, works), *misquoted(places, works)]
    except SourceError as e:
        problems += e.problems
    try:
        outreach = load_outreach(places)
    except SourceError as e:
        return sorted({*problems, *e.problems})
    problems += _lessons(outreach, places)
    problems += _papers(outreach)
    problems += _pathways(outreach, places)
    problems += _terms(outreach, works)
    problems += _named_outside_people(outreach, places)
    problems += _dead_links(places)
    problems += misread_sources(places)
    return sorted(set(problems))


def outreach_notes(places: Places, today: dt.date | None = None) -> list[str]:
    """Return what is no fault but should be known: who is shown as "to be announced", and where."""
    outreach = load_outreach(places)
    directory = Directory(outreach.people, today or dt.datetime.now(dt.UTC).date())
    notes = []
    for where, keys in speakers(outreach):
        for key in directory.unnamed(keys):
            reason = "has not agreed to be named" if key in outreach.people else "is not in people.yml"
            notes.append(f"{where}: {key} {reason}, pages say 'to be announced'")
    return notes


def speakers(outreach: Outreach) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each place that names people, with their keys."""
    for school in outreach.schools.values():
        for day in school.days:
            for session in day.sessions:
                yield f"schools/{school.year}.yml, {day.date} {session.title}", session.speakers
    yield from ((f"events.yml, {event.id}", event.speakers) for event in outreach.events.values())
    yield from ((f"groups.yml, {group.id}", group.leads) for group in outreach.groups.values())


def _materials(outreach: Outreach) -> Iterator[tuple[str, str, Iterable[Material]]]:
    for school in outreach.schools.values():
        for index, day in enumerate(school.days):
            for session in day.sessions:
                yield f"schools/{school.year}.yml", f"days[{index}], {session.title}", session.materials
    for name in ("events", "groups"):
        for entry in getattr(outreach, name).values():
            yield f"{name}.yml", entry.id, entry.materials


def _dead_links(places: Places) -> Iterator[Problem]:
    """Yield a problem for each link of a page to a file that the book will not have."""
    try:
        courses = load_courses(places)
        made = {f"{name}.md": text for name, text in generated.pages(places, courses).items()}
    except SourceError:
        return  # The checks of manifests and data say what is wrong there.
    content = places.book / "content"
    written = {path.relative_to(content).as_posix(): path for path in content.rglob("*") if path.is_file()}
    shown = {name: f"book/content/{name}" for name in written}
    pages = {name: path.read_text("utf-8") for name, path in written.items() if name.endswith(".md")}
    pages |= made
    lessons = {f"lessons/{slug}.ipynb" for course in courses for slug in course.lessons}
    files = {*written, *pages, *lessons, *generated.files(places, ""), "runs.md"}
    yield from dead_links(
        pages, files, shown | {name: f"book: {name}" for name in pages if name not in shown}
    )


def misread_sources(places: Places) -> Iterator[Problem]:
    """Yield a problem for each place of a page or lesson that readers would not see as it was meant."""
    paths = sorted((places.book / "content").rglob("*.md"))
    with contextlib.suppress(SourceError):  # the checks of manifests say what is wrong there
        slugs = dict.fromkeys(slug for course in load_courses(places) for slug in course.lessons)
        paths += [path for slug in slugs if (path := places.lesson(slug)).suffix == ".md" and path.exists()]
    for path in paths:
        yield from misread(path.relative_to(places.root).as_posix(), path.read_text(encoding="utf-8"))


def _lessons(outreach: Outreach, places: Places) -> Iterator[Problem]:
    """Yield a problem for each lesson that is named as material and has no page in the book."""
    try:
        taught = {slug for course in load_courses(places) for slug in course.lessons}
    except SourceError:
        return  # The check of the manifests says what is wrong there.
    for name, where, materials in _materials(outreach):
        for material in materials:
            if material.lesson and material.lesson not in taught:
                found = f"no course has the lesson {material.lesson}"
                remedy = f"Put it into a course, or use one of: {', '.join(sorted(taught))}"
                yield Problem(f"book/data/{name}", where, found, remedy)


def _papers(outreach: Outreach) -> Iterator[Problem]:
    """Yield a problem for each paper of a group that does not exist."""
    for paper in outreach.papers.values():
        if paper.group and paper.group not in outreach.groups:
            remedy = f"Use one of: {', '.join(outreach.groups)}"
            yield Problem("book/data/papers.yml", f"{paper.id}.group", f"no group {paper.group}", remedy)


def _pathways(outreach: Outreach, places: Places) -> Iterator[Problem]:
    """Yield a problem for each topic and page that a pathway names and that does not exist."""
    known = {
        "topics": {path.parent.name for path in lesson_paths(places)},
        "pages": page_names(places),
    }
    for persona in outreach.pathways.values():
        for key, names in known.items():
            for name in sorted({*getattr(persona, key)} - names):
                remedy = f"Use some of: {', '.join(sorted(names))}"
                where, found = f"{persona.id}.{key}", f"there is no {key[:-1]} {name}"
                yield Problem("book/data/pathways.yml", where, found, remedy)


def _terms(outreach: Outreach, works: dict[str, Work]) -> Iterator[Problem]:
    """Yield a problem for each word that two terms claim and each work that does not exist."""
    owner: dict[str, str] = {}
    for term in outreach.glossary.values():
        for form in sorted({form.casefold() for form in (term.term, *term.also)}):
            first = owner.setdefault(form, term.id)
            if first != term.id:
                found = f"{form!r} is also a form of {first}"
                yield Problem("book/data/glossary.yml", term.id, found, "Keep it with one of them")
        for key in sorted({*term.cite} - {*works}):
            found = f"{key} is not in book/content/references.bib"
            yield Problem("book/data/glossary.yml", f"{term.id}.cite", found, "Add the work there")


def _named_outside_people(outreach: Outreach, places: Places) -> Iterator[Problem]:
    """Yield a problem where a name stands in a text: there it would stay when the person's entry goes."""
    sources = [path for path in data_folder(places).rglob("*.yml") if path.name != "people.yml"]
    for path in sorted([*sources, *(places.book / "content").rglob("*.md")]):
        text = path.read_text(encoding="utf-8")
        for person, line in mentions(outreach.people.values(), text):
            found = f"names the person with the key {person.id}"
            remedy = "Write the key under `speakers:` or `leads:`, or leave the name out"
            yield Problem(f"book/{path.relative_to(places.book).as_posix()}", f"line {line}", found, remedy)
