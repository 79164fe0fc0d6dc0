"""A class from sign-up to feedback, in a real browser on a real campus."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import zipfile

import nbformat
import psutil
import pytest
from browser import new_page, run_all_cells, sign_in, sign_up
from campus_tree import REPOSITORY, make_tree, write
from playwright.sync_api import expect
from running_campus import free_ports, running_campus, start_campus, stop_campus, wait_for
from test_erasing import left_over
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import load_courses
from tpc_grader.desk.intake import Intake
from tpc_grader.submissions.archive import pack
from tpc_hub.deploy.up import _belongs

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
STUDENT_PAGES = ("exercise/scaling/double-scaling", "feedback/scaling/double-scaling", "receipts", "account")
SCREENSHOTS = os.environ.get("CAMPUS_SCREENSHOTS")


@pytest.fixture(scope="module")
def campus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("campus")
    with running_campus(make_tree(folder / "root", folder / "state"), book=True) as campus:
        yield campus


@pytest.fixture(scope="module")
def ada(campus, browser):
    """A student of the scaling course, signed up in the browser."""
    page = new_page(browser)
    sign_up(page, campus, "scaling", "ada")
    return page


@pytest.fixture(scope="module")
def teacher(campus, browser):
    page = new_page(browser)
    sign_in(page, campus, "instructor", campus.instructor_password())
    return page


def show(page, campus, path: str) -> None:
    """Open a page of the campus. Feedback lets nothing run, not even a test's script: a blank page shows it."""
    answer = page.goto(f"{campus.campus_url}/{path}")
    if path.startswith("feedback/"):
        text = answer.text()
        page.goto("about:blank")
        page.set_content(text)


def tabs(page) -> list[str]:
    """Return what the tabs of JupyterLab read."""
    after = "getComputedStyle(each, '::after').content.replaceAll('\"', '')"
    labels = page.locator("#jp-main-dock-panel .lm-TabBar-tabLabel")
    return labels.evaluate_all(f"found => found.map(each => each.textContent + {after})")


def open_assignments(page) -> None:
    page.click('.lm-MenuBar-itemLabel:has-text("Nbgrader")')
    page.click('.lm-Menu-itemLabel:has-text("Assignment List")')


def test_the_ready_line_and_the_start_screen_say_how_to_go_on(campus):
    assert f"TPC Campus is ready at {campus.url}" in campus.screen
    for text in (
        "As instructor",
        "As student",
        "/book/",
        "State",
        "Protected on this machine:",
        "Stop with Ctrl-C",
    ):
        assert text in campus.screen


def test_who_opens_127_0_0_1_is_led_to_the_campus(campus, browser):
    page = new_page(browser)
    page.goto(f"http://127.0.0.1:{campus.port}/")
    assert page.url.startswith(f"{campus.url}/hub/login")


def test_a_wrong_class_code_says_what_to_do(campus, browser):
    page = new_page(browser)
    page.goto(f"{campus.url}/hub/signup")
    for field, text in (
        ("code", "wrong"),
        ("name", "eve"),
        ("display_name", "Eve"),
        ("password", "a long password"),
    ):
        page.fill(f"#{field}", text)
    page.click("#signup_submit")
    expect(page.get_by_role("alert")).to_contain_text("Ask your instructor")


def test_a_student_sees_their_course_and_no_other(campus, ada):
    ada.goto(f"{campus.campus_url}/")
    if SCREENSHOTS:
        ada.screenshot(path=f"{SCREENSHOTS}/campus.png")
    expect(ada.locator("body")).to_contain_text("Scaling course")
    expect(ada.locator("body")).not_to_contain_text("Data course")
    assert ada.goto(f"{campus.campus_url}/course/data").status == 404
    assert ada.goto(f"{campus.campus_url}/course/scaling/class").status == 404


def test_a_students_server_starts_while_they_look_at_their_courses(campus, ada):
    ada.goto(f"{campus.campus_url}/")
    expect(ada.locator("body")).to_contain_text(re.compile("Your JupyterLab is (starting|ready)"))
    ada.goto(f"{campus.url}/hub/home")
    expect(ada.get_by_text("Stop My Server")).to_be_visible()

    def ready() -> bool:
        ada.goto(f"{campus.campus_url}/")
        return "Your JupyterLab is ready." in ada.inner_text("body")

    wait_for(ready, campus.process)


def test_the_course_page_shows_lessons_exercises_and_due_dates(campus, ada):
    ada.goto(f"{campus.campus_url}/course/scaling")
    body = ada.locator("body")
    for text in (
        "First steps in scaling",
        "10 min",
        "add two numbers",
        "2 points",
        "Thu 29 Jan 2099 18:00 CET",
    ):
        expect(body).to_contain_text(text)


def test_one_click_opens_a_lesson_that_runs(campus, ada):
    ada.goto(f"{campus.campus_url}/course/scaling")
    ada.click('a.primary:has-text("Open")')
    run_all_cells(ada)
    ada.wait_for_selector(".jp-OutputArea-output >> text=the answer is 42")
    wait_for(lambda: "first-steps.ipynb (lesson)" in tabs(ada), seconds=60)
    ada.click('.lm-MenuBar-itemLabel:has-text("Nbgrader")')
    expect(ada.locator(".lm-Menu-itemLabel").filter(has_text=re.compile(r"\S"))).to_have_text(
        ["Assignment List"]
    )
    ada.keyboard.press("Escape")


