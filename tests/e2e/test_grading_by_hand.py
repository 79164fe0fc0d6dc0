"""Grading by hand in a real browser: every page of the formgrader opens, every button does what it says."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest
from browser import new_page, sign_in, sign_up
from class_tree import COURSE, EXERCISE
from playwright.sync_api import Page, expect
from running_campus import running_campus, wait_for
from tpc_grader.grades.scores import cell_scores, class_scores
from tpc_grader.versions.releases import released
from written_class import hand_in, make_written_tree, roster

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
TITLE = "Doubling for scaling"
# Asks as a script of the page does, and returns status and headers.
ASK = """async ([url, method]) => {
    const token = /_xsrf=([^;]*)/.exec(document.cookie)[1];
    const body = method == "GET" ? undefined : "{}";
    const asked = await fetch(url, {method, body, headers: {"X-XSRFToken": token, "X-CSRFToken": token}});
    return [asked.status, Object.fromEntries(asked.headers)];
}"""
# What a student may write, to run in the browser of who grades.
HOSTILE = (
    "**Bold** $x+x=2x$ and $$\\sqrt{\\frac{1}{n}}$$ ![plot](attachment:my%20plot.png) "
    '<script>window.ran = 1</script><img src=x onerror="window.ran = 2"> [go](javascript:window.ran=3)'
)
BREAKOUT = (
    '</textarea></div>"><script>window.ran = 4</script>\n\n```\n</code><script>window.ran = 5</script>\n```'
)
PRINTED = """return x + x

from IPython.display import HTML, display
display(HTML('<script>window.ran = 6</script><b onclick="window.ran = 7">loud</b>'))"""


@dataclass
class Seen:
    """What went wrong in a page and everything that it loaded."""

    faults: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Note each refused or failed request, each request elsewhere, and each error of a script."""
        page.on(
            "response",
            lambda each: self.faults.append(f"{each.status} {each.url}") if each.status >= 400 else None,
        )
        page.on("pageerror", lambda each: self.faults.append(str(each)))
        page.on(
            "requestfailed", lambda each: self.faults.append(f"failed: {each.url}") if _failed(each) else None
        )
        page.on(
            "request",
            lambda each: self.faults.append(f"elsewhere: {each.url}") if _elsewhere(each.url) else None,
        )

    def check(self) -> None:
        """Fail if anything went wrong since the last look."""
        found, self.faults[:] = list(self.faults), []
        assert found == []


def _failed(request) -> bool:
    return "ERR_ABORTED" not in (request.failure or "")  # as when somebody goes on before all is there


def _elsewhere(url: str) -> bool:
    return not re.match(r"https?://[^/]*hub\.localhost[:/]|data:|about:|blob:", url)


@pytest.fixture(scope="module")
def campus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("campus")
    with running_campus(make_written_tree(folder / "root", folder / "state"), book=True) as campus:
        wait_for(
            (campus.places.site / "inter.woff2").exists, campus.process
        )  # pages get their fonts from the book
        path = folder / "roster.csv"
        path.write_text(roster("bob", "cleo"))
        campus.run("roster", "import", COURSE, str(path), "--apply")
        yield campus


@pytest.fixture(scope="module")
def ada(campus, browser):
    page = new_page(browser)
    sign_up(page, campus, COURSE, "ada")
    return page


@pytest.fixture(scope="module")
def seen():
    return Seen()


@pytest.fixture(scope="module")
def teacher(campus, browser, seen):
    page = new_page(browser)
    sign_in(page, campus, "instructor", campus.instructor_password())
    seen.watch(page)
    return page


@pytest.fixture(scope="module")
def graded(campus, ada):
    """The class has handed in, and the tests have run."""
    hand_in(campus.places, "ada", PRINTED, HOSTILE, BREAKOUT)
    hand_in(campus.places, "bob", "return 6", "No idea. It costs $5 and $6.")
    hand_in(campus.places, "cleo", why="It adds.", when="With text.")
    campus.run("grade", COURSE, EXERCISE)
    return campus


