"""Feedback runs nothing, loads nothing and tells no hidden test, whatever the graded notebook holds."""

from __future__ import annotations

import ast
import base64
import json
import re
from html.parser import HTMLParser

import nbformat
import pytest
from browser import chromium, new_page
from class_tree import COURSE, EXERCISE, NOTEBOOK, result_of
from hypothesis import given, settings
from hypothesis import strategies as st
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook, new_output
from tpc_courses.base.problems import SourceError
from tpc_courses.sources.exercise import read_exercise
from tpc_courses.sources.manifest import load_courses
from tpc_grader.coursework import coursework
from tpc_grader.coursework.recording import record
from tpc_grader.desk.appeals import set_by_hand
from tpc_grader.desk.intake import Intake
from tpc_grader.feedback.formulas import ELEMENTS
from tpc_grader.feedback.page import VERDICT, HideTests, scrub, shown_test
from tpc_grader.feedback.prose import MAX_PAGE_SECONDS, shown_markdown
from tpc_grader.feedback.publish import POLICY, clean_body, publish_feedback, readable_page, released_feedback
from tpc_grader.feedback.records import newest_feedback, standing
from tpc_grader.grading import submission as grading
from tpc_grader.results.results import CellScore
from tpc_grader.sandbox.limits import Limits
from tpc_grader.sandbox.outputs import Cleaner
from tpc_grader.scoring.differences import compared, found_difference
from tpc_grader.submissions.archive import pack
from tpc_hub.formgrading.extension import CampusFormgrader

HIDDEN_MESSAGE = "double must work for negative numbers"
TEST = f"""assert double(3) == 6, "double(3) should be twice 3"
### BEGIN HIDDEN TESTS
assert double(-1.5) == -3.0, "{HIDDEN_MESSAGE}"
### END HIDDEN TESTS
"""
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<img src='https://evil.example/pixel.png'>",
    "<img src='data:image/svg+xml;base64,PHN2Zz4='>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<iframe src='https://evil.example'></iframe>",
    "<svg onload=alert(1)></svg>",
    "<math><mtext><style><img src=x onerror=alert(1)></style></mtext></math>",
    "<math><annotation-xml encoding='text/html'><img src=x onerror=alert(1)></annotation-xml></math>",
    "<math href='javascript:alert(1)' onclick=alert(1) style='position:fixed'><mi xlink:href='https://evil.example'>x</mi></math>",
    "<math><maction actiontype='statusline' xlink:href='javascript:alert(1)'>x</maction></math>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<form action='https://evil.example'><input name=password></form>",
    "<style>body{background:url(https://evil.example)}</style>",
    "<div style='position:fixed;top:0'>x</div>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href='https://evil.example'>",
    "<link rel=stylesheet href='https://evil.example/x.css'>",
    "<object data='https://evil.example'></object>",
    "<p class='message button primary' id='main'>Your score: 10</p>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
]
FORBIDDEN = re.compile(
    r"<(script|iframe|object|embed|form|input|meta|base|link|svg|style|annotation-xml|mglyph|maction)\b|\son\w+\s*=|javascript:|evil\.example"
    r"|data:(?!image/(png|jpeg|gif|webp);base64,)|style=|id=",
    re.I,
)


class TestCleaning:
    @pytest.mark.parametrize("text", HOSTILE)
    def test_nothing_that_runs_loads_or_imitates_is_left(self, text):
        assert not FORBIDDEN.search(clean_body(f"<p>before</p>{text}<p>after</p>"))
        assert "before" in clean_body(f"<p>before</p>{text}<p>after</p>")

    @given(
        st.lists(st.sampled_from(HOSTILE) | st.text("<>'\"/ =ascriptonload:-!&;#x0", max_size=20), max_size=6)
    )
    @settings(deadline=None)
    def test_nor_in_any_mixture(self, parts):
        cleaned = clean_body("".join(parts))
        tags = re.findall(r"<[^>]*>", cleaned)
        assert not any(FORBIDDEN.search(tag) for tag in tags)
        assert clean_body(cleaned) == cleaned

    def test_what_helps_reading_stays(self):
        text = (
            "<section class='test good'><h2>Part <span class='points'>2</span></h2><table><tr><td>1</td></tr></table>"
            "<img alt='plot' src='data:image/png;base64,iVBORw0KGgo='><a href='https://numpy.org'>NumPy</a></section>"
        )
        cleaned = clean_body(text)
        for kept in (
            'class="good test"',
            "<td>1</td>",
            "data:image/png",
            "https://numpy.org",
            'class="points"',
        ):
            assert kept in cleaned
        assert 'rel="noopener noreferrer nofollow"' in cleaned

    def test_the_file_tells_the_browser_to_run_and_load_nothing(self):
        page = readable_page("<p>{braces} stay</p>")
        assert "default-src 'none'" in POLICY
        assert 'http-equiv="Content-Security-Policy"' in page
        assert "width=device-width" in page
        assert "{braces} stay" in page


