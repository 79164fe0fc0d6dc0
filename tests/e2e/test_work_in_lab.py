"""A student at work in JupyterLab: *Submit*, a phone, fast scrolling, and how long the server is kept."""

from __future__ import annotations

import os
import re

import nbformat
import pytest
from browser import new_page, sign_up
from campus_tree import give_profile, make_tree
from playwright.sync_api import expect
from running_campus import running_campus, wait_for
from tpc_grader.submissions.store import Store, Submission

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
# Short, so that the last tests see the end of it; whoever types before is at work.
PROFILE = """
[limits]
idle_minutes = 1
busy_hours = 0.05
"""
SCREENSHOTS = os.environ.get("CAMPUS_SCREENSHOTS")
FOLDER = "scaling/double-scaling"
NOTEBOOK = f"{FOLDER}/double-scaling.ipynb"
RECEIPT = r"Receipt [A-Z2-7]{4}-[A-Z2-7]{4}\."
WHEN = r"[A-Z][a-z]{2} \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2} CES?T"


@pytest.fixture(scope="module")
def campus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("campus")
    places = make_tree(folder / "root", folder / "state")
    give_profile(places, "watchful", PROFILE)
    with running_campus(places, None, "--profile", "watchful") as campus:
        yield campus


@pytest.fixture(scope="module")
def ada(campus, browser):
    """A student who has fetched the exercise, and has the notebook and a module beside it open."""
    page = new_page(browser)
    sign_up(page, campus, "scaling", "ada")
    page.goto(f"{campus.url}/hub/user-redirect/lab?reset")
    open_assignments(page)
    page.click('#released_assignments_list button:has-text("Fetch")')
    wait_for((campus.places.homes / "ada" / NOTEBOOK).exists, seconds=60)
    put(campus, f"{FOLDER}/helper.py", "ONE = 1\n")
    open_in_lab(page, campus, NOTEBOOK)
    return page


def put(campus, name: str, text: str) -> None:
    """Write a file of the student's own."""
    path = campus.places.homes / "ada" / name
    path.write_text(text)
    owner = path.parent.stat()
    os.chown(path, owner.st_uid, owner.st_gid)


def open_in_lab(page, campus, path: str) -> None:
    page.goto(f"http://ada.hub.localhost:{campus.port}/user/ada/lab/tree/{path}?reset")
    # On a phone the toolbar has no room to show it.
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', state="attached")


def open_assignments(page) -> None:
    page.click('.lm-MenuBar-itemLabel:has-text("Nbgrader")')
    page.click('.lm-Menu-itemLabel:has-text("Assignment List")')


def answer(page, text: str) -> None:
    """Replace the answer in the notebook; nothing is saved."""
    page.click(f'.lm-TabBar-tab[data-type="document-title"]:has-text("{NOTEBOOK.rpartition("/")[2]}")')
    page.locator(".jp-Notebook .cm-content", has_text="def double").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(f"def double(x):\n    {text}")


def submit(page) -> None:
    open_assignments(page)
    page.click('#fetched_assignments_list button:has-text("Submit")')


def handed_in(campus) -> dict[str, str]:
    """Return the newest submission's files as text."""
    newest = submissions(campus)[0]
    return {file.name: newest.path(file).read_text() for file in newest.files}


def submissions(campus) -> list[Submission]:
    """Return all that the student handed in, newest first."""
    return Store(campus.places).of_student("ada")


def ok(page) -> None:
    page.click(".jp-Dialog .jp-mod-accept")
    expect(page.locator(".jp-Dialog")).to_have_count(0)


def test_submit_saves_what_is_open_and_shows_the_receipt_the_first_time_too(campus, ada):
    ada.click('.jp-DirListing-item:has-text("helper.py")', click_count=2)
    ada.locator(".jp-FileEditor .cm-content").click()
    ada.keyboard.press("Control+A")
    ada.keyboard.insert_text("TWO = 2\n")
    answer(ada, "return 7 * x")
    submit(ada)
    said = ada.locator(".jp-Dialog")
    expect(said).to_contain_text("double-scaling was handed in")
    expect(said).to_contain_text(re.compile(f"Handed in {WHEN}"))
    expect(said).to_contain_text(re.compile(RECEIPT))
    expect(said).to_contain_text("double-scaling.ipynb, helper.py")
    expect(said).not_to_contain_text("the same")
    if SCREENSHOTS:
        ada.screenshot(path=f"{SCREENSHOTS}/handed-in.png")
    found = handed_in(campus)
    assert "7 * x" in found["double-scaling.ipynb"]
    assert found["helper.py"] == "TWO = 2\n"