@pytest.fixture(scope="module")
def tab(graded, teacher, seen):
    """The formgrader, as the button of the class page opens it."""
    teacher.goto(f"{graded.campus_url}/course/{COURSE}/class")
    with teacher.context.expect_page() as opened:
        teacher.get_by_role("button", name=f"Grade {TITLE} by hand").click()
    opened.value.set_default_timeout(90_000)
    opened.value.wait_for_load_state("networkidle")
    seen.watch(opened.value)
    return opened.value


def formgrader(page: Page, path: str) -> str:
    """Return the address of a page of the formgrader."""
    return page.url.partition("/formgrader/")[0] + f"/formgrader/{path}"


def settled(page: Page) -> None:
    page.wait_for_load_state("networkidle")


def open_work(page: Page, student: str) -> None:
    """Open a student's work from the list, with names shown."""
    page.goto(formgrader(page, f"gradebook/{EXERCISE}/{EXERCISE}"))
    page.wait_for_selector("td.name a:visible")
    page.get_by_role("button", name="Show All Names").click()
    page.locator("a.name-shown", has_text=student).click()
    page.wait_for_url("**/formgrader/submissions/*/**")
    settled(page)


def saved(page: Page, action) -> None:
    """Do something that saves, and wait until it is."""
    with page.expect_response(lambda each: each.request.method == "PUT" and each.ok):
        action()


def scores_of(campus, student):
    return {
        name: score.points for name, score in cell_scores(campus.places, COURSE, EXERCISE, student).items()
    }


def test_the_class_page_says_what_waits_and_leads_there(graded, teacher, tab, seen):
    needs = teacher.locator("form", has=teacher.get_by_role("button", name=f"Grade {TITLE} by hand"))
    expect(needs).to_contain_text(f"{TITLE}: 3 students wait for a person to read what they wrote")
    assert tab.url == formgrader(tab, f"gradebook/{EXERCISE}/{EXERCISE}")
    expect(tab.locator("td.name a:visible")).to_have_text(["Submission #1", "Submission #2", "Submission #3"])
    seen.check()


def test_names_are_hidden_until_somebody_wants_them(tab, seen):
    tab.get_by_role("button", name="Show All Names").click()
    names = ["Example, Ada", "Example, Bob", "Example, Cleo"]
    assert sorted(tab.locator("td.name a:visible").all_inner_texts()) == names
    tab.get_by_role("button", name="Hide All Names").click()
    tab.locator(".glyphicon-eye-open").first.click()
    assert len(tab.locator("a.name-shown:visible").all()) == 1
    seen.check()


def test_an_answer_is_read_with_its_formulas_and_pictures_and_runs_nothing(tab, seen):
    open_work(tab, "Ada")
    body = tab.locator("#notebook-container").first
    assert tab.locator("math msqrt").count() == 1
    assert tab.locator("img[alt=plot]").evaluate("image => image.naturalWidth") == 1
    expect(body).to_contain_text("loud")
    tab.locator("b", has_text="loud").click()
    tab.locator("a", has_text="go").click()
    assert tab.evaluate("window.ran") is None
    assert tab.locator("textarea.comment").count() == 3
    seen.check()


