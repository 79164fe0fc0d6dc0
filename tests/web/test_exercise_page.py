"""The pages of a student: what is due, what was handed in, what came of it, and a request for a regrade."""

from __future__ import annotations

import datetime as dt
import runpy
from dataclasses import replace

import pytest
import uvicorn
from class_tree import COURSE, EXERCISE, released_class, shift_clock, work
from signed_in import FORM, HUB, signed_in_client
from tpc_courses.sources.exercise import read_exercise
from tpc_grader.desk.appeals import requests_of
from tpc_grader.desk.extensions import grant
from tpc_grader.desk.intake import Intake
from tpc_grader.feedback.publish import publish_feedback
from tpc_grader.grades import visibility
from tpc_grader.grades.scores import Score
from tpc_grader.queue import progress, queue
from tpc_grader.results.results import CellScore, Graded
from tpc_hub.people import people
from tpc_hub.people.people import Person, enrol
from tpc_hub.web.app import make_app
from tpc_hub.web.session.times import duration, relative
from tpc_hub.web.student.exercise import AGAIN_SECONDS, part_results

NOON = dt.datetime(2099, 1, 29, 12, tzinfo=dt.UTC)
PAGE = f"/services/campus/exercise/{COURSE}/{EXERCISE}"
PASSED = Graded("graded", "", "", (CellScore("test-double", 2.0, 2.0, True),), "version1")
FAILED = replace(PASSED, cells=(CellScore("test-double", 0.0, 2.0, False, "double(3) should be twice 3"),))


@pytest.fixture
def intake(tree):
    return Intake(tree, released_class(tree))


@pytest.fixture
def browser(tree, intake, monkeypatch):
    """A browser in which ada is signed in; the hub is not asked, for her groups are right already."""
    for name, value in {
        "CAMPUS_ROOT": tree.root,
        "CAMPUS_STATE": tree.state,
        **HUB,
    }.items():
        monkeypatch.setenv(name, str(value))
    with people.transaction(tree) as session:
        session.add(Person(name="ada", display_name="Ada"))
        session.flush()
        enrol(session, COURSE, "ada")
    return signed_in_client(make_app(), "ada", f"nbgrader-{COURSE}", follow_redirects=False)


def stand(monkeypatch, **changes) -> None:
    """Let the queue say that the submission stands like this."""
    found = progress.Progress(**{"state": "graded", **changes})
    monkeypatch.setattr(queue, "progress", lambda *_: found)


def test_a_page_that_loads_itself_again_finds_its_connection_open(browser, monkeypatch):
    told = {}
    monkeypatch.setattr(uvicorn, "run", lambda app, **options: told.update(options))
    monkeypatch.setenv("JUPYTERHUB_SERVICE_URL", "http://127.0.0.1:8003")
    runpy.run_module("tpc_hub.web.__main__")
    # The proxy closes idle connections after 5 s; were the service as quick, some page would meet a closed one.
    assert told["timeout_keep_alive"] > 2 * AGAIN_SECONDS


class TestBeforeSubmitting:
    def test_the_page_says_what_is_asked_until_when_and_how_to_begin(self, browser, monkeypatch):
        shift_clock(monkeypatch, NOON)
        page = browser.get(PAGE).text
        for told in ("2 points", "Thu 29 Jan 2099 18:00 CET, in 5 hours", "test-double", "Assignment List"):
            assert told in page

    def test_lateness_is_said_with_its_price(self, browser, monkeypatch):
        shift_clock(monkeypatch, NOON + dt.timedelta(days=1))
        page = browser.get(PAGE).text
        assert "Late work is accepted until Sun 01 Feb 2099 18:00 CET, in 2 days" in page
        assert "costs 10 % of the points" in page
        shift_clock(monkeypatch, NOON + dt.timedelta(days=5))
        assert "This exercise is closed" in browser.get(PAGE).text

    def test_an_extension_moves_the_date(self, browser, tree, intake):
        grant(tree, intake.courses[COURSE], EXERCISE, "ada", NOON + dt.timedelta(days=9), "", "teacher")
        assert "07 Feb 2099 13:00 CET" in browser.get(PAGE).text
        assert "(your extension)" in browser.get(PAGE).text

    def test_home_names_what_is_due_soon_before_the_next_lesson(self, browser, monkeypatch):
        assert "Start: First steps" in browser.get("/services/campus/").text
        shift_clock(monkeypatch, NOON)
        page = browser.get("/services/campus/").text
        assert "Exercise due: Doubling for scaling" in page
        assert PAGE in page

    @pytest.mark.parametrize(
        "path", ["exercise/data/double-data", f"exercise/{COURSE}/other", "exercise/x/y"]
    )
    def test_other_courses_and_exercises_are_not_found(self, browser, path):
        assert browser.get(f"/services/campus/{path}").status_code == 404