@pytest.mark.parametrize(
    ("method", "late"), [("POST", "sessions"), ("GET", "checkpoints"), ("GET", "nothing")]
)
def test_a_cell_that_runs_at_once_waits_for_its_kernel(campus, ada, method, late):
    """JupyterLab itself asks "Select Kernel" then, or forgets the cell."""
    path = campus.places.homes / "ada" / f"early-{len(late)}.ipynb"
    cell = nbformat.v4.new_code_cell("print(f'early {6 * 7}')")
    kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernelspec}), path)
    os.chown(path, path.parent.stat().st_uid, path.parent.stat().st_gid)
    page = ada.context.new_page()
    page.set_default_timeout(90_000)
    held = []
    page.route(
        f"**/api/**/{late}*",
        lambda route: held.append(route) if route.request.method == method else route.continue_(),
    )
    page.goto(f"http://ada.hub.localhost:{campus.port}/user/ada/lab/tree/{path.name}?reset")
    page.click(".jp-Notebook .jp-CodeCell .cm-content")
    page.keyboard.press("Shift+Enter")
    page.wait_for_timeout(1000)
    for route in held:
        route.continue_()
    page.unroute(f"**/api/**/{late}*")
    page.wait_for_selector(".jp-OutputArea-output >> text=early 42")
    assert not page.locator(".jp-Dialog").count()
    page.close()


def test_an_edited_lesson_survives_an_upstream_change(campus, ada):
    mine = campus.places.homes / "ada" / "lessons" / "scaling" / "first-steps.ipynb"
    notebook = json.loads(mine.read_text())
    notebook["cells"][0]["source"] = ["# My own notes\n"]
    mine.write_text(json.dumps(notebook, indent=1) + "\n")
    source = campus.places.lesson("scaling/first-steps")
    write(source, source.read_text() + "\n+++\n\nA paragraph that came later.\n")
    campus.run("build", "campus")
    ada.goto(f"{campus.campus_url}/open/scaling/first-steps")
    ada.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
    text = mine.read_text()
    assert "My own notes" in text
    upstream = campus.places.lessons_tree / "scaling" / "first-steps.ipynb"
    assert "came later" in upstream.read_text()


def test_a_lesson_that_cannot_be_opened_is_kept_aside_and_the_student_is_told(campus, ada):
    mine = campus.places.homes / "ada" / "lessons" / "scaling" / "first-steps.ipynb"
    good = mine.read_text()
    mine.write_text("<<<<<<< HEAD\nmy own\n")
    ada.goto(f"{campus.campus_url}/open/scaling/first-steps")
    expect(ada.get_by_role("status")).to_contain_text(
        "You had something of your own at lessons/scaling/first-steps"
    )
    (kept,) = mine.parent.glob("first-steps (yours, *).ipynb")
    assert "my own" in kept.read_text()
    ada.get_by_role("link", name="Open the lesson").click()
    ada.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
    assert ada.url.endswith("/lab/tree/lessons/scaling/first-steps.ipynb")
    kept.unlink()
    mine.write_text(good)


def test_a_lesson_that_is_no_more_leads_back_to_the_campus(campus, ada):
    ada.goto(f"{campus.url}/hub/user-redirect/lessons/scaling/long-gone")
    expect(ada.get_by_role("status")).to_contain_text("not among those of this campus any more")
    ada.get_by_role("link", name="Back to my courses").click()
    ada.wait_for_url(f"{campus.campus_url}/")


def test_a_lost_lesson_repository_heals_while_the_campus_runs(campus, ada):
    shutil.rmtree(campus.places.lessons_git)
    shutil.rmtree(campus.places.lessons_tree)
    ada.goto(f"{campus.campus_url}/open/scaling/first-steps")
    ada.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
    assert (campus.places.lessons_git / "info" / "refs").exists()


def test_a_campus_that_gives_no_lessons_opens_them_as_they_are(campus, ada):
    head = campus.places.lessons_git / "HEAD"
    away = campus.places.lessons_git / "refs" / "heads"
    away.rename(away.with_name("away"))
    head.unlink()
    (campus.places.lessons_git / "info" / "refs").write_text("")
    try:
        ada.goto(f"{campus.campus_url}/open/scaling/first-steps")
        expect(ada.get_by_role("status")).to_contain_text("could not be brought up to date just now")
        assert "Traceback" not in ada.content()
        ada.get_by_role("link", name="Open the lesson").click()
        ada.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
    finally:
        campus.run("build", "campus")
    ada.goto(f"{campus.campus_url}/open/scaling/first-steps")
    ada.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]')


def test_the_hub_control_panel_of_lab_leads_to_the_campus(campus, ada):
    ada.click('.lm-MenuBar-itemLabel:has-text("File")')
    with ada.context.expect_page() as opened:
        ada.click('.lm-Menu-itemLabel:has-text("Hub Control Panel")')
    opened.value.wait_for_url(f"{campus.campus_url}/")
    opened.value.close()