class TestHidingTests:
    def hide(self, *cells):
        nb = new_notebook(cells=list(cells))
        return HideTests().preprocess(nb, {})[0]

    def graded(self, outputs, score=0.0, **metadata):
        part = {
            "grade": True,
            "solution": False,
            "grade_id": "t",
            "points": 2,
            "score": score,
            "schema_version": 3,
        }
        return new_code_cell(TEST, outputs=outputs, metadata={"nbgrader": part, **metadata})

    def error(self, message):
        return new_output("error", ename="AssertionError", evalue=message, traceback=[TEST, message])

    def test_a_hidden_tests_text_is_nowhere(self):
        stolen = new_code_cell(
            "x", outputs=[new_output("stream", text=TEST), new_output("display_data", {"text/html": TEST})]
        )
        text = json.dumps(self.hide(stolen, self.graded([self.error(HIDDEN_MESSAGE)])))
        assert HIDDEN_MESSAGE not in text
        assert "-1.5" not in text
        assert "double(3) should be twice 3" in text

    def test_a_test_tells_its_verdict_not_its_traceback(self):
        (cell,) = self.hide(self.graded([self.error("double(3) should be twice 3")])).cells
        assert cell.metadata.verdict == {
            "passed": False,
            "message": "double(3) should be twice 3",
            "difference": None,
        }
        assert cell.outputs == []
        assert cell.source == shown_test(TEST)

    def test_a_test_may_show_its_points_only(self):
        (cell,) = self.hide(self.graded([self.error("double(3) should be twice 3")], show="score")).cells
        assert cell.metadata.verdict.message == ""

    @pytest.mark.parametrize(
        ("show", "expected"), [("difference", {"expected": "6", "got": "3"}), ("message", None)]
    )
    def test_a_difference_is_shown_where_the_test_allows_it(self, show, expected):
        both = new_output("stream", text='before\ntpc-difference {"expected": "6", "got": "3"}\n')
        told = new_output("display_data", {VERDICT: {"passed": False, "message": "twice"}})
        (cell,) = self.hide(self.graded([both, told], show=show)).cells
        assert cell.metadata.verdict.difference == expected

    def test_control_sequences_and_floods_are_cut(self):
        assert scrub("\x1b[31mred\x1b[0m", []) == "red"
        assert len(scrub("x" * 10**6, [])) < 21_000


@pytest.fixture
def graded(tree):
    """A submission of ada's, graded without a sandbox: what it put out is given."""
    return graded_with(
        tree,
        [
            {"output_type": "stream", "name": "stdout", "text": "printed\n<script>alert(2)</script>"},
            {"output_type": "display_data", "metadata": {}, "data": {"text/html": "".join(HOSTILE)}},
        ],
    )


def graded_with(tree, outputs):
    """Return the course, and a submission of ada's whose answer put out what is given."""
    (course,) = (each for each in load_courses(tree) if each.id == COURSE)
    coursework.prepare_course(tree, course)
    intake = Intake(tree, {COURSE: course})
    notebook = nbformat.reads(intake.release(COURSE, EXERCISE).files()[NOTEBOOK].decode(), 4)
    answer = next(
        i for i, cell in enumerate(notebook.cells) if cell.metadata.get("nbgrader", {}).get("solution")
    )
    notebook.cells[answer].source = "def double(x):\n    return x + 1  # <script>alert(1)</script>"
    submission = intake.receive(COURSE, EXERCISE, "ada", pack({NOTEBOOK: nbformat.writes(notebook).encode()}))
    score = CellScore("test-double", 0.0, 2.0, False, "double(3) should be twice 3")
    record(tree, course, submission, result_of(tree, submission, score, outputs={answer: outputs}))
    return course, submission