def test_part_points_a_comment_and_extra_credit_are_kept(graded, tab, seen):
    open_work(tab, "Ada")
    tab.fill("#why", "2.5")
    saved(tab, lambda: tab.press("#why", "Tab"))
    tab.fill("#why_extra_credit", "0.25")
    saved(tab, lambda: tab.press("#why_extra_credit", "Tab"))
    tab.fill("#why-comment", "Well **said**: $x^2$ <script>window.ran = 8</script>")
    saved(tab, lambda: tab.press("#why-comment", "Escape"))
    cell = tab.locator(".nbgrader_cell", has=tab.locator("#when"))
    saved(tab, lambda: cell.get_by_role("button", name="Full credit").click())
    assert scores_of(graded, "ada") == {"test-double": 2, "why": 2.75, "when": 1}
    tab.reload()
    settled(tab)
    assert [tab.input_value(each) for each in ("#why", "#why_extra_credit", "#when")] == ["2.5", "0.25", "1"]
    assert tab.input_value("#why-comment").startswith("Well **said**")
    assert "needs_manual_grade" not in tab.get_attribute("#why", "class")
    assert class_scores(graded.places, COURSE)["ada", EXERCISE].points == 5.75
    seen.check()


def test_points_out_of_range_are_brought_into_it(graded, tab, seen):
    open_work(tab, "Bob")
    for typed, kept in (("99", 3), ("-1", 0)):
        tab.fill("#why", typed)
        saved(tab, lambda: tab.press("#why", "Tab"))
        assert scores_of(graded, "bob")["why"] == kept
    cell = tab.locator(".nbgrader_cell", has=tab.locator("#why"))
    saved(tab, lambda: cell.get_by_role("button", name="No credit").click())
    seen.check()


def test_arrows_and_keys_lead_through_the_class(tab, seen):
    tab.goto(formgrader(tab, f"gradebook/{EXERCISE}/{EXERCISE}"))
    tab.locator("td.name a:visible").first.click()
    place = tab.locator(".panel-title .pull-right")

    def at(number: int) -> None:
        expect(place).to_have_text(f"Submission {number} / 3")
        settled(tab)

    at(1)
    tab.get_by_role("link", name="Next").click()
    at(2)
    tab.get_by_role("link", name="Prev").click()
    at(1)
    for keys, number in (("Control+.", 2), ("Control+.", 3), ("Control+,", 2), ("Control+,", 1)):
        tab.keyboard.press(keys)
        at(number)
    tab.keyboard.press("Tab")
    tab.keyboard.press("Escape")
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.classList.contains('tabbable')")
    tab.locator(".glyphicon-eye-open").click()
    expect(tab.locator("a.name-shown:visible")).to_contain_text("Example")
    tab.locator(".help").click()
    expect(tab.locator("#help-dialog")).to_contain_text("Flag the submission")
    tab.locator("#help-dialog").get_by_role("button", name="Close").last.click()
    expect(tab.locator("#help-dialog")).to_be_hidden()
    for told in ("Submission flagged", "Submission unflagged"):
        tab.keyboard.press("Control+Shift+F")
        expect(tab.locator("#statusmessage")).to_have_text(told)
    tab.get_by_role("link", name="Prev").click()
    expect(tab.locator("ol.breadcrumb")).to_contain_text(EXERCISE)
    seen.check()


def test_keys_lead_to_the_next_one_with_failed_tests(tab, seen):
    led = set()
    for keys in ("Control+Shift+.", "Control+Shift+,"):
        open_work(tab, "Ada")
        before = tab.url.partition("?")[0]
        tab.keyboard.press(keys)
        tab.wait_for_url(lambda url, before=before: not url.startswith(before))
        settled(tab)
        name = tab.locator(".live-notebook a.name-shown")
        led.add(name.text_content().strip() if name.count() else "the list")
    assert led == {"Example, Bob", "the list"}
    seen.check()


PAGES = ["manage_assignments", "gradebook", "manage_students"]