def test_a_student_fetches_answers_validates_and_submits(campus, ada):
    ada.goto(f"{campus.url}/hub/user-redirect/lab?reset")
    open_assignments(ada)
    expect(ada.locator("#released_assignments_list")).to_contain_text("double-scaling")
    expect(ada.locator("#released_assignments_list")).not_to_contain_text("double-data")
    ada.click('#released_assignments_list button:has-text("Fetch")')
    expect(ada.locator("#fetched_assignments_list")).to_contain_text("double-scaling")
    released = campus.places.homes / "ada" / "scaling" / "double-scaling" / "double-scaling.ipynb"
    wait_for(released.exists)
    ada.goto(
        f"http://ada.hub.localhost:{campus.port}/user/ada/lab/tree/scaling/double-scaling/double-scaling.ipynb?reset"
    )
    ada.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
    wait_for(lambda: "double-scaling.ipynb (exercise)" in tabs(ada), seconds=60)
    ada.locator(".cm-content", has_text="NotImplementedError").click()
    ada.keyboard.press("Control+A")
    ada.keyboard.insert_text("def double(x):\n    return x + x")
    ada.keyboard.press("Control+S")
    wait_for(lambda: "x + x" in released.read_text())
    ada.get_by_text("Validate", exact=True).click()
    expect(ada.locator(".jp-Dialog")).to_contain_text("passes all the tests")
    ada.keyboard.press("Escape")
    open_assignments(ada)
    ada.click('#fetched_assignments_list button:has-text("Submit")')
    submitted = ada.locator("#submitted_assignments_list")
    expect(submitted).to_contain_text("double-scaling")
    expect(submitted).to_contain_text(re.compile(r"receipt [A-Z2-7]{4}-[A-Z2-7]{4}"))
    ada.goto(f"{campus.campus_url}/course/scaling")
    expect(ada.locator("body")).to_contain_text("submitted")


def test_the_receipt_lies_beside_the_work_and_verifies(campus, ada, browser):
    (file,) = (campus.places.homes / "ada" / "scaling" / "double-scaling" / "receipts").glob("*.json")
    assert "The receipt holds. ada handed in" in campus.run("receipt", "verify", str(file))
    ada.goto(f"{campus.campus_url}/exercise/scaling/double-scaling")
    expect(ada.locator("table.parts")).to_contain_text("visible tests passed")
    expect(ada.locator("body")).to_contain_text(re.search(r"[A-Z2-7]{4}-[A-Z2-7]{4}$", file.stem)[0])
    with ada.expect_download() as download:
        ada.click("text=Save the receipt")
    anybody = new_page(browser)
    anybody.goto(f"{campus.campus_url}/receipts")
    anybody.fill("#receipt", download.value.path().read_text())
    anybody.click("text=Check the receipt")
    expect(anybody.get_by_role("status")).to_contain_text("The receipt holds")


def test_the_student_sees_the_visible_tests_soon_after_submitting(campus, ada):
    ada.goto(f"{campus.campus_url}/exercise/scaling/double-scaling")
    expect(ada.locator("table.parts")).to_contain_text("visible tests passed")
    expect(ada.locator("body")).not_to_contain_text("2 of 2")


def kill_hub(campus) -> None:
    """Kill the hub, also one that is just starting."""
    found = []

    def running() -> bool:
        children = psutil.Process(campus.process.pid).children()
        alive = [each for each in children if each.status() != psutil.STATUS_ZOMBIE]
        found[:] = [each for each in alive if "-m tpc_hub.deploy.hub -f" in " ".join(each.cmdline())]
        return bool(found)

    wait_for(running, campus.process)
    found[0].send_signal(signal.SIGKILL)


def test_a_submission_survives_kill_9_of_the_hub_also_while_it_starts_again(campus):
    kill_hub(campus)
    wait_for(lambda: "starting it again. See" in campus.screen, campus.process)
    kill_hub(campus)
    wait_for(lambda: "while starting" in campus.screen, campus.process)
    wait_for(lambda: f"ready at {campus.url} again" in campus.screen, campus.process)
    assert "ada" in campus.run("grade", "scaling", "double-scaling")
    assert "The grader ended" not in campus.screen


def test_an_instructor_grades_and_releases_feedback(campus, teacher):
    teacher.goto(f"{campus.campus_url}/course/scaling/class")
    row = teacher.locator("tr", has_text="ada")
    expect(row).to_contain_text("2/2")
    teacher.click('button:has-text("new submissions")')
    expect(teacher.get_by_role("status")).to_contain_text(
        "Nothing to grade: the tests of all that was handed in"
    )
    teacher.click('button:has-text("Release feedback")')
    expect(teacher.get_by_role("status").last).to_contain_text(
        "released feedback to 1 student", timeout=120_000
    )
    with teacher.expect_download() as download:
        teacher.click("text=Export grades as CSV")
    assert "ada,Ada Example,2,2,1" in download.value.path().read_text()


