"""Leaving a course and coming back: on the class page, on the command line, and in every list and number."""

from __future__ import annotations

import csv
import io

import pytest
from class_tree import manifest_with
from click.testing import CliRunner
from fastapi.testclient import TestClient
from nbgrader.api import Gradebook
from signed_in import FORM, signed_in_client
from test_class_page import COURSE, EXERCISE, campus, hand_in, press, signed_in, teacher, text_of, work_off
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import load_courses
from tpc_grader.database import audit
from tpc_grader.desk.unread import unread
from tpc_grader.grades.scores import class_scores
from tpc_grader.submissions.store import Store
from tpc_grader.worker.classwork import queue_class
from tpc_hub.cli import main
from tpc_hub.people import people
from tpc_hub.people.people import ClassCode, Enrolment, Person, enrol, roles_of
from tpc_hub.web.app import make_app

__all__ = ["campus", "teacher"]  # fixtures


@pytest.fixture(autouse=True)
def no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups at the hub have a test with a real one (test_following)."""

    async def nothing(*_: object) -> None:
        """Change no group."""

    monkeypatch.setattr("tpc_hub.web.session.identity._reconcile_groups", nothing)


@pytest.fixture
def ada(campus: Places):
    yield from signed_in("ada", "nbgrader-scaling")


def command(places: Places, *arguments: str) -> str:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    return done.output


def refused(places: Places, *arguments: str) -> str:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 1, done.output
    return done.output


def listed(teacher: TestClient) -> set[str]:
    """Return who is in the class, by the page's program interface and by the CSV alike."""
    rows = {row["name"] for row in teacher.get(f"{COURSE}/class.json").json()}
    table = csv.DictReader(io.StringIO(teacher.get(f"{COURSE}/grades.csv").content.decode("utf-8-sig")))
    assert {row["name"] for row in table} == rows
    return rows


def test_who_leaves_is_in_no_list_and_no_number_until_they_are_back(campus, teacher, ada):
    for name in ("ada", "bob"):
        hand_in(campus, name, 7)
    work_off(campus)
    hand_in(campus, "ada", 8)
    page = text_of(press(teacher, "person/ada/leave", typed="ada"))
    assert "Ada Example is out of the course. The work is kept" in page
    assert "1 left the course" in page
    assert "1 of 1 students" in page
    assert "Grade new submissions" in page
    assert listed(teacher) == {"bob"}
    course = next(each for each in load_courses(campus) if each.id == "scaling")
    assert [each.student for each in Store(campus).latest("scaling", EXERCISE)] == ["bob"]
    assert queue_class(campus, course, EXERCISE) == []
    assert ("ada", EXERCISE) in class_scores(campus, "scaling"), "the work is kept"
    assert ada.get(COURSE).status_code == 404
    assert ada.get("/services/campus/api/courses").json() == []
    page = text_of(press(teacher, "person/ada/enrol-again"))
    assert "Ada Example is in the course again" in page
    assert listed(teacher) == {"ada", "bob"}
    assert "Grade 1 new submission" in page
    assert ada.get(COURSE).status_code == 200


def test_parts_that_wait_for_a_person_are_not_counted_of_who_left(campus, teacher):
    hand_in(campus, "ada", 7)
    work_off(campus)
    with Gradebook(f"sqlite:///{campus.nbgrader('scaling') / 'gradebook.db'}", "scaling") as book:
        for grade in (each for row in book.find_submission(EXERCISE, "ada").notebooks for each in row.grades):
            grade.needs_manual_grade, grade.auto_score = True, None
        book.db.commit()
    assert unread(campus, "scaling", EXERCISE).students == 1
    press(teacher, "person/ada/leave", typed="ada")
    assert unread(campus, "scaling", EXERCISE).students == 0


@pytest.mark.parametrize("typed", ["", "Ada Example", "bob"])
def test_nobody_leaves_without_their_name_typed(campus, teacher, typed):
    answer = teacher.post(f"{COURSE}/person/ada/leave", data={"form_token": FORM, "typed": typed})
    assert answer.status_code == 400
    assert "Type ada to confirm" in answer.text
    assert listed(teacher) == {"ada", "bob"}


def test_an_instructor_moves_students_between_own_courses_only(campus, teacher):
    move = {"form_token": FORM, "typed": "ada", "target": "data"}
    assert teacher.post(f"{COURSE}/person/ada/move", data=move).status_code == 404
    with people.transaction(campus) as session:
        enrol(session, "data", "teacher", "instructor")
    assert "is in Data course now" in text_of(press(teacher, "person/ada/move", typed="ada", target="data"))
    with people.session(campus) as session:
        assert roles_of(session, "ada") == {"data": "student"}
    whats = [(row.who, row.what, row.course) for row in audit.entries(campus, student="ada")]
    assert whats == [("teacher", "left course", "scaling"), ("teacher", "joined course", "data")]


def test_a_course_keeps_an_instructor_and_who_steps_down_loses_the_class_page(campus, teacher):
    form = {"form_token": FORM, "typed": "teacher"}
    answer = teacher.post(f"{COURSE}/person/teacher/demote", data=form)
    assert answer.status_code == 400
    assert "only instructor" in answer.text
    with people.transaction(campus) as session:
        enrol(session, "scaling", "bob", "instructor")
    assert teacher.post(f"{COURSE}/person/teacher/demote", data=form).status_code == 200
    assert teacher.get(f"{COURSE}/class").status_code == 404


