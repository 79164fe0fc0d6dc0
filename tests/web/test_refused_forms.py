"""A refused form comes back filled in, with the sentence beside the field: every form of the campus, every field."""

from __future__ import annotations

import typing
from collections.abc import Iterator

import fastapi.params
import pytest
import quick_grading
from bs4 import BeautifulSoup
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from signed_in import FORM
from test_class_page import EXERCISE, campus, hand_in, signed_in, work_off
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import read_course
from tpc_grader.desk import regrade
from tpc_grader.grades import visibility
from tpc_grader.submissions.store import Store
from tpc_hub.people import people
from tpc_hub.people.people import enrol
from tpc_hub.web.app import PREFIX, make_app
from tpc_hub.web.session.identity import form_visitor
from tpc_hub.web.session.refused_form import ANEW, filled_in

__all__ = ["campus"]  # fixtures
CLASS = "/course/scaling"
ADA, TEACHER = f"{CLASS}/person/ada", f"{CLASS}/person/teacher"
WORDS = '"Tea" & <b>cake</b>\n'
# Address, who sends it, what it holds, and for each field a wrong value with a part of the sentence about it.
# None where every value is a right one.
FORMS: tuple[tuple[str, str, dict[str, str], dict[str, tuple[str, str] | None]], ...] = (
    (f"{CLASS}/announcements", "teacher", {}, {"text": (" ", "1 to 1000 characters")}),
    (f"{CLASS}/announcements/remove", "teacher", {}, {"number": ("x", "'x' is no number")}),
    (
        f"/exercise/scaling/{EXERCISE}/regrade",
        "ada",
        {"cell": quick_grading.CELL, "reason": WORDS},
        {"cell": ("nope", "no graded part 'nope'"), "reason": (" ", "Say in a sentence")},
    ),
    (f"{CLASS}/grade", "teacher", {}, {"exercise": ("nope", "no exercise nope")}),
    (f"{CLASS}/feedback", "teacher", {}, {"exercise": ("nope", "no exercise nope")}),
    (f"{CLASS}/formgrader", "teacher", {}, {"exercise": ("nope", "no exercise nope")}),
    (
        f"{CLASS}/extend",
        "teacher",
        {"exercise": EXERCISE, "student": "bob", "until": "2099-03-01T18:00", "reason": WORDS.strip()},
        {
            "exercise": ("nope", "no exercise nope"),
            "student": ("nobody", "nobody has not signed up"),
            "until": ("2001-01-01T00:00", "before the due date"),
            "reason": None,
        },
    ),
    (f"{CLASS}/results", "teacher", {}, {"policy": ("never", "no policy for results")}),
    (
        f"{CLASS}/answer",
        "teacher",
        {"number": "1", "words": WORDS, "points": "3"},
        {
            "number": ("7", "no request 7"),
            "words": (" ", "Answer in a sentence"),
            "points": ("many", "'many' is no number of points"),
        },
    ),
    (f"{ADA}/shown-name", "teacher", {}, {"shown": (" ", "The shown name is empty")}),
    (f"{ADA}/sign-in-name", "teacher", {}, {"sign_in": ("A B!", "letters")}),
    (f"{ADA}/leave", "teacher", {}, {"typed": ("bob", "Type ada to confirm")}),
    (
        f"{ADA}/move",
        "teacher",
        {"target": "data", "typed": "ada"},
        {"target": ("nope", "You teach no course 'nope'"), "typed": ("bob", "Type ada to confirm")},
    ),
    (f"{ADA}/erase", "teacher", {}, {"typed": ("bob", "Type ada")}),
    (f"{TEACHER}/demote", "teacher", {}, {"typed": ("bob", "Type teacher to confirm")}),
    (f"{CLASS}/regrade/{EXERCISE}/apply", "teacher", {}, {"version": ("0", "was released again meanwhile")}),
    (f"{ADA}/enrol-again", "teacher", {}, {}),
    (f"{ADA}/password-link", "teacher", {}, {}),
    (f"{ADA}/approve", "teacher", {}, {}),
    (f"{ADA}/refuse", "teacher", {}, {}),
    (f"{CLASS}/approve-all", "teacher", {}, {"names": ("nobody", "nobody is not in this course")}),
    (f"{CLASS}/regrade/{EXERCISE}/try", "teacher", {}, {}),
    ("/done/scaling/first-steps", "ada", {"done": "yes"}, {"course": ("nope", "no such page for you"), "done": None}),
    ("/keep", "ada", {}, {}),
    ("/join", "ada", {}, {"code": ("wrong <code>", "That class code is not known")}),
)  # fmt: skip
CASES = [
    (path, who, good | {field: wrong[0]}, field, wrong[1])
    for path, who, good, fields in FORMS
    for field, wrong in fields.items()
    if wrong
]