def test_the_student_reads_score_and_feedback(campus, ada):
    ada.goto(f"{campus.campus_url}/course/scaling")
    expect(ada.locator("body")).to_contain_text("graded 2/2")
    ada.click("text=Read feedback")
    expect(ada.locator("body")).to_contain_text("return x + x")
    assert "<script" not in ada.locator("#main").inner_html()
    ada.goto(f"{campus.campus_url}/exercise/scaling/double-scaling")
    expect(ada.locator("table.parts")).to_contain_text("2 of 2")
    expect(ada.get_by_role("button", name="Ask for a regrade")).to_be_visible()


def test_the_feedback_page_shows_the_fonts_of_the_campus(campus, ada):
    wait_for((campus.places.site / "inter.woff2").exists, campus.process)  # fonts are the book's
    said = []
    ada.on("console", lambda message: said.append(message.text))
    with ada.expect_response("**/fonts/inter.woff2") as font:
        ada.goto(f"{campus.campus_url}/feedback/scaling/double-scaling")
    assert font.value.status == 200
    assert not [text for text in said if "Content Security Policy" in text]


def test_the_student_fetches_feedback_in_lab(campus, ada):
    ada.goto(f"{campus.url}/hub/user-redirect/lab?reset")
    open_assignments(ada)
    ada.click('#submitted_assignments_list button:has-text("Fetch Feedback")')
    folder = campus.places.homes / "ada" / "scaling" / "double-scaling" / "feedback"
    wait_for(lambda: list(folder.glob("*/double-scaling.html")))
    (page,) = folder.glob("*/double-scaling.html")
    assert "return x + x" in page.read_text()


def test_who_opens_a_formgrader_that_does_not_run_reads_what_to_press(campus, teacher):
    name = "formgrader-data"
    formgrader = f"http://{name}--service.hub.localhost:{campus.port}/services/{name}/formgrader"
    assert teacher.goto(formgrader).status == 503
    expect(teacher.locator("main")).to_contain_text("press Open the formgrader")
    teacher.get_by_role("link", name="The class page").click()
    teacher.wait_for_url(f"{campus.campus_url}/course/data/class")
    expect(teacher.get_by_role("button", name="Open the formgrader")).to_be_visible()


def test_the_formgraders_button_gives_the_score_of_the_other_doors(campus, teacher):
    folder = campus.places.nbgrader("scaling") / "submitted"
    handed_in = (folder / "ada" / "double-scaling" / "double-scaling.ipynb").read_text()
    # What an instructor may have copied there: it passes the test that students see, and no hidden one.
    write(folder / "bob" / "double-scaling" / "double-scaling.ipynb", handed_in.replace("x + x", "6"))
    # Right, but nothing that grades reads 50 MB, whatever the door.
    large = json.loads(handed_in)
    large["cells"][-1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * 50 * 2**20}]
    write(folder / "mona" / "double-scaling" / "double-scaling.ipynb", json.dumps(large))
    teacher.goto(f"{campus.campus_url}/course/scaling/class")
    with teacher.context.expect_page() as opened:
        teacher.click('button:has-text("formgrader")')
    tab = opened.value
    expect(tab.locator("body")).to_contain_text("double-scaling", timeout=90_000)
    for student, score in (("ada", "2 / 2"), ("bob", "0 / 2"), ("mona", "0 / 2")):
        tab.goto(tab.url.rpartition("/formgrader")[0] + "/formgrader/manage_submissions/double-scaling")
        row = tab.locator("tbody tr", has_text=student)
        row.locator("a:has(.glyphicon-flash)").click()
        expect(tab.locator("#success-modal")).to_contain_text("Successfully autograded", timeout=90_000)
        expect(row).to_contain_text(score)
    tab.close()


def person_page(teacher, campus, name: str) -> None:
    """Go from the class list to the page of a person."""
    teacher.goto(f"{campus.campus_url}/course/scaling/class")
    teacher.locator(f'a[href$="/person/{name}"]').first.click()
    teacher.wait_for_url(f"**/person/{name}")


def press(page, button: str, confirm: str = "") -> None:
    """Press the button of a form, with the name typed that confirms it."""
    form = page.locator("form").filter(has=page.get_by_role("button", name=button, exact=True))
    if confirm:
        form.get_by_label("to confirm").fill(confirm)
    form.get_by_role("button", name=button, exact=True).click()


def test_a_person_of_the_class_is_renamed_taken_out_and_brought_back(campus, browser, teacher):
    page = new_page(browser)
    sign_up(page, campus, "scaling", "emmy")
    person_page(teacher, campus, "emmy")
    teacher.get_by_label("Shown name").fill("Emmy Noether")
    press(teacher, "Change the shown name")
    expect(teacher.get_by_role("status")).to_contain_text("emmy is now shown as Emmy Noether")
    teacher.get_by_label("Name to sign in with").fill("noether")
    press(teacher, "Change the sign-in name")
    expect(teacher.get_by_role("status")).to_contain_text("signs in with the name noether")
    if SCREENSHOTS:
        teacher.screenshot(path=f"{SCREENSHOTS}/person.png", full_page=True)
    press(teacher, "Take out of the course", confirm="emmy")
    expect(teacher.get_by_role("status")).to_contain_text("Emmy Noether is out of the course")
    expect(teacher.locator("tbody")).not_to_contain_text("Emmy Noether")
    page.goto(f"{campus.campus_url}/")
    expect(page.locator("body")).to_contain_text("You are in no course yet")
    teacher.click("summary:has-text('left the course')")
    teacher.click('a[href$="/person/emmy"]')
    press(teacher, "Enrol again")
    expect(teacher.locator("tbody")).to_contain_text("Emmy Noether")
    person_page(teacher, campus, "emmy")
    teacher.get_by_label("Move to another course of yours").select_option("data")
    press(teacher, "Move", confirm="emmy")
    expect(teacher.get_by_role("status")).to_contain_text("Emmy Noether is in Data course now")
    page.goto(f"{campus.campus_url}/")
    expect(page.locator("body")).to_contain_text("Data course")


