"""State folders of older revisions still start: people sign in, and their courses, grades and receipts are there."""

from __future__ import annotations

import re

import pytest
from browser import new_page, sign_in
from campus_tree import make_tree
from old_state import FOLDER, unpack
from playwright.sync_api import expect
from running_campus import running_campus

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
ARCHIVES = sorted(FOLDER.glob("*.tar.xz"))
WORK = "scaling/double-scaling"


@pytest.fixture(scope="module", params=ARCHIVES, ids=lambda path: path.name.removesuffix(".tar.xz"))
def campus(request, tmp_path_factory):
    """The current campus on a state of that revision, in which ada handed in, was graded and got feedback."""
    folder = tmp_path_factory.mktemp("old")
    places = make_tree(folder / "root", folder / "state")
    unpack(request.param, places.state)
    with running_campus(places) as campus:
        yield campus


@pytest.fixture(scope="module")
def ada(campus, browser):
    page = new_page(browser)
    sign_in(page, campus, "ada", "ada-password-1")
    return page


def test_the_archives_are_small_and_name_no_machine():
    assert "state-9f4b993.tar.xz" in {path.name for path in ARCHIVES}
    assert all(path.stat().st_size < 100 * 1024 for path in ARCHIVES)


def test_a_student_signs_in_and_finds_course_score_and_feedback(campus, ada):
    expect(ada.locator("body")).to_contain_text("Hello, Ada Example")
    ada.goto(f"{campus.campus_url}/course/scaling")
    expect(ada.locator("body")).to_contain_text("graded 2/2")
    ada.goto(f"{campus.campus_url}/feedback/{WORK}")
    expect(ada.locator("body")).to_contain_text("return x + x")
    ada.goto(f"{campus.campus_url}/exercise/{WORK}")
    expect(ada.locator("table.parts")).to_contain_text("2 of 2")


def test_a_lesson_of_then_opens_with_the_edits_of_then(campus, ada):
    ada.goto(f"{campus.campus_url}/open/scaling/first-steps")
    ada.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
    lesson = campus.places.homes / "ada" / "lessons" / "scaling" / "first-steps.ipynb"
    assert "My own notes" in lesson.read_text()
    # That campus had published a paragraph that this one does not: an edited lesson follows its source.
    assert "came later" not in lesson.read_text()


def test_a_receipt_of_then_holds(campus):
    (file,) = (campus.places.homes / "ada" / WORK / "receipts").glob("*.json")
    assert "The receipt holds. ada handed in" in campus.run("receipt", "verify", str(file))


def test_an_instructor_sees_the_class_and_its_gradebook(campus, browser):
    page = new_page(browser)
    # The password of the first start was shown on a screen that is gone.
    password = re.search(r"password (\S+),", campus.run("user", "password", "instructor"))[1]
    sign_in(page, campus, "instructor", password)
    page.goto(f"{campus.campus_url}/course/scaling/class")
    expect(page.locator("tr", has_text="ada")).to_contain_text("2/2")
    with page.context.expect_page() as opened:
        page.click('button:has-text("formgrader")')
    opened.value.wait_for_url("**/formgrader/gradebook")
    expect(opened.value.locator("tbody")).to_contain_text("double-scaling")