@pytest.fixture(scope="module", autouse=True)
def no_hub() -> Iterator[None]:
    """Groups at the hub have a test with a real one (test_following)."""

    async def nothing(*_: object) -> None:
        """Change no group."""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tpc_hub.web.session.identity._reconcile_groups", nothing)
        yield


@pytest.fixture
def asked(campus: Places) -> Places:
    """A class in which ada asked for a regrade; the teacher teaches another course too."""
    course = read_course(campus.courses / "scaling.yml", campus)
    hand_in(campus, "ada", 4)
    work_off(campus)
    visibility.release(campus, course, EXERCISE, "teacher")
    with people.transaction(campus) as session:
        enrol(session, "data", "teacher", "instructor")
    return campus


def ask(places: Places) -> None:
    """Ask for a regrade as ada."""
    course = read_course(places.courses / "scaling.yml", places)
    regrade.request(
        places, course, Store(places).newest("scaling", EXERCISE, "ada"), quick_grading.CELL, "please"
    )


def send(client: TestClient, path: str, fields: dict[str, str], **headers: str):
    headers = {"Accept": "text/html", **headers}
    return client.post(f"{PREFIX}{path}", data={"form_token": FORM, **fields}, headers=headers)


def client_of(name: str) -> Iterator[TestClient]:
    return signed_in(name, "formgrade-scaling" if name == "teacher" else "nbgrader-scaling")


def form_fields(endpoint) -> set[str]:
    hints = typing.get_type_hints(endpoint, include_extras=True)
    return {
        name
        for name, hint in hints.items()
        if any(isinstance(each, fastapi.params.Form) for each in getattr(hint, "__metadata__", ()))
    }


def is_form(dependant) -> bool:
    """Return whether a request needs to come from a form of our own pages, by itself or by what it depends on."""
    return dependant.call is form_visitor or any(map(is_form, dependant.dependencies))


def routes_of(holder) -> Iterator[APIRoute]:
    """Yield what can be asked for, also within routers that were taken in."""
    for each in holder.routes:
        if isinstance(each, APIRoute):
            yield each
        elif inner := getattr(each, "original_router", None):
            yield from routes_of(inner)


def test_every_form_and_every_field_is_tried_here(campus):
    forms = [route for route in routes_of(make_app()) if is_form(route.dependant)]
    tried = {}
    for path, _, _, fields in FORMS:
        (route,) = (
            each
            for each in forms
            if each.path_regex.fullmatch(path) or each.path_regex.fullmatch(f"{PREFIX}{path}")
        )
        tried[route.path] = set(fields)
    assert tried == {route.path: form_fields(route.endpoint) for route in forms}


@pytest.mark.parametrize("who", ["teacher", "ada"])
def test_a_refused_form_comes_back_filled_in(asked, who):
    if who == "teacher":
        ask(asked)
    for client in client_of(who):
        for path, sender, fields, field, reason in CASES:
            if sender == who:
                check_refused(send(client, path, fields), path, fields, field, reason)


def check_refused(answer, path: str, fields: dict[str, str], field: str, reason: str) -> None:
    """Check the page that a form comes back on."""
    assert 400 <= answer.status_code < 500, path
    page = BeautifulSoup(answer.text, "html.parser")
    (told,) = page.select("#refused")
    assert reason in told.text, (path, field)
    form = told.find_parent("form")
    if form is None:
        # No page has this form for this person: what was typed is shown.
        assert {each.text for each in page.select("dd")} == {
            value for value in fields.values() if value.strip()
        }
        return
    assert form["action"] == f"{PREFIX}{path}"
    # The page stands at the form's address now: what is relative to its own leads astray.
    assert page.select('[href^="?"], [action=""], [action^="?"]') == []
    assert form.select_one("[name=form_token]")["value"] == FORM
    shown = [each for each in form.select("input, select, textarea") if each.get("type") != "hidden"]
    for control in shown:
        assert given(control) == fields[control["name"]] or control["name"] == field
    wrong = [each for each in shown if each.get("name") == field]
    if wrong:
        assert wrong[0]["aria-describedby"] == "refused"
        assert wrong[0].has_attr("autofocus")
        assert wrong[0].find_next_sibling().get("id") == "refused"
        if wrong[0].name != "select":
            assert given(wrong[0]) == fields[field]
    else:
        assert told["role"] == "alert"
        assert told.has_attr("autofocus")