def test_a_student_without_a_password_gets_a_link_that_works_once(campus, browser, teacher):
    page = new_page(browser)
    sign_up(page, campus, "scaling", "sophie")
    person_page(teacher, campus, "sophie")
    press(teacher, "Make a password link")
    link = teacher.locator("#link").inner_text()
    other = new_page(browser)
    other.goto(link)
    expect(other.locator("main")).to_contain_text("You sign in as sophie")
    other.fill("#password", "quite another one")
    other.get_by_role("button", name="Show password").click()
    expect(other.locator("#password")).to_have_attribute("type", "text")
    if SCREENSHOTS:
        other.screenshot(path=f"{SCREENSHOTS}/reset.png")
    other.click("#reset_submit")
    other.wait_for_url(f"{campus.campus_url}/")
    page.goto(f"{campus.campus_url}/")
    page.wait_for_url("**/hub/login**")
    page.goto(link)
    expect(page.get_by_role("alert")).to_contain_text("This link was used")
    sign_in(page, campus, "sophie", "quite another one")


def test_a_person_changes_the_password_and_is_signed_out_everywhere_else(campus, browser):
    here, there = new_page(browser), new_page(browser)
    sign_up(here, campus, "scaling", "hedy")
    sign_in(there, campus, "hedy", "hedy-password-1")
    there.goto(f"{campus.campus_url}/course/scaling")
    here.goto(f"{campus.campus_url}/")
    here.get_by_role("link", name="Hedy Example").click()
    expect(here.locator("main")).to_contain_text("You sign in as")
    with here.expect_download() as download:
        here.get_by_role("link", name="Download it as a zip").click()
    with zipfile.ZipFile(download.value.path()) as made:
        assert {"README.txt", "campus/person.json"} <= set(made.namelist())
    here.get_by_role("link", name="Change the password").click()
    for old, said in (("wrong password", "The old password is not right"), ("hedy-password-1", "")):
        here.fill("#old", old)
        here.fill("#password", "a fine new password")
        here.get_by_role("button", name="Show password").click()
        expect(here.locator("#old")).to_have_attribute("type", "text")
        here.click("#password_submit")
        role = here.get_by_role("alert" if said else "status")
        expect(role).to_contain_text(said or "Your password is changed")
    here.get_by_role("link", name="My courses").first.click()
    here.wait_for_url(f"{campus.campus_url}/")
    expect(here.locator("body")).to_contain_text("Hello, Hedy Example")
    there.goto(f"{campus.campus_url}/course/scaling")
    there.wait_for_url("**/hub/login**")
    sign_in(there, campus, "hedy", "a fine new password")


def test_sign_up_takes_the_code_from_the_address_and_shows_the_password(campus, browser):
    page, code = new_page(browser), campus.code("scaling")
    page.goto(f"{campus.url}/hub/signup?code={code.replace('-', '').upper()}")
    page.fill("#name", "lise")
    page.fill("#display_name", "Lise Meitner")
    page.fill("#password", "a long password")
    page.get_by_role("button", name="Show password").click()
    expect(page.locator("#password")).to_have_attribute("type", "text")
    page.get_by_role("button", name="Show password").click()
    expect(page.locator("#password")).to_have_attribute("type", "password")
    page.click("#signup_submit")
    page.wait_for_url(f"{campus.campus_url}/")
    page.goto(f"{campus.campus_url}/?code=x-y")
    assert page.input_value("#code") == "x-y"