class TestReleasing:
    def test_from_a_grade_to_the_page_that_a_student_reads(self, tree, graded):
        course, submission = graded
        assert newest_feedback(tree, course, EXERCISE, "ada") is None
        assert coursework.release_feedback(tree, course, EXERCISE) == (1, ())
        found, page = newest_feedback(tree, course, EXERCISE, "ada")
        assert found == submission
        body = page[page.index("<main") :]
        for shown in (
            "0 of 2 points",
            "Not passed: test-double",
            "double(3) should be twice 3",
            "return x + 1",
            "printed",
        ):
            assert shown in body
        assert not any(FORBIDDEN.search(tag) for tag in re.findall(r"<[^>]*>", body))
        assert HIDDEN_MESSAGE not in page
        assert "-1.5" not in page
        where = standing(tree, course, EXERCISE, "ada")
        assert (where.score, where.max_score, where.feedback) == (0.0, 2.0, True)

    def test_feedback_belongs_to_the_submission_that_was_graded(self, tree, graded):
        course, submission = graded
        later = Intake(tree, {COURSE: course}).store.add(COURSE, EXERCISE, "ada", "v", {NOTEBOOK: b"{}"})
        coursework.release_feedback(tree, course, EXERCISE)
        assert released_feedback(tree, later.id) == {}
        assert released_feedback(tree, submission.id)

    def test_publishing_again_takes_the_place_of_the_page_before(self, tree):
        for text in ("<p>first</p>", "<p>second</p>"):
            publish_feedback(tree, "id", "double", text)
        (page,) = released_feedback(tree, "id").values()
        assert b"second" in page
        assert b"first" not in page


PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n and so on").decode()
PROSE = (
    "here ![my plot](attachment:my%20plot.png) and ![gone](attachment:gone.png)",
    "![entity](attach&#109;ent:gone.png)",
    r"![backslash](attachment\:gone.png)",
    "![r][r]\n\n[r]: attachment:gone.png",
    "![vector](attachment:drawing.svg)",
    "<script>alert(3)</script><img src=x onerror=alert(4)> [go](javascript:alert(5))",
    "\\begin{a}" * 20_000,
)


@pytest.fixture
def with_prose(tree):
    """Submissions of ada, who added text and pictures of her own, and of bob, who did not."""
    (course,) = (each for each in load_courses(tree) if each.id == COURSE)
    coursework.prepare_course(tree, course)
    intake = Intake(tree, {COURSE: course})
    for student, texts in (("ada", PROSE), ("bob", ())):
        notebook = nbformat.reads(intake.release(COURSE, EXERCISE).files()[NOTEBOOK].decode(), 4)
        for text in texts:
            added = nbformat.v4.new_markdown_cell(text)
            added["attachments"] = {
                "my plot.png": {"image/png": PICTURE},
                "drawing.svg": {"image/svg+xml": "<svg onload=alert(6)>"},
                "gone.png": {"image/png": ["no", 3, None]},
            }
            notebook.cells.append(added)
        submission = intake.receive(
            COURSE, EXERCISE, student, pack({NOTEBOOK: json.dumps(notebook).encode()})
        )
        score = CellScore("test-double", 2.0, 2.0, True)
        record(tree, course, submission, result_of(tree, submission, score))
    return course


def formgraders_page(tree, course):
    """Return ada's work as the formgrader shows it: its own settings, then those of the course folder."""
    config = CampusFormgrader().build_extra_config()
    config.merge(coursework.course_config(tree, course))
    path = tree.nbgrader(COURSE) / "autograded" / "ada" / EXERCISE / NOTEBOOK
    resources = {"base_url": "", "index": 0, "total": 1, "student": "ada", "submission_id": "1"}
    page = HTMLExporter(config=config).from_filename(str(path), resources=resources)[0]
    assert '<div class="help">' in page
    assert "cdnjs" not in page
    return page