class TestAfterSubmitting:
    def test_the_receipt_is_on_the_page_and_can_be_saved(self, browser, intake):
        submission = intake.receive(COURSE, EXERCISE, "ada", work())
        page = browser.get(PAGE).text
        assert submission.receipt.code in page
        assert submission.sha256 in page
        saved = browser.get(f"/services/campus/receipt/{submission.id}.json")
        assert saved.text == submission.receipt.text()
        assert "attachment" in saved.headers["Content-Disposition"]

    def test_nobody_else_gets_it(self, browser, intake):
        other = intake.receive(COURSE, EXERCISE, "bob", work())
        assert browser.get(f"/services/campus/receipt/{other.id}.json").status_code == 404
        assert other.receipt.code not in browser.get(PAGE).text

    def test_who_waits_sees_their_place_and_the_page_follows(self, browser, intake, monkeypatch):
        intake.receive(COURSE, EXERCISE, "ada", work())
        stand(monkeypatch, state="queued", position=3, seconds_left=40.0)
        answer = browser.get(PAGE)
        assert "number 3 in the queue, about 40 seconds left" in answer.text
        assert f'data-again="{AGAIN_SECONDS}"' in answer.text

    @pytest.mark.parametrize(
        ("seconds_left", "public_seconds_left", "said"),
        [
            (40.0, 3.0, "about 40 seconds left, the visible tests in about 3 seconds."),
            (None, 3.0, "in the queue, the visible tests in about 3 seconds."),
            (None, None, "number 3 in the queue, how long is not known yet."),
            (0.2, None, "about 1 second left."),
        ],
    )
    def test_no_time_is_made_up(self, browser, intake, monkeypatch, seconds_left, public_seconds_left, said):
        intake.receive(COURSE, EXERCISE, "ada", work())
        stand(
            monkeypatch,
            state="queued",
            position=3,
            seconds_left=seconds_left,
            public_seconds_left=public_seconds_left,
        )
        assert said in browser.get(PAGE).text

    def test_a_real_queue_says_so_too(self, browser, tree, intake):
        queue.submitted(tree, intake.receive(COURSE, EXERCISE, "ada", work()))
        assert "in the queue" in browser.get(PAGE).text

    def test_visible_tests_are_told_at_once_and_no_points(self, browser, intake, monkeypatch):
        intake.receive(COURSE, EXERCISE, "ada", work())
        stand(monkeypatch, public_result=FAILED)
        page = browser.get(PAGE).text
        assert "visible tests not passed" in page
        assert "double(3) should be twice 3" in page
        assert "You see your score when your instructor releases it." in page
        assert "0 of 2" not in page
        assert "data-again" not in browser.get(PAGE).text

    def test_a_typed_outcome_comes_with_its_reason(self, browser, intake, monkeypatch):
        intake.receive(COURSE, EXERCISE, "ada", work())
        stand(monkeypatch, result=replace(FAILED, outcome="timeout", reason="Your code took too long."))
        assert "Your code took too long." in browser.get(PAGE).text

    def test_a_fault_of_the_grader_is_not_the_students(self, browser, intake, monkeypatch):
        intake.receive(COURSE, EXERCISE, "ada", work())
        stand(monkeypatch, state="failed", reason="The grader had a fault that is not yours.")
        assert "a fault that is not yours" in browser.get(PAGE).text

    def test_feedback_is_served_with_a_policy_that_runs_nothing(self, browser, tree, intake):
        submission = intake.receive(COURSE, EXERCISE, "ada", work())
        address = f"/services/campus/feedback/{COURSE}/{EXERCISE}"
        assert browser.get(address).status_code == 404
        publish_feedback(tree, submission.id, EXERCISE, "<h1>Read me</h1><script>alert(1)</script>")
        assert "Read feedback" in browser.get(PAGE).text
        answer = browser.get(address)
        assert "Read me" in answer.text
        assert "<script" not in answer.text
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "sandbox" in policy
        assert "script-src" not in policy


class TestParts:
    def test_a_persons_score_counts_before_the_run(self, tree):
        exercise = read_exercise(tree.exercise(EXERCISE))
        stands = progress.Progress("graded", result=FAILED)
        (part,) = part_results(exercise, stands, {"test-double": Score(0.0, 1.5, 2.0)})
        assert (part.state, part.mood) == ("1.5 of 2", "warn")

    def test_hidden_scores_are_nowhere(self, tree):
        exercise = read_exercise(tree.exercise(EXERCISE))
        (part,) = part_results(exercise, progress.Progress("graded"), {})
        assert (part.state, part.message) == ("not graded yet", "")


class TestRegrading:
    def ask(self, browser, **form):
        return browser.post(f"{PAGE}/regrade", data={"form_token": FORM, "cell": "test-double", **form})

    def test_a_request_is_kept_and_shown_once_the_score_is_seen(self, browser, tree, intake, monkeypatch):
        intake.receive(COURSE, EXERCISE, "ada", work())
        refused = self.ask(browser, reason="The test is wrong.")
        assert refused.status_code == 403
        assert "Your score is not released yet" in refused.text
        visibility.release(tree, intake.courses[COURSE], EXERCISE, "teacher")
        scores = {"test-double": Score(0.0, None, 2.0)}
        for module in ("tpc_grader.desk.appeals", "tpc_hub.web.student.exercise"):
            monkeypatch.setattr(f"{module}.cell_scores", lambda *_: scores)
        assert "Ask for a regrade" in browser.get(PAGE).text
        assert self.ask(browser, reason="The <b>test</b> is wrong.").status_code == 303
        (row,) = requests_of(tree, COURSE, EXERCISE, "ada")
        assert (row.cell, row.reason) == ("test-double", "The <b>test</b> is wrong.")
        page = browser.get(PAGE).text
        assert "The &lt;b&gt;test&lt;/b&gt; is wrong." in page
        assert "Not answered yet" in page

    def test_a_form_that_is_not_ours_is_refused(self, browser, intake):
        intake.receive(COURSE, EXERCISE, "ada", work())
        assert self.ask(browser, form_token="guessed", reason="x").status_code == 403

    def test_who_handed_in_nothing_has_nothing_to_ask(self, browser):
        assert self.ask(browser, reason="x").status_code == 404


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 second"),
        (40, "40 seconds"),
        (60, "1 minute"),
        (5400, "2 hours"),
        (86_400, "1 day"),
        (2e5, "2 days"),
    ],
)
def test_durations_are_told_in_their_largest_unit(seconds, words):
    assert duration(seconds) == words
    assert relative(NOON + dt.timedelta(seconds=seconds), NOON) == f"in {words}"
    assert relative(NOON - dt.timedelta(seconds=seconds), NOON) == f"{words} ago"