def test_who_takes_an_announced_name_waits_and_is_refused_or_approved(campus, browser, teacher):
    file = campus.places.root / "class.csv"
    file.write_text("login,display name\nrosalind,Rosalind Franklin\n")
    campus.run("roster", "import", "scaling", str(file), "--apply")
    for button, answer in (("Refuse rosalind", "Refused"), ("Approve rosalind", "Approved")):
        page = new_page(browser)
        page.goto(f"{campus.url}/hub/signup?code={campus.code('scaling')}")
        for field, text in (("name", "rosalind"), ("display_name", "Me"), ("password", "a long password")):
            page.fill(f"#{field}", text)
        page.click("#signup_submit")
        expect(page.get_by_role("alert")).to_contain_text("waits for your instructor's approval")
        teacher.goto(f"{campus.campus_url}/course/scaling/class")
        expect(teacher.locator("main")).to_contain_text("Rosalind Franklin (rosalind) waits for approval")
        teacher.get_by_role("button", name=button).click()
        expect(teacher.get_by_role("status")).to_contain_text(f"{answer} Rosalind Franklin")
    sign_in(page, campus, "rosalind", "a long password")
    expect(page.locator("body")).to_contain_text("Hello, Rosalind Franklin")
    file.write_text("login\nmaria\nirene\n")
    campus.run("roster", "import", "scaling", str(file), "--apply")
    for name in ("maria", "irene"):
        page = new_page(browser)
        page.goto(f"{campus.url}/hub/signup?code={campus.code('scaling')}")
        for field, text in (("name", name), ("display_name", name), ("password", "a long password")):
            page.fill(f"#{field}", text)
        page.click("#signup_submit")
        expect(page.get_by_role("alert")).to_contain_text("waits")
    teacher.goto(f"{campus.campus_url}/course/scaling/class")
    teacher.get_by_role("button", name="Approve all 2").click()
    expect(teacher.get_by_role("status")).to_contain_text("Approved irene, maria")


def test_who_teaches_no_more_loses_the_class_page_and_the_open_formgrader_at_once(campus, browser, teacher):
    password = re.search(r"password (\S+)", campus.run("user", "add", "nina", "--teaches", "scaling"))[1]
    nina = new_page(browser)
    sign_in(nina, campus, "nina", password)
    nina.goto(f"{campus.campus_url}/course/scaling/class")
    with nina.context.expect_page() as opened:
        nina.click('button:has-text("Open the formgrader")')
    tab = opened.value
    expect(tab.locator("body")).to_contain_text("double-scaling", timeout=90_000)
    address = tab.url.rpartition("/formgrader")[0] + "/formgrader"
    for path in ("/manage_assignments", "/api/assignments"):
        assert tab.goto(address + path).status == 200
    person_page(teacher, campus, "nina")
    press(teacher, "Make a student", confirm="nina")
    expect(teacher.get_by_role("status")).to_contain_text("is a student of the course now")
    for path in ("/manage_assignments", "/api/assignments", "/api/students", ""):
        assert tab.goto(address + path).status == 403
    assert nina.goto(f"{campus.campus_url}/course/scaling/class").status == 404
    assert nina.goto(f"{campus.campus_url}/course/scaling").status == 200


def test_who_left_is_in_no_list_of_the_formgrader_and_the_erased_are_nowhere(campus, browser, teacher):
    page = new_page(browser)
    sign_up(page, campus, "scaling", "quincy-zzz")
    wait_for(lambda: (campus.places.logs / "servers" / "quincy-zzz.log").exists(), campus.process)
    intake = Intake(campus.places, {each.id: each for each in load_courses(campus.places)})
    files = intake.release("scaling", "double-scaling").files()
    submission = intake.receive("scaling", "double-scaling", "quincy-zzz", pack(files))
    campus.run("grade", "scaling", "double-scaling")
    teacher.goto(f"{campus.campus_url}/course/scaling/class")
    with teacher.context.expect_page() as opened:
        teacher.click('button:has-text("Open the formgrader")')
    tab = opened.value
    tab.wait_for_url("**/formgrader/gradebook**")
    address = tab.url.rpartition("/formgrader")[0] + "/formgrader/api/"
    paths = ("students", "submissions/double-scaling", "submitted_notebooks/double-scaling/double-scaling")

    def listed(path: str) -> bool:
        names = {each.get("student") or each["id"] for each in json.loads(tab.goto(address + path).text())}
        return "quincy-zzz" in names

    assert all(map(listed, paths))
    campus.run("user", "leave", "quincy-zzz", "scaling")
    assert not any(map(listed, paths))
    campus.run("user", "add", "quincy-zzz", "--attends", "scaling")
    assert all(map(listed, paths))
    tab.close()
    person_page(teacher, campus, "quincy-zzz")
    with teacher.expect_download() as download:
        teacher.get_by_role("link", name="Download what belongs to this course").click()
    with zipfile.ZipFile(download.value.path()) as made:
        assert any(name.endswith("receipt.json") for name in made.namelist())
    press(teacher, "Erase for good", confirm="quincy-zzz")
    expect(teacher.get_by_role("status")).to_contain_text("quincy-zzz is erased")
    page.goto("about:blank")
    assert list(left_over(campus.places, ("quincy-zzz", submission.id))) == []


def test_the_page_of_a_server_says_what_its_buttons_do(campus, ada):
    ada.goto(f"{campus.url}/hub/home")
    expect(ada.get_by_text("ends what runs on it")).to_be_visible()
    with ada.expect_response(lambda answer: answer.request.method == "DELETE") as stopped:
        ada.click("#stop")
    assert stopped.value.status in (202, 204)
    expect(ada.locator("#stop")).to_be_hidden()
    ada.click("#start")
    ada.wait_for_url(re.compile("/user/ada/lab"))
    ada.goto(f"{campus.url}/hub/home")
    ada.get_by_role("link", name="Go to your campus page").click()
    ada.wait_for_url(f"{campus.campus_url}/")