class TestProse:
    def test_pasted_pictures_are_shown_and_missing_ones_hold_up_nobody(self, tree, with_prose):
        assert coursework.release_feedback(tree, with_prose, EXERCISE) == (2, ())
        body = newest_feedback(tree, with_prose, EXERCISE, "ada")[1].partition("<main")[2]
        assert f'src="data:image/png;base64,{PICTURE}"' in body
        assert body.count("<img") == 2  # that one, and the harmless rest of a hostile one
        for words in ("[gone]", "[entity]", "[backslash]", "[r]", "[vector]"):
            assert words in body
        assert not any(FORBIDDEN.search(tag) for tag in re.findall(r"<[^>]*>", body))

    def test_the_formgraders_pages_run_nothing_of_a_students_text(self, tree, with_prose):
        page = formgraders_page(tree, with_prose)
        for hostile in ("<script>alert(3)", "onerror", 'href="javascript', "onload=alert"):
            assert hostile not in page
        assert PICTURE in page

    def test_who_gets_no_page_is_told_and_the_others_get_theirs(self, tree, with_prose):
        (tree.nbgrader(COURSE) / "autograded" / "ada" / EXERCISE / NOTEBOOK).write_text("{ no notebook")
        assert coursework.release_feedback(tree, with_prose, EXERCISE) == (1, ("ada",))
        assert newest_feedback(tree, with_prose, EXERCISE, "bob")


FORMULAS = {
    "$a_1$": "<msub>",
    "$$ \\sqrt{\\frac{1}{n}} $$": "<msqrt>",
    "so \\(x^2\\) is": "<msup>",
    "so \\\\(x^2\\\\) is": "<msup>",
    "\\[ x^2 \\]": "<msup>",
    "so $$\nx^2\n$$": "<msup>",
    "\\begin{align}a&=b\\\\\nc&=d\\end{align}": "<mtable",
}
# The last ones: nested too deep for the converter, without end (a thousand brackets), and too long.
HOSTILE_FORMULAS = [
    r"$\href{javascript:alert(1)}{x}$",
    "$</math><img src=x onerror=alert(1)>$",
    r"$\text{<img src=x onerror=alert(1)></math>}$",
    r"$\text{</mtext><style>*{position:fixed}</style>}\style{position:fixed}{x}\class{points}{y}$",
    "$" + '"' + " onmouseover=alert(1) x=" + '"$',
    "$\x00 \ud800$",
    "$" + "{" * 1900 + "$",
    "$" + r"\frac{" * 280 + "x" + "}1" * 280 + "$",
    r"$\newcommand{\a}{" + r"\sqrt" * 300 + "}" + r"\a" * 200 + " x$",
    "$" + "[" * 1000 + "$",
    "$" + "x+" * 50_000 + "$",
]


class Elements(HTMLParser):
    """What a browser would make: names of elements, and of attributes but those of formulas and links."""

    def __init__(self, text):
        super().__init__()
        self.names, self.attributes = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}


class TestFormulas:
    def shown(self, text):
        return shown_markdown({"cell": {}, "resources": {}}, text)

    @pytest.mark.parametrize("text", FORMULAS)
    def test_they_are_drawn_and_tell_their_tex(self, text):
        shown = self.shown(text)
        assert FORMULAS[text] in shown
        assert " alttext=" in shown
        assert not re.search(r"\$|\\\\|<code", re.sub("<[^>]*>", " ", shown))
        assert clean_body(shown) == shown

    @pytest.mark.parametrize(
        "text",
        [
            "costs $5 and $6",
            "US$5 or US$6 a day",
            "`$HOME` and `$PATH`",
            "`$$` and `$$`",
            "```\n$x$ and $$y$$\n```",
            r"\[1\] said so",
        ],
    )
    def test_dollars_in_prose_and_code_stay(self, text):
        assert "<math" not in self.shown(text)
        assert text.count("$") == self.shown(text).count("$")

    @pytest.mark.parametrize("text", HOSTILE_FORMULAS, ids=range(len(HOSTILE_FORMULAS)))
    def test_hostile_ones_run_nothing_and_hold_up_nobody(self, text):
        shown = Elements(self.shown(f"before {text}\n\nafter $a$"))
        assert shown.names <= ELEMENTS | {"p", "span", "code", "pre", "img"}
        assert shown.attributes <= {"alttext", "class", "lspace", "rspace", "stretchy"}

    def test_what_cannot_be_converted_stays_as_typed(self):
        assert "<code>$\\nosuchcommand x$</code>" in self.shown("see $\\nosuchcommand x$")
        assert "<code>$\\textbf{x}$</code>" in self.shown("see $\\textbf{x}$")

    def test_a_page_of_them_has_its_time(self):
        used = {"prose_seconds": MAX_PAGE_SECONDS}
        assert shown_markdown({"cell": {}, "resources": used}, "$a_7$") == "<pre>$a_7$</pre>"
        self.spends(used := {})
        assert 0 < used["prose_seconds"] < MAX_PAGE_SECONDS

    def spends(self, used):
        assert "<math" in shown_markdown({"cell": {}, "resources": used}, "$a_8$")

    def test_a_wide_one_scrolls_inside_the_page(self):
        body = self.shown(
            "$$" + "+".join(f"x_{{{i}}}^2" for i in range(80)) + "$$\n\nand $" + "a+" * 200 + "b$"
        )
        assert body.count("<math") == 2
        with chromium() as browser:
            page = new_page(browser, 390)
            page.set_content(readable_page(f'<section class="text">{body}</section>'))
            assert page.evaluate("document.documentElement.scrollWidth") == 390
            assert page.evaluate("document.querySelector('math').scrollWidth || 1000") > 390
            assert page.evaluate("document.querySelector('math').namespaceURI").endswith("MathML")


