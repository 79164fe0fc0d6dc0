"""People of an OpenID provider, whose names are no names of hosts or folders: from sign-in to the class's grades."""

from __future__ import annotations

import csv
import io
import re

import pytest
from browser import new_page
from campus_tree import make_tree
from oidc_provider import oidc_provider, use_provider
from playwright.sync_api import expect
from running_campus import RunningCampus, running_campus

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
PEOPLE = {
    "ada": {
        "preferred_username": "ada.lovelace@example.org",
        "name": "Ada Lovelace",
        "email": "ada.lovelace@example.org",
        "email_verified": True,
    },
    "grace": {"preferred_username": "12grace", "name": "Grace Hopper"},
    "other": {"preferred_username": "Ada.Lovelace@example.org", "name": "Another Ada"},
    "teacher": {"preferred_username": "r.feynman", "name": "Richard Feynman", "email": "rf@example.org"},
}


@pytest.fixture(scope="module")
def campus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("outside")
    places = make_tree(folder / "root", folder / "state")
    with oidc_provider(PEOPLE) as url:
        use_provider(places, url)
        with running_campus(places, None, "--profile", "oidc") as campus:
            yield campus


@pytest.fixture(scope="module")
def teacher(campus, browser):
    file = campus.places.root / "class.csv"
    file.write_text("login;role\nr.feynman;instructor\nada.lovelace@example.org;student\n")
    assert "joins as instructor" in campus.run("roster", "import", "scaling", str(file), "--apply")
    return enter(campus, browser, "teacher")


@pytest.fixture(scope="module")
def grace(campus, browser, teacher):
    """A student whose name begins with a digit, and whom no roster announced."""
    page = enter(campus, browser, "grace")
    page.fill("#code", campus.code("scaling"))
    page.get_by_role("button", name="Join the course").click()
    page.wait_for_url("**/course/scaling")
    return page


def enter(campus: RunningCampus, browser, who: str):
    """Sign in at the provider; ends on the campus page."""
    page = new_page(browser)
    page.goto(campus.url)
    page.get_by_role("link", name="Sign in").or_(page.get_by_role("button", name="Sign in")).first.click()
    page.click(f"#{who}")
    page.wait_for_url(f"{campus.campus_url}/")
    return page


def test_the_start_screen_says_how_people_get_in(campus):
    assert "sign in by oidc" in campus.screen
    assert "campus user add" in campus.screen


def test_a_visitor_without_an_account_reads_what_one_is_and_whom_to_ask(campus, browser):
    page = new_page(browser, width=390)
    page.goto(f"{campus.campus_url}/open/scaling/first-steps")
    new = page.get_by_role("region", name="New here?")
    expect(new).to_contain_text("You need no new password")
    expect(new).to_contain_text("the class code of your course, which your instructor gives you")
    expect(new).to_contain_text("Ask Grace Hopper, grace@example.org.")
    expect(new.get_by_role("link", name="the book")).to_have_attribute("href", f"{campus.url}/book/")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_person_is_greeted_by_name_and_finds_the_course_of_the_roster(campus, browser, teacher):
    page = enter(campus, browser, "ada")
    expect(page.get_by_role("heading", name="Hello, Ada Lovelace")).to_be_visible()
    expect(page.get_by_role("link", name="Scaling course")).to_be_visible()


def test_a_name_that_differs_in_letters_case_only_is_another_person(campus, browser, teacher):
    page = enter(campus, browser, "other")
    expect(page.get_by_role("heading", name="Hello, Another Ada")).to_be_visible()
    expect(page.get_by_text("You are in no course yet.")).to_be_visible()


def test_a_lesson_opens_in_the_persons_own_server(campus, grace):
    grace.goto(f"{campus.campus_url}/open/scaling/first-steps")
    grace.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
    assert grace.url.startswith(f"http://p12grace.hub.localhost:{campus.port}/")


def test_work_is_handed_in_and_graded_to_the_same_person(campus, grace, teacher):
    grace.goto(f"{campus.url}/hub/user-redirect/lab?reset")
    open_assignments(grace)
    grace.click('#released_assignments_list button:has-text("Fetch")')
    expect(grace.locator("#fetched_assignments_list")).to_contain_text("double-scaling")
    grace.click('#fetched_assignments_list button:has-text("Submit")')
    expect(grace.locator("#submitted_assignments_list")).to_contain_text("double-scaling")
    assert "p12grace" in campus.run("grade", "scaling", "double-scaling")
    teacher.goto(f"{campus.campus_url}/course/scaling/class")
    row = teacher.get_by_role("row").filter(has_text="Grace Hopper")
    expect(row).to_contain_text("0")


def open_assignments(page) -> None:
    page.click('.lm-MenuBar-itemLabel:has-text("Nbgrader")')
    page.click('.lm-Menu-itemLabel:has-text("Assignment List")')


def test_the_grades_name_everybody(campus, teacher):
    with teacher.expect_download() as download:
        teacher.get_by_role("link", name="CSV").first.click()
    text = download.value.path().read_text("utf-8-sig")
    rows = {row["display_name"] for row in csv.DictReader(io.StringIO(text))}
    assert {"Ada Lovelace", "Grace Hopper"} <= rows


def test_passwords_and_sign_in_names_are_said_to_be_the_providers(campus, grace, teacher):
    teacher.goto(f"{campus.campus_url}/course/scaling/person/p12grace")
    expect(teacher.locator("main")).to_contain_text("People sign in by oidc. Passwords are changed there.")
    expect(teacher.locator("main")).to_contain_text("The sign-in name is changed where people sign in")
    assert not teacher.get_by_role("button", name="Make a password link").count()
    grace.goto(f"{campus.campus_url}/account")
    expect(grace.locator("main")).to_contain_text("You sign in by oidc: change your password there.")
    assert grace.goto(f"{campus.url}/hub/password").status == 404


def test_who_signs_out_anywhere_is_out_of_the_campus_at_once(campus, browser):
    for leave in (f"{campus.url}/hub/logout", f"{campus.campus_url}/logout"):
        page = enter(campus, browser, "ada")
        page.goto(f"{campus.campus_url}/course/scaling")
        expect(page.get_by_role("heading", name="Scaling course")).to_be_visible()
        page.goto(leave)
        page.wait_for_load_state()
        page.goto(f"{campus.campus_url}/course/scaling")
        expect(page).to_have_url(re.compile("/hub/login"))
        page.context.close()