def test_an_instructor_of_another_course_sees_nothing(campus, browser, ada):
    password = re.search(r"password (\S+)", campus.run("user", "add", "dora", "--teaches", "data"))[1]
    page = new_page(browser)
    sign_in(page, campus, "dora", password)
    assert page.goto(f"{campus.campus_url}/course/data/class").status == 200
    for path in (
        "course/scaling/class",
        "course/scaling/class.json",
        "course/scaling/grades.csv",
        "course/scaling",
    ):
        assert page.goto(f"{campus.campus_url}/{path}").status == 404
    formgrader = f"http://formgrader-scaling--service.hub.localhost:{campus.port}/services/formgrader-scaling/formgrader"
    assert page.goto(formgrader).status == 403
    assert ada.goto(formgrader).status == 403


def test_another_student_sees_nothing_of_the_first(campus, browser):
    page = new_page(browser)
    sign_up(page, campus, "data", "carl")
    assert page.goto(f"http://ada.hub.localhost:{campus.port}/user/ada/lab").status in (403, 404)
    assert page.goto(f"{campus.campus_url}/feedback/scaling/double-scaling").status == 404


def test_pages_work_at_320_pixels(campus, browser, ada):
    ada.set_viewport_size({"width": 320, "height": 700})
    for path in ("", "course/scaling", *STUDENT_PAGES):
        show(ada, campus, path)
        assert ada.evaluate("document.documentElement.scrollWidth") <= 320, path
    ada.set_viewport_size({"width": 1280, "height": 900})


def test_the_class_page_works_on_a_phone_and_by_keyboard(campus, teacher, ada):
    teacher.set_viewport_size({"width": 390, "height": 700})
    for path in ("class", "audit", "regrade/double-scaling", "person/ada"):
        teacher.goto(f"{campus.campus_url}/course/scaling/{path}")
        assert teacher.evaluate("document.documentElement.scrollWidth") <= 390, path
        for link in teacher.locator("a:not(.skip):visible, button:visible, summary:visible").all():
            assert link.bounding_box()["height"] >= 44, f"{path}: {link.inner_text()}"
    teacher.goto(f"{campus.campus_url}/course/scaling/class")
    assert teacher.evaluate("document.documentElement.scrollWidth") <= 390
    teacher.set_viewport_size({"width": 1280, "height": 900})
    teacher.get_by_label("Students see their scores").focus()
    teacher.keyboard.press("a")  # the first option that begins so
    teacher.keyboard.press("Tab")
    assert teacher.evaluate("document.activeElement.textContent") == "Save"
    teacher.keyboard.press("Enter")
    expect(teacher.get_by_role("status")).to_contain_text("Students see their scores: as")


def test_pages_have_no_accessibility_violation(campus, ada, teacher):
    axe = (REPOSITORY / "node_modules" / "axe-core" / "axe.min.js").read_text()
    for page, path in (
        (ada, ""),
        (ada, "course/scaling"),
        *((ada, path) for path in STUDENT_PAGES),
        (teacher, "course/scaling/class"),
        (teacher, "course/scaling/audit"),
        (teacher, "course/scaling/person/ada"),
        (teacher, "course/scaling/person/instructor"),
        (ada, f"{campus.url}/hub/password"),
        (ada, f"{campus.url}/hub/reset?token=over"),
        (ada, f"{campus.url}/hub/signup"),
    ):
        if path.startswith("http:"):
            page.goto(path)
        else:
            show(page, campus, path)
        found = page.evaluate(
            axe + "; axe.run().then(r => r.violations.map(v => v.id + ': ' + v.nodes[0].html))"
        )
        assert found == [], path