def test_the_receipt_links_to_the_result(campus, ada):
    with ada.context.expect_page() as opened:
        ada.click(".jp-Dialog a")
    page = opened.value
    page.wait_for_url(f"{campus.campus_url}/exercise/{FOLDER}")
    expect(page.locator("body")).to_contain_text(ada.inner_text(".jp-Dialog").split("Receipt ")[1][:9])
    page.close()
    ok(ada)


def test_submit_says_when_it_is_the_same_as_before_and_when_not(campus, ada):
    submit(ada)
    # JupyterLab itself may have noted the kernel's language meanwhile.
    expect(ada.locator(".jp-Dialog")).to_contain_text("the same as before")
    expect(ada.locator(".jp-Dialog")).to_contain_text(re.compile(f"Handed in {WHEN}. {RECEIPT}"))
    if SCREENSHOTS:
        ada.screenshot(path=f"{SCREENSHOTS}/the-same.png")
    ok(ada)
    answer(ada, "return 8 * x")
    submit(ada)
    expect(ada.locator(".jp-Dialog")).to_contain_text(re.compile(RECEIPT))
    expect(ada.locator(".jp-Dialog")).not_to_contain_text("the same")
    assert "8 * x" in handed_in(campus)["double-scaling.ipynb"]
    ok(ada)
    submit(ada)
    expect(ada.locator(".jp-Dialog")).to_contain_text("double-scaling: the same as before")
    expect(ada.locator(".jp-Dialog")).to_contain_text("Nothing has changed since you handed it in")
    ok(ada)
    ada.click(f'.lm-TabBar-tab[data-type="document-title"]:has-text("{NOTEBOOK.rpartition("/")[2]}")')
    ada.locator(".jp-Notebook .cm-content", has_text="def double").click()
    ada.keyboard.press("Shift+Enter")
    expect(ada.locator(".jp-Notebook .jp-InputPrompt", has_text="[1]:")).to_have_count(1)
    submit(ada)
    expect(ada.locator(".jp-Dialog")).to_contain_text("The answers are the same as before: only outputs")
    ok(ada)


def test_labs_list_shows_what_was_submitted_oldest_first(campus, ada):
    rows = ada.locator("#submitted_assignments_list .nested_list_item .item_name")
    codes = [each.receipt.code for each in reversed(submissions(campus))]
    assert len(codes) >= 3
    expect(rows).to_have_text([re.compile(f"^{WHEN}, receipt {code}$") for code in codes])


def test_what_cannot_be_saved_is_not_handed_in(campus, ada):
    before = submissions(campus)
    answer(ada, "return 9 * x")
    path = campus.places.homes / "ada" / NOTEBOOK
    path.chmod(0o444)
    submit(ada)
    expect(ada.locator(".jp-Dialog")).to_contain_text("File Save Error")  # Lab's own, which comes first
    ada.click(".jp-Dialog-footer button")
    said = ada.locator(".nbgrader-ErrorDialog")
    expect(said).to_contain_text(f"{NOTEBOOK} could not be saved")
    expect(said).to_contain_text("Nothing was handed in")
    assert "Traceback" not in said.inner_text()
    ok(ada)
    path.chmod(0o644)
    assert submissions(campus) == before


def test_what_changed_on_disk_is_asked_about_and_handed_in_only_when_kept(campus, ada):
    before = submissions(campus)
    put(campus, NOTEBOOK, (campus.places.homes / "ada" / NOTEBOOK).read_text().replace("8 * x", "x + x + 0"))
    answer(ada, "return 9 * x")
    submit(ada)
    ada.click('.jp-Dialog button:has-text("Cancel")')
    expect(ada.locator(".nbgrader-ErrorDialog")).to_contain_text("Nothing was handed in")
    ok(ada)
    assert submissions(campus) == before
    submit(ada)
    ada.click('.jp-Dialog button:has-text("Overwrite")')
    expect(ada.locator(".jp-Dialog")).to_contain_text(re.compile(RECEIPT))
    ok(ada)
    assert "9 * x" in handed_in(campus)["double-scaling.ipynb"]


def test_a_refusal_is_a_sentence(campus, ada):
    put(campus, f"{FOLDER}/large.bin", "x" * 120 * 2**20)
    submit(ada)
    said = ada.locator(".nbgrader-ErrorDialog")
    expect(said).to_contain_text("Nothing was handed in. Directory size is too big")
    assert "Traceback" not in said.inner_text()
    ok(ada)
    (campus.places.homes / "ada" / FOLDER / "large.bin").unlink()


