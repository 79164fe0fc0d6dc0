"""Pages that follow work under way, in a browser: nothing that somebody types, opens or marks is lost."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import test_class_page
import uvicorn
from browser import new_page
from playwright.sync_api import Browser, Page, expect
from running_campus import free_ports
from signed_in import TOKEN, signed_in_client
from test_class_page import EXERCISE, campus, hand_in, work_off
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import read_course
from tpc_grader.desk import regrade
from tpc_grader.grades import visibility
from tpc_grader.submissions.store import Store
from tpc_grader.worker.classwork import queue_class
from tpc_hub.web.app import PREFIX, make_app

__all__ = ["campus"]  # fixtures
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
CLASS = f"{PREFIX}/course/scaling/class"


@dataclass
class Served:
    """The campus service as people reach it; `asked` are the pages asked for so far."""

    places: Places
    url: str
    server: uvicorn.Server
    asked: list[str]


@pytest.fixture
def service(campus: Places, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    port = free_ports()
    monkeypatch.setenv("CAMPUS_PORT", str(port))
    app, asked = make_app(), list[str]()
    app.state.campus.auth.cache.max_age = 3600  # there is no hub to ask again
    signed_in_client(app, "teacher", "formgrade-scaling")

    async def counted(scope, receive, send):
        asked.append(scope.get("path", ""))
        await app(scope, receive, send)

    server = uvicorn.Server(uvicorn.Config(counted, port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield Served(campus, f"http://hub.localhost:{port}", server, asked)
    server.should_exit = True
    thread.join()


@pytest.fixture
def page(service: Served, browser: Browser) -> Page:
    page = new_page(browser)
    page.context.add_cookies(
        [{"name": "campus-session", "value": TOKEN, "domain": "hub.localhost", "path": PREFIX}]
    )
    return page


@pytest.fixture
def followed(service: Served, page: Page) -> Page:
    """The class page while one submission waits to be graded, with a question of ada open."""
    places = service.places
    course = read_course(places.courses / "scaling.yml", places)
    hand_in(places, "ada", 4)
    work_off(places)
    visibility.release(places, course, EXERCISE, "teacher")
    newest = Store(places).newest("scaling", EXERCISE, "ada")
    regrade.request(places, course, newest, test_class_page.quick_grading.CELL, "please")
    page.goto(f"{service.url}{CLASS}")
    hand_in(places, "bob", 7)
    page.get_by_role("button", name="Grade").first.click()
    expect(page.locator("#notes")).to_contain_text("0 of 1 done")
    return page


def test_what_is_typed_opened_and_marked_stays_while_the_class_is_graded(service, followed):
    page, places = followed, service.places
    page.fill("#announcement", "Half a sentence")
    page.select_option("#extend-student", "bob")
    page.locator("details", has_text="1 regrade request").locator("summary").click()
    page.locator("details", has_text="1 regrade request").locator("summary").click()
    page.locator("#words-1").press_sequentially("For ad")
    page.evaluate("document.querySelector('#words-1').setSelectionRange(1, 3)")
    # A question of somebody else comes in before this one, and the work ends.
    work_off(places)
    course = read_course(places.courses / "scaling.yml", places)
    newest = Store(places).newest("scaling", EXERCISE, "bob")
    regrade.request(places, course, newest, test_class_page.quick_grading.CELL, "me too")
    expect(page.locator("#notes")).to_contain_text("graded 1 submission, 0 failed")
    expect(page.locator("#notes")).not_to_contain_text("0 of 1 done")
    expect(page.locator("#student-bob")).to_contain_text("7/10")
    expect(page.locator("#words-2")).to_be_visible()
    assert page.input_value("#words-1") == "For ad"
    assert page.input_value("#words-2") == ""
    assert page.evaluate("[document.activeElement.id, document.activeElement.selectionStart]") == [
        "words-1",
        1,
    ]
    assert page.input_value("#announcement") == "Half a sentence"
    assert page.input_value("#extend-student") == "bob"
    assert page.locator("#notes").get_attribute("role") == "status"
    # Nothing is under way any more, and nothing is asked for any more.
    before = len(service.asked)
    page.wait_for_timeout(7000)
    assert len(service.asked) == before
    assert "data-again" not in page.content() or page.locator("main").get_attribute("data-again") == ""
    page.locator("#words-1").press_sequentially("a")
    page.get_by_role("button", name="Answer ada").click()
    expect(page.locator("#notes")).to_contain_text("answered")


def test_a_refused_form_comes_back_with_the_focus_on_the_field_and_is_followed_too(service, followed):
    page = followed
    page.fill("#announcement", "Kept?")
    page.select_option("#extend-student", "bob")
    page.fill("#extend-until", "2001-01-01T10:00")
    page.fill("#extend-reason", 'was "ill"')
    page.get_by_role("button", name="Extend").click()
    expect(page.locator("#refused")).to_contain_text("before the due date")
    expect(page).to_have_title(re.compile("^Not done: Class"))
    until = page.locator("#extend-until")
    expect(until).to_be_focused()
    assert until.get_attribute("aria-describedby") == "refused"
    values = {name: page.input_value(f"#extend-{name}") for name in ("student", "until", "reason")}
    assert values == {"student": "bob", "until": "2001-01-01T10:00", "reason": 'was "ill"'}
    before = len(service.asked)
    work_off(service.places)
    expect(page.locator("#notes")).to_contain_text("graded 1 submission, 0 failed")
    assert service.asked[before:].count(CLASS) >= 1
    assert page.input_value("#extend-reason") == 'was "ill"'
    expect(page.locator("#refused")).to_be_visible()
    link = page.get_by_role("link", name="Stuck").get_attribute("href")
    assert link == f"{CLASS}?show=stuck&sort=#table"
    page.fill("#extend-until", "2099-03-01T10:00")
    page.get_by_role("button", name="Extend").click()
    expect(page.locator("#notes")).to_contain_text("may hand in")


def test_a_page_that_gets_no_answer_says_so_keeps_what_is_typed_and_goes_on(service, followed):
    page = followed
    page.fill("#announcement", "Half a sentence")
    page.context.set_offline(True)
    expect(page.locator("#stale")).to_contain_text("does not answer")
    page.context.set_offline(False)
    expect(page.locator("#stale")).to_be_empty()
    page.context.clear_cookies()
    expect(page.locator("#stale")).to_contain_text("You were signed out")
    assert page.input_value("#announcement") == "Half a sentence"


def test_a_page_in_the_background_asks_for_nothing(service, followed):
    page = followed
    hide = "Object.defineProperty(document, 'hidden', {value: %s, configurable: true});"
    page.evaluate(hide % "true" + "document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(1000)
    before = len(service.asked)
    page.wait_for_timeout(7000)
    assert len(service.asked) == before
    work_off(service.places)
    page.evaluate(hide % "false" + "document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#notes")).to_contain_text("graded 1 submission")


def test_without_scripts_a_link_looks_again(service, followed, browser):
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies(followed.context.cookies())
    plain = context.new_page()
    plain.goto(f"{service.url}{CLASS}?show=missing")
    expect(plain.locator("#notes")).to_contain_text("0 of 1 done")
    work_off(service.places)
    plain.get_by_role("link", name="Look again").click()
    expect(plain.locator("#notes")).to_contain_text("graded 1 submission")
    expect(plain).to_have_url(f"{service.url}{CLASS}?show=missing&sort=")


def test_nothing_but_the_pages_own_script_runs(service, followed):
    page = followed
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))"
    )
    assert page.evaluate("window.ran") is None
    queue_class(service.places, read_course(service.places.courses / "scaling.yml", service.places), EXERCISE)