def tags(page):
    """Return the tags of a page without the TeX that formulas tell."""
    return re.findall(r"<[^>]*>", re.sub(r""" alttext=("[^"]*"|'[^']*')""", "", page))


JPEG = base64.b64encode(b"\xff\xd8\xff and so on").decode()
PUT_OUT = {
    r"$\displaystyle \sqrt{\frac{1}{n}}$": "text/latex",
    r"\begin{align}a &< b\\ c &> d\end{align}": "text/latex",
    "*so* $p<q$ & **more**\n\n$$x^2$$": "text/markdown",
    JPEG: "image/jpeg",
}


class TestOutputs:
    """What cells put out, from the sandbox's words to the page."""

    def body(self, tree, bundles):
        shown = [
            {"output_type": "display_data", "data": {**bundle, "text/plain": "<object>"}}
            for bundle in bundles
        ]
        course, _ = graded_with(tree, Cleaner(Limits()).clean(shown))
        page = formgraders_page(tree, course).partition("<main")[2]
        assert "<script>alert" not in page
        assert [tag for tag in tags(page) if re.search(r"\son\w+\s*=|javascript:|evil\.example", tag)] == []
        assert coursework.release_feedback(tree, course, EXERCISE) == (1, ())
        return newest_feedback(tree, course, EXERCISE, "ada")[1].partition("<main")[2]

    def test_formulas_prose_and_pictures_are_drawn(self, tree):
        body = self.body(tree, [{kind: text} for text, kind in PUT_OUT.items()])
        for drawn in ("<msqrt>", "<mtable", "<em>so</em>", "<msup>", "<mi>p</mi><mo>&lt;</mo><mi>q</mi>"):
            assert drawn in body
        assert f'src="data:image/jpeg;base64,{JPEG}"' in body
        assert not re.search(r"object|\$|\\\\", re.sub("<[^>]*>", " ", body))

    @pytest.mark.parametrize("kind", ["text/latex", "text/markdown"])
    def test_hostile_ones_run_nothing_and_hold_up_nobody(self, tree, kind):
        short = [text for text in (*HOSTILE, *HOSTILE_FORMULAS) if len(text) < 5_000]
        body = self.body(tree, [{kind: f"before {text}\n\nafter $a$"} for text in short])
        assert [tag for tag in tags(body) if FORBIDDEN.search(tag)] == []
        assert body.count("before") == len(short)


