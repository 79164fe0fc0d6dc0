"""Pages about learning: courses, pathways, glossary, bibliography."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

import yaml
from tpc_courses.base.places import Places
from tpc_courses.sources.lesson import notebook_from
from tpc_courses.sources.manifest import Course

from tpc_book.data.bibliography import Work, published_references
from tpc_book.data.glossary import terms_in, texts_of
from tpc_book.data.markdown import lesson_link, rendered
from tpc_book.data.outreach import Outreach
from tpc_book.lessons.showcase import Showcase
from tpc_book.pages.pathways import BUDGETS, Catalogue, plan

# The home page names so many lessons of each course.
SHOWN = 4


def courses(taught: Sequence[Course], catalogue: Catalogue, figures: Mapping[str, Showcase]) -> str:
    """Return each course with its lessons and a live figure of one of them, for the home page."""
    minutes = {
        course.id: sum(catalogue.lessons[slug].minutes for slug in course.lessons) for course in taught
    }
    facts = {"lessons": catalogue.lessons, "minutes": minutes, "figures": figures, "shown": SHOWN}
    return rendered("courses.md", courses=taught, **facts)


def course(taught: Course, catalogue: Catalogue) -> str:
    """Return the page of a course: its lessons in order, with the exercise of each and when that is due."""
    minutes = sum(catalogue.lessons[slug].minutes for slug in taught.lessons)
    minutes += sum(step.minutes for step in catalogue.exercises.values() if step.course == taught.id)
    facts = {"lessons": catalogue.lessons, "exercises": catalogue.exercises}
    return rendered("course.md", course=taught, minutes=minutes, **facts)


def pathways(outreach: Outreach, catalogue: Catalogue, names: Container[str]) -> str:
    """Return ways through the lessons by who a visitor is and how much time there is.

    `names` are the pages that there are to link to.
    """
    shortest = min((lesson.minutes for lesson in catalogue.lessons.values()), default=0)
    facts = {"budgets": BUDGETS, "plan": plan, "shortest": shortest, "names": names}
    return rendered("pathways.md", personas=outreach.pathways.values(), catalogue=catalogue, **facts)


def glossary(outreach: Outreach, places: Places, catalogue: Catalogue) -> str:
    """Return the words of the lessons, with the lessons that use each."""
    terms = sorted(outreach.glossary.values(), key=lambda term: term.term.casefold())
    found = {
        slug: terms_in(texts_of(notebook_from(places.lesson(slug))), outreach.glossary)
        for slug in catalogue.lessons
    }
    used = {term.id: [slug for slug, words in found.items() if term in words] for term in terms}
    return rendered("glossary.md", terms=terms, used=used, lessons=catalogue.lessons)


def bibliography(outreach: Outreach, places: Places, catalogue: Catalogue, works: Mapping[str, Work]) -> str:
    """Return the works that lessons and glossary cite, with where; the references follow on the page."""
    texts = _texts(places, catalogue)
    listed = []
    for work in sorted(
        works.values(), key=lambda work: (work.fields["author"].casefold(), work.fields["year"])
    ):
        users = [page for page, text in texts.items() if work.is_cited_in(text)]
        users += [f"{{term}}`{term.term}`" for term in outreach.glossary.values() if work.key in term.cite]
        listed.append((work, users))
    return rendered("bibliography.md", works=listed)


def _texts(places: Places, catalogue: Catalogue) -> dict[str, str]:
    """Return link -> source of all lessons and hand-written pages, with the references of the numbers they name."""
    numbers = published_references(places)
    texts = {}
    for slug, lesson in catalogue.lessons.items():
        text = places.lesson(slug).read_text(encoding="utf-8")
        named = [ref for key, ref in numbers.items() if f'"{key}"' in text]
        texts[lesson_link(slug, lesson.title)] = "\n".join([text, *named])
    for path in sorted((places.book / "content").glob("*.md")):
        texts[f"[](/{path.name})"] = path.read_text(encoding="utf-8")
    return texts


def how_to_cite(places: Places) -> str:
    """Return CITATION.cff as BibTeX, for the home page."""
    path = places.root / "CITATION.cff"
    if not path.exists():
        return rendered("cite.md", cited=None)
    cited = yaml.safe_load(path.read_text(encoding="utf-8"))
    authors = " and ".join(
        f"{{{author['name']}}}" if "name" in author else f"{author['family-names']}, {author['given-names']}"
        for author in cited["authors"]
    )
    return rendered("cite.md", cited=cited, authors=authors)
