"""Pages about learning: courses, pathways, glossary, bibliography."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

import yaml
from tpc_courses.lesson import notebook_from
from tpc_courses.manifest import Course, Unit
from tpc_courses.places import Places

from tpc_book.bibliography import Work, published_references
from tpc_book.glossary import terms_in, texts_of
from tpc_book.markdown import bullets, duration, lesson_link, link, page, plain, table
from tpc_book.outreach import Outreach, Persona, Term
from tpc_book.pathways import BUDGETS, Catalogue, Step, plan
from tpc_book.showcase import Showcase

# The home page names so many lessons of each course.
SHOWN = 4


def courses(taught: Sequence[Course], catalogue: Catalogue, figures: Mapping[str, Showcase]) -> str:
    """Return each course with its lessons and a live figure of one of them, for the home page."""
    blocks = []
    for course in taught:
        minutes = sum(catalogue.lessons[slug].minutes for slug in course.lessons)
        steps = "\n".join(
            f"1. {lesson_link(slug, catalogue.lessons[slug].title)}" for slug in course.lessons[:SHOWN]
        )
        more = f"\n\nand {len(course.lessons) - SHOWN} more" if len(course.lessons) > SHOWN else ""
        size = f"{len(course.lessons)} {'lesson' if len(course.lessons) == 1 else 'lessons'}, {duration(minutes)}"
        text = f"### {plain(course.title)}\n\n{plain(course.summary)}\n\n{size}\n\n{steps}{more}"
        figure = f"\n\n{figures[course.id].directive}" if course.id in figures else ""
        about = f"::::{{div}}\n:class: about-course\n\n{text}\n::::"
        blocks.append(f":::::{{div}}\n:class: course {course.id}\n\n{about}{figure}\n:::::")
    return "\n\n".join(blocks) + "\n"


def course(taught: Course, catalogue: Catalogue) -> str:
    """Return the page of a course: its lessons in order, with the exercise of each and when that is due."""
    minutes = sum(catalogue.lessons[slug].minutes for slug in taught.lessons)
    minutes += sum(step.minutes for step in catalogue.exercises.values() if step.course == taught.id)
    steps = "\n".join(
        f"{number}. {_unit(unit, taught, catalogue)}" for number, unit in enumerate(taught.units, 1)
    )
    body = [
        plain(taught.summary),
        f"What comes in which order, and how long does it take? All together {duration(minutes)}.",
        steps,
        "Read the lessons here without an account. Exercises are graded on the campus, for members of a class.",
    ]
    return page(taught.title, taught.summary, body)


def _unit(unit: Unit, taught: Course, catalogue: Catalogue) -> str:
    parts = []
    if unit.lesson:
        lesson = catalogue.lessons[unit.lesson]
        parts.append(
            f"{lesson_link(unit.lesson, lesson.title)}, {lesson.minutes} minutes. {plain(lesson.description)}"
        )
    if unit.exercise:
        step = catalogue.exercises.get(unit.lesson or "")
        title = f"“{plain(step.title)}”, {step.minutes} minutes" if step else f"`{unit.exercise}`"
        due = (
            f", due {unit.due.astimezone(taught.zone):%-d %B %Y, %H:%M} ({taught.time_zone})"
            if unit.due
            else ""
        )
        parts.append(f"Exercise on the campus: {title}{due}.")
    return " ".join(parts)


def pathways(outreach: Outreach, catalogue: Catalogue, names: Container[str]) -> str:
    """Return ways through the lessons by who a visitor is and how much time there is.

    `names` are the pages that there are to link to.
    """
    body = [
        "Who are you, and how much time do you have? Each way takes lessons by turns from the topics that matter "
        "most to you, each lesson after those that it needs. Minutes are those that the lessons state. "
        "A day here has six hours of work, a week five such days.",
        *(_persona(persona, catalogue, names) for persona in outreach.pathways.values()),
    ]
    return page("Pathways", "Ways through the lessons by who you are and how much time you have.", body)


def _persona(persona: Persona, catalogue: Catalogue, names: Container[str]) -> str:
    tabs = []
    for title, minutes in BUDGETS.items():
        key = title.lower().replace(" ", "-")
        steps = _plan(catalogue, persona, minutes)
        tabs.append(f":::{{tab-item}} {title}\n:sync: {key}\n\n{steps}\n:::")
    also = ", ".join(f"[](/{name}.md)" for name in persona.pages if name in names)
    blocks = [
        f"(pathway-{persona.id})=\n## {plain(persona.title)}",
        f"*{plain(persona.question)}* {plain(persona.summary)}",
        "::::{tab-set}\n" + "\n".join(tabs) + "\n::::",
        f"Also for you: {also}." if also else "",
    ]
    return "\n\n".join(filter(None, blocks))


def _plan(catalogue: Catalogue, persona: Persona, minutes: int) -> str:
    steps = plan(catalogue, persona.topics, minutes)
    if not steps:
        shortest = min((lesson.minutes for lesson in catalogue.lessons.values()), default=0)
        return f"No lesson fits; the shortest takes {duration(shortest)}."
    total = duration(sum(step.minutes for step in steps))
    listed = "\n".join(f"{number}. {_step(step)}" for number, step in enumerate(steps, start=1))
    return f"{listed}\n\nTogether {total}." if len(steps) > 1 else listed


def _step(step: Step) -> str:
    if step.is_exercise:
        return f"Exercise on the campus: {plain(step.title)}, {step.minutes} minutes"
    return f"{lesson_link(step.slug, step.title)}, {step.minutes} minutes"


def glossary(outreach: Outreach, places: Places, catalogue: Catalogue) -> str:
    """Return the words of the lessons, with the lessons that use each."""
    terms = sorted(outreach.glossary.values(), key=lambda term: term.term.casefold())
    entries = "\n\n".join(f"{term.term}\n: {plain(term.text)}{_cited(term)}" for term in terms)
    used = {
        slug: terms_in(texts_of(notebook_from(places.lesson(slug))), outreach.glossary)
        for slug in catalogue.lessons
    }
    rows = []
    for term in terms:
        slugs = [slug for slug, found in used.items() if term in found]
        lessons = ", ".join(lesson_link(slug, catalogue.lessons[slug].title) for slug in slugs)
        rows.append([f"{{term}}`{term.term}`", lessons or "no lesson yet"])
    body = [
        "What does a word mean here? In the lessons, the first use of each of these words is marked; "
        "point at it, or move to it with the Tab key, and its meaning appears.",
        f":::{{glossary}}\n{entries}\n:::" if terms else "No words are explained yet.",
        "## Where the words are used" if terms else "",
        table(["Word", "Lessons"], rows) if terms else "",
    ]
    return page("Glossary", "The words of the lessons and what they mean here.", body)


def _cited(term: Term) -> str:
    return f" {{cite:p}}`{','.join(term.cite)}`" if term.cite else ""


def bibliography(outreach: Outreach, places: Places, catalogue: Catalogue, works: Mapping[str, Work]) -> str:
    """Return the works that lessons and glossary cite, with where; the references follow on the page."""
    texts = _texts(places, catalogue)
    listed = []
    for work in sorted(
        works.values(), key=lambda work: (work.fields["author"].casefold(), work.fields["year"])
    ):
        users = [page for page, text in texts.items() if work.is_cited_in(text)]
        users += [f"{{term}}`{term.term}`" for term in outreach.glossary.values() if work.key in term.cite]
        cited = f"Cited by {', '.join(users)}" if users else "No page cites it yet"
        listed.append(f"{{cite:t}}`{work.key}`: {plain(work.fields['title'])}\n\n  {cited}.")
    body = [
        "Where do the numbers come from? These are the works that the lessons and the glossary rest on, with the "
        "pages that cite each. Full references with DOIs stand below the list.",
        bullets(listed) if works else "No works are cited yet.",
        f"For your own papers: {link('all of them as BibTeX', '/references.bib')}." if works else "",
    ]
    return page("Bibliography", "The works that lessons and glossary cite, with DOIs.", body)


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
        return "This copy has no `CITATION.cff`; name the campus and the date on which you read it.\n"
    cited = yaml.safe_load(path.read_text(encoding="utf-8"))
    authors = " and ".join(
        f"{{{author['name']}}}" if "name" in author else f"{author['family-names']}, {author['given-names']}"
        for author in cited["authors"]
    )
    fields = {"author": authors, "title": cited["title"], "note": f"Version {cited['version']}"}
    lines = ",\n".join(f"  {key} = {{{value}}}" for key, value in fields.items())
    return f"```bibtex\n@software{{tpc-campus,\n{lines}\n}}\n```\n"
