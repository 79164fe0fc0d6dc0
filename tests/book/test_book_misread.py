"""What the engine reads as something else is a fault with its line; what it only advises is a note."""

from __future__ import annotations

import pytest
from book_tree import CAMPUS, make_book_tree
from campus_tree import write
from tpc_book.engine import engine
from tpc_book.engine.misread import misread
from tpc_book.engine.project import Project
from tpc_book.gates.data_files import outreach_problems
from tpc_book.site.build import BookError, build_book
from tpc_courses.sources.manifest import load_courses

# text -> a part of the message
FAULTS = {
    "It costs $2 to $4 per hour.": "$2 to $ is read as a formula",
    "$5 and sells for $6": "read as a formula",
    "US$2\nto US$4": "read as a formula",
    "**$2** to **$4**": "read as a formula",
    "From $2-$4.": "$2-$ is read",
    "$2,000 (or $3,000)": "read as a formula",
    "- $2 to $4": "read as a formula",
    "> $2 to $4": "read as a formula",
    "## From $2 to $4": "read as a formula",
    ":::{note}\n$2 to $4\n:::": "read as a formula",
    "````{note}\n```{tip}\n$2 to $4\n```\n````": "read as a formula",
    "| a | b |\n|---|---|\n| $2 to $4 | b |": "read as a formula",
    "| a | b |\n|---|---|\n| $P(A|B)$ | b |": "the bar in $P(A|B)$ ends its cell",
    "| a | b |\n|---|---|\n| x | $|a|$ |": "ends its cell",
    "about 50\n% of them": "'% of them' is taken for a comment",
    "- about 50\n  % of them": "taken for a comment",
    "> about 50\n> % of them": "taken for a comment",
    ":::{note}\nabout 50\n% of them\n:::": "taken for a comment",
}
RIGHT = [
    r"It costs \$2 to \$4.",
    "Only $2.",
    "$2x + 4y$ and $10^{3}$ and $6ND=C$ and $2Td$",
    r"$2 \text{ to } 4$ and $3\,\mathrm{km}$",
    "$n$ is 2 and $m$ is 3",
    "`$2 to $4`",
    "```\n$2 to $4\n50\n% of\n| $a|b$ |\n```",
    "```{code-cell} ipython3\nx = '$2 to $4'\n%matplotlib inline\n```",
    "```{math}\na\n% a comment of TeX\n```",
    "$$\na\n% a comment of TeX\n$$",
    "| a | b |\n|---|---|\n| $P(A\\|B)$ | $a$ |",
    "| a | b |\n|---|---|\n| $5 | $6 |",
    "| a | b |\n|---|---|\n| `$a|b$` | c |",
    "$P(A|B)$ outside of a table",
    "% a comment",
    "Text.\n\n% a comment\nMore text.",
    "% one\n% two\nText.",
    ":::{note}\n% a comment\nText.\n:::",
    "(label)=\n% a comment",
    "The share is 50 % of it, 100%.",
]


def page(text: str) -> str:
    return f"---\ntitle: Page for $2 to $4\n---\n\nFirst.\n\n{text}\n"


@pytest.mark.parametrize(("text", "message"), FAULTS.items())
def test_what_is_read_otherwise_is_named_with_its_line(text, message):
    (problem,) = misread("book/content/x.md", page(text))
    assert message in str(problem)
    marks = ("$2", "$5", "$P", "$|a", "% of")
    line = next(
        n for n, each in enumerate(page(text).split("\n"), 1) if n > 4 and any(mark in each for mark in marks)
    )
    assert str(problem).startswith(f"book/content/x.md: line {line}: ")
    assert "Write " in str(problem)


@pytest.mark.parametrize("text", RIGHT)
def test_what_is_read_as_meant_is_left_alone(text):
    assert [*misread("x", page(text))] == []


def test_check_and_build_report_pages_and_lessons(tmp_path):
    places = make_book_tree(tmp_path)
    write(places.book / "content" / "prices.md", page("It costs $2 to $4."))
    lesson = places.lesson("scaling/first-steps")
    write(lesson, lesson.read_text() + "\nabout 50\n% of them\n")
    line = lesson.read_text().count("\n")
    lost = f"notebooks/scaling/first-steps.md: line {line}: the line"
    expected = ("book/content/prices.md: line 7: $2 to $ is", lost)
    said = "\n".join(map(str, outreach_problems(places)))
    for one in expected:
        assert one in said
    with pytest.raises(BookError) as caught:
        build_book(places, CAMPUS, execute=False, say=lambda line: None)
    for one in expected:
        assert one in str(caught.value)


LOG = """\
⚠️  about.md:7 Linking "about" to an implicit heading reference, best practice is to create an explicit reference.
⚠️  about.md:8 Legacy syntax used for link target, please prepend a '#' to your link url: "about"
⚠️  about.md:9 Language is not defined for code block
⚠️  about.md:10 Usage of the {doc} role is not recommended, use a markdown link to the file instead.
⚠️  about.md:11 Replacing \\begin{eqnarray} with \\begin{align*}
⛔️ about.md:12 No target for internal reference "nowhere" was found.
⚠️  about.md:13 unexpected option "colour" provided (in note)
"""


def test_advice_of_the_engine_is_no_fault(tmp_path):
    places = make_book_tree(tmp_path)
    project = Project(places, load_courses(places), CAMPUS)
    faults = [str(one) for one in engine.problems(LOG, project)]
    assert [one.split(": ")[1] for one in faults] == ["line 12", "line 13"]
    notes = [one.where for one in engine.problems(LOG, project, hints=True)]
    assert notes == [f"line {number}" for number in range(7, 12)]


def test_a_book_with_old_links_is_built_and_says_how_to_write_them(tmp_path):
    places = make_book_tree(tmp_path)
    text = page("## A part\n\nSee [there](#a-part).\n\n```\nno language\n```")
    write(places.book / "content" / "old.md", text.replace("$2 to $4", "links"))
    said: list[str] = []
    build_book(places, CAMPUS, execute=False, say=said.append)
    assert any(one.startswith("Note: book/content/old.md: line 9: Linking") for one in said), said