def test_a_visitor_reads_the_book_and_finds_the_campus(campus, browser):
    wait_for((campus.places.site / "lessons" / "scaling" / "first-steps" / "index.html").exists)
    wait_for(lambda: "built with" in (campus.places.logs / "book.log").read_text())
    page = new_page(browser, width=390)
    elsewhere = []
    page.on(
        "request",
        lambda request: None if request.url.startswith(campus.url) else elsewhere.append(request.url),
    )
    page.goto(f"{campus.url}/no-such-page")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")
    page.get_by_role("link", name="Read the book").click()
    page.wait_for_url(f"{campus.url}/book/")
    if SCREENSHOTS:
        page.screenshot(path=f"{SCREENSHOTS}/book.png")
    page.goto(f"{campus.url}/book/lessons/scaling/first-steps/")
    expect(page.locator("body")).to_contain_text("the answer is 42")
    expect(page.locator("body")).to_contain_text("Last run")
    assert elsewhere == []
    button = page.get_by_role("link", name="Open on the campus")
    button_url = f"{campus.campus_url}/open/scaling/first-steps"
    assert button.get_attribute("href") == button_url
    page.fill("#search", "seven")
    expect(page.locator("#hits")).to_contain_text("First steps")
    page.set_viewport_size({"width": 320, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.get_by_role("link", name="Sign in").click()
    page.wait_for_url(f"{campus.url}/hub/login**")
    page.go_back()
    page.wait_for_url(f"{campus.url}/book/**")
    button.click()
    page.wait_for_url(f"{campus.url}/hub/login**")
    expect(page.get_by_role("region", name="New here?")).to_contain_text(
        "your instructor gives you a class code"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.get_by_role("region", name="New here?").get_by_role("link", name="the book").click()
    page.wait_for_url(f"{campus.url}/book/")
    with page.expect_download() as offline:
        page.get_by_role("link", name="ZIP to read offline").click()
    with zipfile.ZipFile(offline.value.path()) as archive:
        assert "tpc-campus/lessons/scaling/first-steps/index.html" in archive.namelist()
    page.goto(button_url)
    page.get_by_role("link", name="Sign up with a class code").click()
    page.wait_for_url(f"{campus.url}/hub/signup")


def test_a_second_start_on_the_same_state_says_who_has_it(campus):
    second = start_campus(campus.places, free_ports())
    assert second.process.wait(120) == 1
    assert "this campus already runs" in campus.screen


def test_a_copy_of_the_state_goes_on_elsewhere_beside_the_first(campus, browser, ada, tmp_path):
    """A backup, taken while the campus runs, in another folder, at another port."""
    ada.goto(f"{campus.campus_url}/open/scaling/first-steps")
    ada.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
    state = tmp_path / "moved"
    subprocess.run(["cp", "-a", str(campus.places.state), str(state)], check=True)
    (state / "screen.txt").unlink()
    with running_campus(Places(campus.places.root, state), book=True) as moved:
        student, teacher = new_page(browser), new_page(browser)
        sign_in(student, moved, "ada", "ada-password-1")
        expect(student.locator("body")).to_contain_text("Scaling course")
        assert_lessons_and_work_go_on(moved, student)
        sign_in(teacher, moved, "instructor", campus.instructor_password())
        assert_grading_goes_on(moved, teacher)
        # The first noticed nothing, though its proxy and servers are named in what was copied.
        assert new_page(browser).goto(f"{campus.url}/hub/login").status == 200
        assert kept_of(campus, state) == []


def assert_lessons_and_work_go_on(moved, student) -> None:
    student.goto(f"{moved.campus_url}/open/scaling/first-steps")
    student.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
    assert f":{moved.port}/user/ada/lab/tree/lessons/" in student.url
    assert (
        "My own notes"
        in (moved.places.homes / "ada" / "lessons" / "scaling" / "first-steps.ipynb").read_text()
    )
    student.goto(f"{moved.campus_url}/feedback/scaling/double-scaling")
    expect(student.locator("body")).to_contain_text("return x + x")
    file = next((moved.places.homes / "ada" / "scaling" / "double-scaling" / "receipts").glob("*.json"))
    assert "The receipt holds. ada handed in" in moved.run("receipt", "verify", str(file))
    student.goto(f"{moved.url}/hub/user-redirect/lab?reset")
    open_assignments(student)
    student.click('#fetched_assignments_list button:has-text("Submit")')
    expect(student.locator("#submitted_assignments_list")).to_contain_text("double-scaling")
    student.goto(f"{moved.campus_url}/exercise/scaling/double-scaling")
    expect(student.locator("table.parts")).to_contain_text("test-double")


def assert_grading_goes_on(moved, teacher) -> None:
    teacher.goto(f"{moved.campus_url}/course/scaling/class")
    expect(teacher.locator("tr", has_text="ada")).to_contain_text("2/2")
    with teacher.context.expect_page() as opened:
        teacher.click('button:has-text("formgrader")')
    tab = opened.value
    for path in (
        "gradebook",
        "manage_students",
        "gradebook/double-scaling",
        "manage_submissions/double-scaling",
    ):
        assert tab.goto(tab.url.rpartition("/formgrader")[0] + f"/formgrader/{path}").status == 200, path
        expect(tab.locator("tbody")).to_contain_text(re.compile("ada|Ada|double-scaling"))
    tab.locator("tbody tr", has_text="ada").locator("a:has(.glyphicon-flash)").click()
    expect(tab.locator("#success-modal")).to_contain_text("Successfully autograded", timeout=90_000)
    tab.close()


def kept_of(campus, state) -> list[str]:
    """Return the files of a copied state that still name the folder or a port of the campus it was copied from.

    Logs say what was, and what is kept of an earlier book is used where it fits.
    """
    wait_for(
        lambda: f":{campus.port}/" not in (state / "book" / "html" / "index.html").read_text(), seconds=300
    )
    old = re.compile(rf"{re.escape(str(campus.places.state))}\b|:{campus.port // 10}\d\b".encode())
    apart = {"logs", "kept", "run"}
    files = [
        path for path in state.rglob("*") if path.is_file() and not apart & {*path.relative_to(state).parts}
    ]
    return [str(path.relative_to(state)) for path in files if old.search(path.read_bytes())]


def test_ctrl_c_stops_everything_and_the_next_start_finds_the_same_state(campus):
    codes = campus.code("scaling")
    stop_campus(campus)
    ours = [process for process in psutil.process_iter() if _belongs(process, campus.places)]
    assert ours == []
    again = start_campus(campus.places, campus.port)
    try:
        wait_for(lambda: campus.screen.count("Stop with Ctrl-C") == 2, again.process)
        assert campus.screen.count(codes) == 2
    finally:
        stop_campus(again)
