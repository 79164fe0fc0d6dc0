"""Pathways, glossary and bibliography."""

from __future__ import annotations

import re

import pytest
from campus_tree import write
from hypothesis import assume, given
from hypothesis import strategies as st
from outreach_tree import BIB, TODAY, own_book
from tpc_book.data.bibliography import read_bibliography
from tpc_book.data.glossary import marked, terms_in
from tpc_book.data.outreach import Term
from tpc_book.gates.data_files import outreach_problems
from tpc_book.pages import generated
from tpc_book.pages.pathways import Catalogue, Step, plan
from tpc_courses.base.places import Places
from tpc_courses.sources.lesson import Lesson, Prerequisite
from tpc_courses.sources.manifest import load_courses


@pytest.fixture
def data(tree: Places) -> Places:
    """A tree with a book and data files of its own."""
    own_book(tree)
    return tree


def report(places: Places) -> str:
    return "\n".join(map(str, outreach_problems(places)))


def test_the_bibliography_reads_braces_quotes_and_numbers(data):
    accents = (
        r"""@misc{x, title={T}, author={H{\"a}gele, A. and Kydl{\'i}{\v{c}}ek, H.}, year=2024, url={u}}"""
    )
    write(data.book / "content" / "references.bib", BIB + accents)
    works = read_bibliography(data)
    assert works["x"].fields["author"] == "Hägele, A. and Kydlíček, H."
    assert works["one"].fields == {
        "author": "Doe, Jo",
        "title": "One Big thing",
        "year": "2020",
        "doi": "10.1000/One",
    }
    assert works["two"].fields["author"] == "Roe, Al"


def test_the_bibliography_reads_tex_but_leaves_addresses_alone(data, capfd):
    entry = r"""% a note
@STRING{who = "Poe, Ed"}
@misc{x, Author = who, title = {R\&D at 10\% -- \emph{so}}, year = 2024, DOI = {10.1000/a_b%c--d~e}}"""
    write(data.book / "content" / "references.bib", BIB + entry)
    fields = read_bibliography(data)["x"].fields
    assert fields["author"] == "Poe, Ed"
    assert fields["title"] == "R&D at 10% – so"
    assert fields["doi"] == "10.1000/a_b%c--d~e"
    write(data.book / "content" / "references.bib", BIB + "@misc{y, title={T")
    assert "cannot be read" in report(data)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("@misc{x, title={T}, author={A}, doi={10.1000/x}}", "line 3, x: without year. Add the fields"),
        ("@misc{x, title={T}, author={A}, year={2020}}", "x: without doi and url"),
        ("@misc{x, title={T}, author={A}, year={2020}, doi={doi:x}}", "x: 'doi:x' is no DOI"),
        (
            "@misc{one, title={T}, author={A}, year={2020}, url={u}}",
            "line 3, one: stands twice, first in line 1",
        ),
        ("@misc{x, title={T}, author={A}, year={2020}, doi={10.1000/ONE}}", "x: has the DOI of one"),
        ("@misc{x, title={T", "line 3: cannot be read: "),
        ("@misc{x, title={T}, title={U}, author={A}, year={2020}, url={u}}", "line 3: has title twice"),
    ],
)
def test_a_wrong_bibliography_entry_is_reported(data, entry, expected):
    write(data.book / "content" / "references.bib", BIB + entry)
    assert expected in report(data)


def test_a_doi_that_the_bibliography_lacks_is_reported_with_its_line(data):
    lesson = data.lesson("scaling/first-steps")
    write(
        lesson,
        lesson.read_text() + "\nSee [it](https://doi.org/10.1000/one) and https://doi.org/10.9999/gone.\n",
    )
    line = lesson.read_text().count("\n")
    assert f"notebooks/scaling/first-steps.md: line {line}: doi:10.9999/gone" in report(data)
    assert "10.1000" not in report(data)


@pytest.mark.parametrize(
    ("line", "missing"),
    [
        ("Doe (2020), *One big thing*", ""),
        ("Doe (2019), *One big thing*", "'(2020)' is missing"),
        ("Doe (2020), *One thing*", "'One Big thing' is missing"),
        ("Roe (2020), *One big thing*", "'Doe' is missing"),
    ],
)
def test_a_reference_that_says_other_than_the_bibliography_is_reported(data, line, missing):
    path = data.lesson("scaling/first-steps")
    link = "[doi:10.1000/one](https://doi.org/10.1000/one)"
    write(path, path.read_text() + f"\nSee {link}.\n\n## References\n\n- {line}, {link}\n")
    number = path.read_text().count("\n")
    found = [str(problem) for problem in outreach_problems(data) if "is missing" in str(problem)]
    assert [f"first-steps.md: line {number}: {missing}. " in problem for problem in found] == [True] * bool(
        missing
    )