def test_an_instructor_of_another_course_sees_no_person_of_this_one(campus):
    with people.transaction(campus) as session:
        session.add(Person(name="dora", display_name="Dora"))
        session.flush()
        enrol(session, "data", "dora", "instructor")
    with signed_in_client(make_app(), "dora", "formgrade-data") as dora:
        assert dora.get(f"{COURSE}/person/ada").status_code == 404
        other = "/services/campus/course/data/person/ada"
        assert dora.get(other).status_code == 404
        for what in ("leave", "shown-name", "password-link", "enrol-again", "approve"):
            fields = {"form_token": FORM, "typed": "ada", "shown": "x"}
            assert dora.post(f"{other}/{what}", data=fields).status_code == 404


def test_a_student_is_renamed_and_what_is_about_the_whole_person_is_not_one_instructors(campus, teacher):
    assert "Ada King" in text_of(press(teacher, "person/ada/shown-name", shown=" Ada  King "))
    press(teacher, "person/ada/sign-in-name", sign_in="Aking")
    with people.transaction(campus) as session:
        person = session.get(Person, "ada")
        assert (person.name, person.display_name, person.sign_in) == ("ada", "Ada King", "aking")
        enrol(session, "data", "ada")
    taken = teacher.post(f"{COURSE}/person/bob/sign-in-name", data={"form_token": FORM, "sign_in": "AKING"})
    assert "is taken" in taken.text
    answer = teacher.post(f"{COURSE}/person/ada/sign-in-name", data={"form_token": FORM, "sign_in": "other"})
    assert answer.status_code == 400
    assert "courses that you do not teach" in answer.text


def test_the_operator_does_the_same_by_commands(campus, teacher):
    assert "Ada Example (ada) is out of scaling" in command(campus, "user", "leave", "ada", "scaling")
    assert listed(teacher) == {"bob"}
    command(campus, "user", "add", "ada", "--attends", "scaling")
    assert listed(teacher) == {"ada", "bob"}
    assert "is in data now" in command(campus, "user", "move", "bob", "scaling", "data")
    assert "only instructor" in refused(campus, "user", "demote", "teacher", "scaling")
    command(campus, "user", "add", "ada", "--teaches", "scaling")
    assert "is a student" in command(campus, "user", "demote", "teacher", "scaling")
    assert "teaches scaling" in refused(campus, "user", "leave", "ada", "scaling")
    assert "is shown as Ada King and signs in as king" in command(
        campus, "user", "rename", "ada", "--shown", "Ada King", "--sign-in", "King"
    )


def test_a_roster_that_is_complete_takes_the_others_out_after_a_dry_run(campus, teacher):
    with people.transaction(campus) as session:
        session.get(Person, "ada").sign_in = "ada"
    file = campus.root / "class.csv"
    file.write_text("login,display name,number\nada,Ada Lovelace,7\n")
    told = command(campus, "roster", "import", "scaling", str(file), "--complete")
    assert "Ada Lovelace (ada): name Ada Example -> Ada Lovelace" in told
    assert "Ada Lovelace (ada): student number none -> 7" in told
    assert "leaves the course; the work is kept" in told
    assert "1 person in the file, 3 changes in scaling; nothing was written" in told
    assert listed(teacher) == {"ada", "bob"}
    command(campus, "roster", "import", "scaling", str(file), "--complete", "--apply")
    assert listed(teacher) == {"ada"}
    assert "0 changes" in command(campus, "roster", "import", "scaling", str(file), "--complete", "--apply")
    file.write_text("login\nbob\n")
    assert "joins again as student" in command(campus, "roster", "import", "scaling", str(file), "--apply")
    assert listed(teacher) == {"ada", "bob"}


def test_a_class_code_does_not_pass_by_an_approval(campus, teacher):
    manifest_with(campus, "data", approval=True)
    with people.transaction(campus) as session:
        session.add(ClassCode(course="data", code="code-data"))
        session.add(Person(name="dora", display_name="Dora"))
        session.flush()
        enrol(session, "data", "dora", "instructor")
    with signed_in_client(make_app(), "ada", "nbgrader-scaling") as ada:
        page = ada.post("/services/campus/join", data={"form_token": FORM, "code": "CODEDATA"})
        assert "You asked to join Data course" in page.text
        assert ada.get("/services/campus/course/data").status_code == 404
    with signed_in_client(make_app(), "dora", "formgrade-data") as dora:
        path = "/services/campus/course/data"
        assert "waits for approval" in dora.get(f"{path}/class").text
        told = dora.post(f"{path}/person/ada/approve", data={"form_token": FORM}).text
        assert "Approved Ada Example" in text_of(told)
    with people.session(campus) as session:
        assert roles_of(session, "ada") == {"scaling": "student", "data": "student"}


def test_who_was_taken_out_comes_back_by_the_code_after_approval_only(campus, teacher, ada):
    with people.transaction(campus) as session:
        session.add(ClassCode(course="scaling", code="code-scal"))
    press(teacher, "person/ada/leave", typed="ada")
    ada.post("/services/campus/join", data={"form_token": FORM, "code": "code-scal"})
    assert ada.get(COURSE).status_code == 404
    assert "Ada Example (ada) waits for approval" in text_of(teacher.get(f"{COURSE}/class").text)
    assert "Refused Ada Example" in text_of(press(teacher, "person/ada/refuse"))
    with people.session(campus) as session:
        assert session.get(Enrolment, ("scaling", "ada")).role == "left"