def test_every_link_of_every_page_leads_to_a_page(graded, tab, seen):
    """Follow all that can be clicked, from the three pages of the side bar."""
    waiting = [formgrader(tab, path) for path in PAGES]
    found = set(waiting)
    while waiting:
        answer = tab.goto(waiting.pop())
        settled(tab)
        assert answer.status == 200, answer.url
        assert "nbgrader" in tab.title() or tab.locator("#notebook-container").count(), answer.url
        for link in tab.locator("a[href]").evaluate_all(
            "links => links.map(link => link.href.split('#')[0])"
        ):
            if link not in found and "/formgrader/" in link:
                found.add(link)
                waiting.append(link)
            else:
                assert link in found or link == f"{graded.campus_url}/course/{COURSE}/class" or link == "", (
                    link
                )
    kinds = ("preview/source/", "preview/release/", "manage_submissions/", "manage_students/", "submissions/")
    assert all(any(f"/formgrader/{kind}" in link for link in found) for kind in kinds)
    seen.check()


def test_an_exercise_is_looked_at_before_it_is_released(tab, seen):
    tab.goto(formgrader(tab, "manage_assignments"))
    tab.locator("td.preview a").click()
    expect(tab.locator("body")).to_contain_text("As students get it")
    expect(tab.locator(".preview")).to_contain_text("NotImplementedError")
    expect(tab.locator(".preview")).not_to_contain_text("HIDDEN")
    tab.goto(formgrader(tab, "manage_assignments"))
    tab.locator("td.name a").click()
    expect(tab.locator(".preview")).to_contain_text("BEGIN HIDDEN TESTS")
    seen.check()


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ("assign", "Successfully created the student version"),
        ("release", "Successfully unreleased"),
        ("release", "Successfully released"),
        ("collect", "Successfully collected submissions"),
        ("generate-feedback", "Successfully generated feedback"),
    ],
)
def test_each_button_of_an_assignment_does_what_it_says(graded, tab, seen, column, told):
    tab.goto(formgrader(tab, "manage_assignments"))
    tab.locator(f"td.{column} a").click()
    expect(tab.locator(".modal-title")).to_have_text("Success", timeout=120_000)
    expect(tab.locator("#success-modal")).to_contain_text(told)
    tab.locator("#success-modal .modal-footer button").click()
    expect(tab.locator("#success-modal")).to_be_hidden()
    expect(tab.locator("td.name")).to_have_text(EXERCISE)
    withdrawn = told == "Successfully unreleased"
    expect(tab.locator("td.status")).to_have_text("draft" if withdrawn else "released")
    assert (released(graded.places.intake, COURSE, EXERCISE) is None) == withdrawn
    seen.check()


def test_what_belongs_elsewhere_is_not_offered(tab, seen):
    for path, words in (("manage_assignments", "manifest"), ("manage_students", "class code")):
        tab.goto(formgrader(tab, path))
        tab.wait_for_selector("#main-table a:visible")
        expect(tab.locator("body")).to_contain_text(words)
        assert tab.get_by_text("Add new").count() == 0
        assert tab.locator(".glyphicon-pencil:visible").count() == 0
        heads = tab.locator("th:visible").all_inner_texts()
        assert not any("Edit" in each for each in heads)
        assert len(heads) == tab.locator("#main-table tr").first.locator("td:visible").count()
    for kind, name in (("assignment", "new"), ("student", "eve")):
        assert tab.evaluate(ASK, [formgrader(tab, f"api/{kind}/{name}"), "PUT"])[0] == 405
    seen.faults.clear()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "api/terminals"),
        ("POST", "api/kernels"),
        ("POST", "api/contents"),
        ("PUT", "api/contents/nbgrader_config.py"),
        ("POST", "api/sessions"),
        ("GET", "lab"),
        ("GET", "tree"),
        ("GET", "files/gradebook.db"),
        ("GET", "formgrader/no-such-page"),
        ("POST", "formgrader/api/assignment/..%2F..%2Fdata%2Fsource/assign"),
    ],
)
def test_who_grades_gets_no_shell_no_kernel_and_no_files(tab, seen, method, path):
    tab.goto(formgrader(tab, "gradebook"))
    address = tab.url.partition("/formgrader/")[0] + f"/{path}"
    assert tab.evaluate(ASK, [address, method])[0] in (404, 405)
    seen.faults.clear()