def test_a_phone_shows_the_notebook_and_not_the_file_browser(campus, ada):
    page = ada.context.new_page()
    page.set_viewport_size({"width": 390, "height": 760})
    open_in_lab(page, campus, NOTEBOOK)
    expect(page.locator("#filebrowser")).to_be_hidden()
    assert page.locator(".jp-Notebook").bounding_box()["width"] > 300
    if SCREENSHOTS:
        page.screenshot(path=f"{SCREENSHOTS}/phone.png")
    page.close()


# What stands in the middle of the screen two frames after each jump, and what would be blank.
JUMP = """async () => {
    const outer = document.querySelector('.jp-Notebook .jp-WindowedPanel-outer');
    const frame = () => new Promise(requestAnimationFrame);
    const blank = [];
    for (const part of [0.97, 0.2, 0.9, 0.4, 0.7, 0.05, 0.5, 0.85]) {
        outer.scrollTop = part * (outer.scrollHeight - outer.clientHeight);
        await frame(); await frame();
        const {left, width, top, height} = outer.getBoundingClientRect();
        const seen = [0.2, 0.5, 0.8].map(y => document.elementsFromPoint(left + width / 2, top + y * height));
        const drawn = seen.some(found => found.some(e => e.closest('.jp-OutputArea-output, .cm-content')));
        if (!drawn) blank.push(part);
    }
    return blank;
}"""


def test_fast_scrolling_over_outputs_shows_them(campus, ada):
    cells = [
        nbformat.v4.new_code_cell(
            f"print({i})",
            outputs=[nbformat.v4.new_output("stream", text="".join(f"{i} {j}\n" for j in range(25)))],
            execution_count=i + 1,
        )
        for i in range(80)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    put(campus, "long.ipynb", nbformat.writes(notebook))
    page = ada.context.new_page()
    page.set_default_timeout(90_000)
    open_in_lab(page, campus, "long.ipynb")
    expect(page.locator(".jp-OutputArea-output")).to_have_count(80)
    assert page.evaluate(JUMP) == []
    page.close()


def test_the_campus_page_shows_what_runs_and_keeps_it_longer(campus, ada):
    cell = nbformat.v4.new_code_cell("import time; time.sleep(900)")
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    put(
        campus,
        "train.ipynb",
        nbformat.writes(nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel})),
    )
    open_in_lab(ada, campus, "train.ipynb")
    ada.click(".jp-Notebook .jp-CodeCell .cm-content")
    ada.keyboard.press("Shift+Enter")
    page = ada.context.new_page()

    def runs() -> bool:
        page.goto(f"{campus.campus_url}/")
        return "train.ipynb" in page.inner_text("body")

    wait_for(runs, campus.process)
    running = page.locator("#running")
    expect(running).to_contain_text(re.compile(f"train.ipynb, since {WHEN}"))
    before = running.locator("time").get_attribute("datetime")
    if SCREENSHOTS:
        page.screenshot(path=f"{SCREENSHOTS}/running.png")
        page.set_viewport_size({"width": 390, "height": 760})
        page.screenshot(path=f"{SCREENSHOTS}/running-phone.png")
    page.click('button:has-text("from now")')
    expect(running).to_contain_text("train.ipynb")
    assert running.locator("time").get_attribute("datetime") > before
    page.close()


def test_the_open_tab_says_before_the_limit_that_what_runs_is_stopped_and_keeps_it(campus, ada):
    told = ada.locator(".Toastify__toast, .jp-Notification-Toast")
    words = re.compile("train.ipynb may run no longer: your server stops in .*(second|minute)")
    expect(told).to_contain_text(words, timeout=240_000)
    if SCREENSHOTS:
        ada.screenshot(path=f"{SCREENSHOTS}/limit.png")
    told.get_by_role("button", name="Keep it running").click()
    expect(told).to_have_count(0)
    expect(ada.locator('.jp-Notebook-ExecutionIndicator[data-status="busy"]')).to_have_count(1)


def test_the_open_tab_says_before_an_idle_server_is_stopped(campus, ada):
    ada.click('.lm-MenuBar-itemLabel:has-text("Kernel")')
    ada.click('.lm-Menu-itemLabel:text-is("Interrupt Kernel")')
    told = ada.locator(".Toastify__toast, .jp-Notification-Toast")
    expect(told).to_contain_text(
        "Nothing runs here and nobody works here: your server stops in", timeout=150_000
    )
    if SCREENSHOTS:
        ada.screenshot(path=f"{SCREENSHOTS}/idle.png")
    with ada.context.expect_page() as opened:
        told.get_by_role("button", name="What runs").click()
    expect(opened.value.locator("body")).to_contain_text("Hello, Ada")
    ada.close()
    wait_for(lambda: "The server of ada is stopped: it was idle" in hub_log(campus), campus.process)


def hub_log(campus) -> str:
    return (campus.places.logs / "hub.log").read_text()