class TestDifferences:
    @pytest.mark.parametrize(
        ("test", "sides"),
        [
            ("double(3) == 6", ("double(3)", "6")),
            ("np.allclose(f(x), [1, 2])", ("f(x)", "[1, 2]")),
            ("isclose(a, b, rel_tol=1)", ("a", "b")),
            ("a < b < c", None),
            ("callable(f)", None),
            ("not f(x)", None),
        ],
    )
    def test_what_compares_has_two_sides(self, test, sides):
        assert compared(ast.parse(test, mode="eval").body) == sides

    def test_a_forged_line_is_text_and_short(self):
        told = json.dumps({"expected": "<b>", "got": "x" * 1000})
        found = found_difference([{"output_type": "stream", "text": f"tpc-difference {told}\n"}])
        assert found["expected"] == "<b>"
        assert len(found["got"]) == 400
        nested = json.dumps({"expected": "<b>", "got": ["x"]})
        for told in ("{", "[]", "[" * 50_000, nested):
            text = f"tpc-difference {told}"
            assert found_difference([{"output_type": "stream", "text": text}]) is None
        assert found_difference([{"output_type": "stream", "text": "other"}]) is None

    def test_a_failed_test_shows_what_it_expected_and_got(self, tree):
        source = tree.exercise(EXERCISE)
        text = source.read_text().replace(":points: 2", ":points: 2\n:show: difference")
        source.write_text(text)
        (course,) = (each for each in load_courses(tree) if each.id == COURSE)
        coursework.prepare_course(tree, course)
        intake = Intake(tree, {COURSE: course})
        for student, answer in (("ada", "x + 1"), ("bob", "2 * abs(x)")):
            submission = intake.receive(COURSE, EXERCISE, student, answered(intake, f"return {answer}"))
            record(tree, course, submission, grading.run(tree, course, submission))
        coursework.release_feedback(tree, course, EXERCISE)
        _, page = newest_feedback(tree, course, EXERCISE, "ada")
        assert re.search(r"<td><pre>6</pre></td>\s*<td><pre>4</pre></td>", page)
        # Bob fails the hidden test only: he reads its author's words, and nothing of what was tested.
        _, page = newest_feedback(tree, course, EXERCISE, "bob")
        assert HIDDEN_MESSAGE in page
        assert "<th" not in page
        assert not any(hidden in page for hidden in ("-1.5", "-3.0", "3.0"))

    def test_a_misspelled_wish_is_a_problem_of_the_exercise(self, tree):
        source = tree.exercise(EXERCISE)
        source.write_text(source.read_text().replace(":points: 2", ":points: 2\n:show: diff"))
        with pytest.raises(SourceError, match="use one of: score, message, difference"):
            read_exercise(source)


def answered(intake: Intake, body: str) -> bytes:
    """Return the released exercise with this answer, packed."""
    notebook = nbformat.reads(intake.release(COURSE, EXERCISE).files()[NOTEBOOK].decode(), 4)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = f"def double(x):\n    {body}"
    return pack({NOTEBOOK: nbformat.writes(notebook).encode()})


WRITTEN = """
Why does that work?

+++ {"tags": ["answer"], "name": "why", "points": 3}

Because.
"""


def test_a_written_answer_is_not_worth_nothing_before_somebody_read_it(tree):
    path = tree.exercise(EXERCISE)
    path.write_text(path.read_text() + WRITTEN)
    course = next(each for each in load_courses(tree) if each.id == COURSE)
    coursework.prepare_course(tree, course)
    intake = Intake(tree, {COURSE: course})
    notebook = nbformat.reads(intake.release(COURSE, EXERCISE).files()[NOTEBOOK].decode(), 4)
    notebook.cells[-1].source = "It adds the number to itself."
    work = pack({NOTEBOOK: json.dumps(notebook).encode()})
    submission = intake.receive(COURSE, EXERCISE, "ada", work)
    scores = (CellScore("test-double", 2.0, 2.0, True), CellScore("why", 0.0, 3.0, False, manual=True))
    record(tree, course, submission, result_of(tree, submission, *scores))

    def told() -> str:
        assert coursework.release_feedback(tree, course, EXERCISE) == (1, ())
        page = newest_feedback(tree, course, EXERCISE, "ada")[1]
        return " ".join(re.sub(r"<[^>]+>", " ", page.partition("<main")[2]).split())

    assert (
        "Feedback: Doubling for scaling So far 2 of 2 points. Parts that nobody has graded yet are worth 3 more"
        in told()
    )
    assert "Your answer: why not graded yet, 3 points to earn" in told()
    set_by_hand(tree, course, EXERCISE, "ada", "why", 0.0)
    assert "Your answer: why 0 of 3 points" in told()
    assert "not graded yet" not in told()