def test_an_address_chooses_neither_configuration_nor_script(graded, tab, seen):
    folder = graded.places.state / "elsewhere"
    folder.mkdir()
    (folder / "nbgrader_config.py").write_text(f"open({str(folder / 'ran')!r}, 'w')\n")
    tab.goto(formgrader(tab, f"../formgrader?path={folder}"))
    assert tab.url.endswith("/formgrader/gradebook")
    assert not (folder / "ran").exists()
    seen.check()
    for path in ("manage_students/", "gradebook/"):
        tab.goto(formgrader(tab, path + "%22%3B%3C%2Fscript%3E%3Cscript%3Ewindow.ran%3D9%3C%2Fscript%3E"))
        assert tab.evaluate("window.ran") is None
    seen.faults.clear()


def test_a_page_that_was_handed_in_is_saved_not_opened(graded, tab, seen):
    open_work(tab, "Ada")
    (graded.places.nbgrader(COURSE) / "autograded" / "ada" / EXERCISE / "evil.html").write_text(
        "<script>1</script>"
    )
    status, heads = tab.evaluate(ASK, ["evil.html", "GET"])
    assert status == 200
    assert heads["content-disposition"] == "attachment"
    assert "sandbox" in heads["content-security-policy"]
    seen.check()
    gradebook = graded.places.nbgrader(COURSE) / "gradebook.db"
    for path in ("..%2F..%2F..%2Fgradebook.db", f"%2F{gradebook}"):
        assert tab.evaluate(ASK, [path, "GET"])[0] == 404
    seen.faults.clear()


def test_work_whose_graded_notebook_is_gone_says_what_to_do(graded, tab, seen):
    path = graded.places.nbgrader(COURSE) / "autograded" / "cleo" / EXERCISE / f"{EXERCISE}.ipynb"
    open_work(tab, "Cleo")
    address = tab.url
    path.rename(path.with_suffix(".gone"))
    tab.goto(address)
    expect(tab.locator("body")).to_contain_text("The graded notebook is not there any more")
    path.with_suffix(".gone").rename(path)
    tab.goto(address)
    expect(tab.locator("#why")).to_be_visible()
    seen.faults.clear()


@pytest.mark.parametrize("column", ["autograde", "generate-feedback", "release-feedback"])
def test_each_button_of_a_students_work_does_what_it_says(graded, tab, seen, column):
    tab.goto(formgrader(tab, f"manage_submissions/{EXERCISE}"))
    row = tab.locator("#main-table tr", has_text="bob")
    row.locator(f"td.{column} a").click()
    expect(tab.locator(".modal-title")).to_have_text("Success", timeout=120_000)
    if column == "release-feedback":
        expect(tab.locator("#success-modal")).to_contain_text("2 parts of 1 student still wait for a person")
    tab.locator("#success-modal .modal-footer button").click()
    expect(row).to_contain_text("Example, Bob")
    expect(row.locator("td.timestamp")).to_have_text(re.compile(r"\d\d:\d\d CES?T$"))
    seen.check()


def test_who_releases_is_told_how_much_nobody_has_read(graded, teacher, seen):
    teacher.goto(f"{graded.campus_url}/course/{COURSE}/class")
    card = teacher.get_by_role("region", name=TITLE)
    expect(card).to_contain_text("2 parts of 1 student still wait for a person to grade")
    card.get_by_role("button", name="Release feedback all the same").click()
    told = f"{TITLE}: released feedback to 3 students; 2 parts of 1 student still wait for a person to grade"
    expect(teacher.get_by_role("status").filter(has_text=told)).to_be_visible(timeout=90_000)
    seen.check()


def show_feedback(page: Page, campus) -> None:
    """Show the page of feedback. It lets nothing run, not even a test's script: a blank page shows it."""
    text = page.goto(f"{campus.campus_url}/feedback/{COURSE}/{EXERCISE}").text()
    page.goto("about:blank")
    page.set_content(text)