def given(control) -> str:
    if control.name == "textarea":
        return control.text.removeprefix("\n")
    if control.name == "select":
        return next((option.get("value", option.text) for option in control.select("[selected]")), "")
    return control.get("value", "")


def test_of_several_forms_the_one_is_filled_in_that_was_sent(asked):
    ask(asked)
    course = read_course(asked.courses / "scaling.yml", asked)
    hand_in(asked, "bob", 3)
    work_off(asked)
    regrade.request(
        asked, course, Store(asked).newest("scaling", EXERCISE, "bob"), quick_grading.CELL, "me too"
    )
    for client in client_of("teacher"):
        answer = send(client, f"{CLASS}/answer", {"number": "1", "words": "for ada", "points": "x"})
    page = BeautifulSoup(answer.text, "html.parser")
    assert given(page.select_one("#words-1")) == "for ada"
    assert given(page.select_one("#words-2")) == ""
    assert page.select_one("#requests").has_attr("open")


def test_a_form_older_than_the_sign_in_comes_back_with_what_was_typed_and_works_then(asked):
    for client in client_of("teacher"):
        stale = send(client, f"{CLASS}/announcements", {"text": "All about laws", "form_token": "old"})
        assert stale.status_code == 403
        page = BeautifulSoup(stale.text, "html.parser")
        assert given(page.select_one("#announcement")) == "All about laws"
        token = page.select_one("#announcement").find_parent("form").select_one("[name=form_token]")["value"]
        sent = send(client, f"{CLASS}/announcements", {"text": "All about laws", "form_token": token})
        assert "Announced" in sent.text


def test_who_was_signed_out_still_reads_what_they_typed(asked):
    for client in client_of("teacher"):
        client.cookies.clear()
        answer = send(client, f"{CLASS}/announcements", {"text": "All <b>about</b> laws"})
        assert answer.status_code == 403
        assert "All &lt;b&gt;about&lt;/b&gt; laws" in answer.text
        assert "signed out" in answer.text


@pytest.mark.parametrize("origin", ["https://evil.example", "http://ada.hub.localhost:8000", "null"])
def test_what_another_site_sends_is_filled_in_nowhere(asked, origin):
    for client in client_of("teacher"):
        answer = send(client, f"{CLASS}/announcements", {"text": "Buy tea", "form_token": "x"}, Origin=origin)
        assert answer.status_code == 403
        assert "Buy tea" not in answer.text


def test_passwords_and_files_are_not_filled_in_and_the_page_says_so():
    page = (
        '<main><form action="/x"><input name="name"><input name="word" type="password"><input name="f" type="file">'
        '<input type="checkbox" name="c" value="1" checked><input type="radio" name="r" value="a">'
        '<input type="radio" name="r" value="b"></form></main>'
    )
    values = [("name", 'a"b'), ("word", "secret"), ("f", "x"), ("r", "b")]
    done = BeautifulSoup(filled_in(page, "/x", "/page", values, "No such name.", "name"), "html.parser")
    assert "secret" not in str(done)
    assert done.select_one("[name=name]")["value"] == 'a"b'
    assert done.select_one("#refused").text == f"No such name. {ANEW}"
    assert not done.select_one("[name=c]").has_attr("checked")
    assert [each["value"] for each in done.select("[name=r][checked]")] == ["b"]


def test_a_receipt_that_does_not_hold_stays_in_its_field(asked):
    for client in client_of("ada"):
        answer = client.post(f"{PREFIX}/receipts", content="receipt=%3Cnone%3E")
    page = BeautifulSoup(answer.text, "html.parser")
    assert answer.status_code == 422
    assert given(page.select_one("#receipt")) == "<none>"
    assert page.select_one("#receipt")["aria-describedby"] == page.select_one(".wrong")["id"]