def lesson(slug: str, minutes: int, needs: list[str]) -> Lesson:
    return Lesson(
        slug=slug,
        title=f"About {slug}",
        objectives=("one thing", "another"),
        prerequisites=tuple(Prerequisite(lesson=need) for need in needs),
        minutes=minutes,
    )


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    slugs = [
        f"{topic}/l{number}" for topic in ("aa", "bb", "cc") for number in range(draw(st.integers(0, 4)))
    ]
    lessons = {
        slug: lesson(slug, draw(st.integers(5, 180)), draw(st.lists(st.sampled_from(slugs), max_size=2)))
        for slug in slugs
    }
    with_exercise = draw(st.sets(st.sampled_from(slugs))) if slugs else set()
    return Catalogue(lessons, {slug: Step(f"ex-{slug[-2:]}", "Try it", 60, True) for slug in with_exercise})


@given(catalogues(), st.permutations(["aa", "bb", "cc"]), st.integers(0, 2000))
def test_a_pathway_keeps_to_its_time_and_order(catalogue, topics, minutes):
    steps = plan(catalogue, topics, minutes)
    assert sum(step.minutes for step in steps) <= minutes
    slugs = [step.slug for step in steps if not step.is_exercise]
    assert len(set(slugs)) == len(slugs)
    for place, slug in enumerate(slugs):
        for need in (prerequisite.lesson for prerequisite in catalogue.lessons[slug].prerequisites):
            circle = slug in catalogue.closure(need)
            assert circle or need in slugs[:place]


def test_a_pathway_takes_topics_by_turns_and_passes_over_what_does_not_fit():
    catalogue = Catalogue(
        {
            slug: lesson(slug, minutes, needs)
            for slug, minutes, needs in (
                ("aa/one", 90, []), ("aa/two", 20, ["aa/one"]), ("bb/one", 30, []),
                ("bb/two", 30, ["cc/base"]), ("cc/base", 20, []),
            )
        },
        {},
    )  # fmt: skip
    assert [step.slug for step in plan(catalogue, ["aa", "bb"], 60)] == ["bb/one"]
    assert [step.slug for step in plan(catalogue, ["aa", "bb"], 200)] == [
        "aa/one",
        "bb/one",
        "aa/two",
        "cc/base",
        "bb/two",
    ]


def test_pathways_of_the_repository_fill_each_time(repository):
    text = generated.pages(repository, load_courses(repository), TODAY)["pathways"]
    assert text.count(":::{tab-item}") == 12
    assert "No lesson fits" not in text


TERMS = {
    "loss": Term(id="loss", term="loss", also=("losses",), text="How surprised a model is."),
    "huber": Term(id="huber", term="Huber loss", text="A penalty that bounds outliers."),
}


def test_the_first_use_of_a_term_is_marked_and_no_other():
    texts = [
        "# Loss\n\nThe Losses fall, and the loss falls.",
        "With Huber loss, `loss` falls. A lossless $loss$.",
    ]
    assert marked(texts, TERMS) == [
        "# Loss\n\nThe {term}`Losses <loss>` fall, and the loss falls.",
        "With {term}`Huber loss`, `loss` falls. A lossless $loss$.",
    ]


def test_terms_in_headings_are_uses_and_those_in_code_are_not():
    assert [term.id for term in terms_in(["# The Huber loss\n\n`loss`"], TERMS)] == ["huber"]


def test_glossary_and_bibliography_say_where_words_and_works_are_used(repository):
    pages = generated.pages(repository, load_courses(repository), TODAY)
    rows = {
        line.split(" | ")[0]: line for line in pages["glossary"].splitlines() if line.startswith("| {term}")
    }
    assert "/lessons/data/near-duplicates.ipynb" in rows["| {term}`MinHash`"]
    assert "/lessons/data/" not in rows["| {term}`parameters`"]
    works = dict(re.findall(r"^- \{cite:t\}`(\w+)`: .+\n\n  (.+)", pages["bibliography"], re.MULTILINE))
    assert works.keys() == read_bibliography(repository).keys()
    # By DOI, by the id of a published number, by a hand-written page, by a term.
    assert "/lessons/scaling/fit-a-law.ipynb" in works["huber1964"]
    assert "/lessons/data/near-duplicates.ipynb" in works["penedo2024"]
    assert "/responsible-ai.md" in works["gebru2021"]
    assert "{term}`bootstrap`" in works["efron1979"]


@pytest.mark.parametrize(
    "text",
    [
        "```python\nloss = 1\n```", "~~~\nloss\n~~~", "`` a ` loss ``", "$$\nloss\n$$", "![loss](a.png)",
        "[loss](https://example.org)",
        "# loss", "{cite}`loss`", "<b title='loss'>", "(loss)=", ":::{note} loss", ":name: loss", "https://example.org/loss",
        "[loss][1]", "pre-loss", "loss-free", "weightloss",
    ],
)  # fmt: skip
def test_code_math_links_and_headings_are_left_alone(text):
    assert marked([text], TERMS) == [text]


@given(st.lists(st.text(st.sampled_from("`$#[](){}~:<> \nloseHubr")), max_size=4))
def test_marks_change_nothing_else(texts):
    back = [re.sub(r"\{term\}`(.*?)(?: <[^>]*>)?`", r"\1", text) for text in marked(texts, TERMS)]
    assume(not any("{term}" in text for text in texts))
    assert back == texts