def test_the_student_reads_points_and_comment(graded, ada):
    ada.goto(f"{graded.campus_url}/exercise/{COURSE}/{EXERCISE}")
    expect(ada.locator("main")).to_contain_text("Score: 5.75 of 6 points.")
    expect(ada.locator("table.parts tr", has_text="why")).to_contain_text("2.75 of 3")
    expect(ada.locator("table.parts tr", has_text="when")).to_contain_text("1 of 1")
    show_feedback(ada, graded)
    expect(ada.locator("h1").first).to_have_text(f"Feedback: {TITLE}")
    expect(ada.locator(".total")).to_have_text("5.75 of 6 points")
    comment = ada.locator("section.comment")
    expect(comment).to_contain_text("Well said")
    assert comment.locator("math").count() == 1
    assert ada.evaluate("window.ran") is None


def waiting_students(campus, teacher) -> str:
    teacher.goto(f"{campus.campus_url}/course/{COURSE}/class")
    return teacher.locator("form", has=teacher.get_by_role("button", name="by hand")).first.inner_text()


def test_what_was_read_does_not_wait_again_after_a_regrade(graded, teacher, ada):
    graded.run("grade", COURSE, EXERCISE, "--again")
    assert "1 student waits" in waiting_students(graded, teacher)
    assert scores_of(graded, "ada") == {"test-double": 2, "why": 2.75, "when": 1}
    ada.goto(f"{graded.campus_url}/exercise/{COURSE}/{EXERCISE}")
    expect(ada.locator("main")).to_contain_text("Score: 5.75 of 6 points.")


def test_only_an_answer_that_changed_is_read_again(graded, teacher, tab, ada):
    hand_in(graded.places, "ada", PRINTED, "Another answer.", BREAKOUT)
    graded.run("grade", COURSE, EXERCISE)
    assert "2 students wait" in waiting_students(graded, teacher)
    open_work(tab, "Ada")
    assert "needs_manual_grade" in tab.get_attribute("#why", "class")
    assert "needs_manual_grade" not in tab.get_attribute("#when", "class")
    ada.goto(f"{graded.campus_url}/exercise/{COURSE}/{EXERCISE}")
    expect(ada.get_by_role("status")).to_contain_text("Your instructor has yet to read your answer.")
    expect(ada.locator("main")).to_contain_text("Score so far: 3 of 3 points")
    tab.fill("#why", "1")
    saved(tab, lambda: tab.press("#why", "Tab"))
    assert "1 student waits" in waiting_students(graded, teacher)
    ada.reload()
    expect(ada.locator("main")).to_contain_text("Score: 4 of 6 points.")


FIELDS = {"#extend-until": "2099-02-05T18:00", "#announcement": "Room 2 tomorrow"}


def test_every_button_of_the_class_page_does_something_and_fails_nobody(graded, teacher, seen):
    address = f"{graded.campus_url}/course/{COURSE}/class"
    pressed = set[str]()
    while True:
        teacher.goto(address)
        for place, text in FIELDS.items():
            teacher.fill(place, text)
        buttons = {each.inner_text().strip(): each for each in teacher.locator("main button").all()}
        name = next((name for name in buttons if name not in pressed), None)
        if name is None:
            break
        pressed.add(name)
        if "new tab" in name:
            with teacher.context.expect_page() as opened:
                buttons[name].click()
            opened.value.wait_for_url("**/formgrader/gradebook**")
            opened.value.close()
        else:
            buttons[name].click()
            expect(teacher.locator("h1")).to_contain_text("Class:")
            expect(teacher.get_by_role("status").first).to_be_visible()
        seen.check()
    beginnings = (
        "Grade",
        "Release feedback",
        "Extend",
        "Save",
        "Announce",
        "Take down",
        "Open the formgrader",
    )
    assert all(any(name.startswith(each) for name in pressed) for each in beginnings), pressed
