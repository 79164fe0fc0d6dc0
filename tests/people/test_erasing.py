"""Export and erasure of a person: nothing is left out, and nothing is left over, in whatever table or file."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from nbgrader.api import Base as GradebookBase
from signed_in import FORM, signed_in_client
from sqlalchemy import MetaData, inspect
from test_class_page import COURSE, EXERCISE, campus, hand_in, press, set_outcome, teacher, text_of, work_off
from test_leaving import no_hub
from tpc_courses.base.places import Places
from tpc_grader.database import audit
from tpc_grader.database.engine import open_database as open_grader
from tpc_grader.desk.appeals import RequestRow
from tpc_grader.desk.holdings import TABLES as GRADEBOOK
from tpc_grader.feedback.publish import publish_feedback
from tpc_grader.grades.late import ExtensionRow
from tpc_grader.grades.visibility import PolicyRow
from tpc_grader.grading.answers import AnswerRow
from tpc_grader.submissions.store import Store
from tpc_hub.cli import main
from tpc_hub.people import people
from tpc_hub.people.announcements import Announcement
from tpc_hub.people.links import make_link
from tpc_hub.people.people import KeptServer, LessonVisit, Person, enrol
from tpc_hub.privacy import whose
from tpc_hub.settings.profile import Settings
from tpc_hub.web.app import make_app

__all__ = ["campus", "no_hub", "teacher"]  # fixtures
NAME = "zelda-quux"
CALLED = (NAME, "zelda.quux@example.org", "z-4711-q", "Zelda Quux", "Zelda.Login")


@pytest.fixture
def zelda(campus: Places) -> Places:
    """A student of whom there is something in every place that a campus has."""
    with people.transaction(campus) as session:
        person = Person(
            name=NAME, display_name=CALLED[3], sign_in=CALLED[4], email=CALLED[1], number=CALLED[2]
        )
        session.add(person)
        session.flush()
        enrol(session, "scaling", NAME)
        make_link(session, Settings(), person)
    hand_in(campus, "ada", 4)
    hand_in(campus, NAME, 7, "my words")
    work_off(campus)
    store = Store(campus)
    newest = store.newest("scaling", EXERCISE, NAME)
    publish_feedback(campus, newest.id, EXERCISE, "<p>well done</p>")
    now = newest.received_at
    where = {"course": "scaling", "exercise": EXERCISE}
    with people.transaction(campus) as session:
        whole = {"granted_by": "teacher", "granted_at": now, "until": now}
        session.add(ExtensionRow(**where, student=NAME, reason="ill", **whole))
        session.add(
            ExtensionRow(**where, student="bob", reason=f"as {CALLED[3]}", **whole | {"granted_by": NAME})
        )
        asked = {"cell": "test-double", "requested_at": now, "submission": newest.id}
        session.add(RequestRow(**where, student=NAME, reason="please", **asked))
        session.add(
            RequestRow(**where, student="bob", reason=f"{NAME} got more", **asked | {"submission": "x"})
        )
        session.add(AnswerRow(**where, student=NAME, cell="why", kind="Grade", digest="d", row="r"))
        session.add(PolicyRow(course="scaling", name="results", value="now", by=NAME, at=now))
        session.add(Announcement(course="scaling", by=NAME, text=f"{CALLED[3]} won, not ada", at=now))
        session.add(LessonVisit(person=NAME, lesson="scaling/first-steps"))
        session.add(KeptServer(person=NAME, since=dt.datetime(2027, 1, 29, tzinfo=dt.UTC)))
        audit.write(
            session,
            audit.Entry("teacher", "extension", **where, student=NAME, note="for Zelda"),
            audit.Entry(NAME, "policy results", course="scaling", before=f"by {CALLED[1]}"),
        )
    audit.export(campus)
    for step in ("submitted", "autograded", "feedback"):
        made = campus.nbgrader("scaling") / step / NAME / EXERCISE / f"{EXERCISE}.ipynb"
        made.parent.mkdir(parents=True, exist_ok=True)
        made.write_text(f"{{}} {NAME}")
        made.chmod(0o444)
        made.parent.chmod(0o555)
    home = campus.homes / NAME
    (home / "deep").mkdir(parents=True)
    (home / "deep" / "notes.txt").write_text("my own")
    (home / "loot").symlink_to("/etc/passwd")
    logs = campus.logs
    (logs / "servers").mkdir(parents=True, exist_ok=True)
    (logs / "servers" / f"{NAME}.log").write_text("started")
    (logs / "hub.log").write_text(
        f"GET /user/{NAME}/lab ({NAME}@127.0.0.1)\njupyterhub-user-{NAME} {CALLED[1]} http://{NAME}.hub.localhost\n"
    )
    return campus


def run(*arguments: str, code: int = 0, input: str | None = None) -> str:
    done = CliRunner().invoke(main, arguments, input=input)
    assert done.exit_code == code, done.output
    return done.output


def left_over(places: Places, words: tuple[str, ...]) -> Iterator[str]:
    """Yield each row of each table of each database, and each file, that holds one of the words.

    Tables are found by looking, not by a list: one that somebody adds is looked at too.
    """
    found = re.compile("|".join(map(re.escape, words)), re.I)
    for path in sorted(places.state.rglob("*")):
        where = str(path.relative_to(places.state))
        if found.search(where):
            yield f"the name of {where}"
        if not path.is_file():
            continue
        data = path.read_bytes()
        if found.search(data.decode("latin-1")):
            yield f"the file {where}"
        if data.startswith(b"SQLite format 3"):
            with sqlite3.connect(path) as database:
                tables = [
                    name
                    for (name,) in database.execute("select name from sqlite_master where type = 'table'")
                ]
                for table in tables:
                    for row in database.execute(f'select * from "{table}"'):
                        if any(found.search(str(value)) for value in row):
                            yield f"{where}, table {table}: {row}"


def ids_of(places: Places) -> tuple[str, ...]:
    """Return what else is the person's: the ids of what they handed in."""
    return tuple(each.id for each in Store(places).of_student(NAME))


def test_whoever_adds_a_table_says_whose_its_rows_are(campus):
    """Erasure and export go by `tpc_hub.privacy.whose`: a table that is not in it would be forgotten by both."""
    tables = set(inspect(people.open_database(campus.database_url)).get_table_names())
    assert tables - {"alembic_version", "grader_version"} == set(whose.TABLES)
    holding = {"student"}
    while True:
        more = {
            table.name
            for table in GradebookBase.metadata.tables.values()
            if any(key.column.table.name in holding for key in table.foreign_keys)
        }
        if more <= holding:
            break
        holding |= more
    assert holding == set(GRADEBOOK), "tables of nbgrader whose rows hang on a student"


def test_everything_about_a_person_is_there_before_the_erasure(zelda):
    """Else the test after it would find nothing for the wrong reason."""
    found = "\n".join(left_over(zelda, (*CALLED, *ids_of(zelda))))
    for table, names in whose.TABLES.items():
        if names.owner or names.by:
            assert f"campus.sqlite, table {table}:" in found, table
    for table in ("student", "submitted_assignment"):
        assert f"gradebook.db, table {table}:" in found
    for place in (
        "homes",
        "logs/hub.log",
        "logs/audit.jsonl",
        "logs/servers",
        "nbgrader",
        "intake/.feedback",
    ):
        assert place in found, place


def test_after_an_erasure_no_row_and_no_file_holds_the_person(zelda):
    words, others = (*CALLED, *ids_of(zelda)), len(Store(zelda).of_student("ada"))
    blobs = {path.name for path in (zelda.intake / "blobs").rglob("*") if path.is_file()}
    mine = {file.sha256 for each in Store(zelda).of_student(NAME) for file in each.files}
    told = run("user", "erase", NAME, "--confirm", NAME)
    assert f"Erased {NAME}" in told
    assert "Backups that you made of the state folder still hold the person" in told
    assert list(left_over(zelda, words)) == []
    assert {path.name for path in (zelda.intake / "blobs").rglob("*") if path.is_file()} == blobs - mine
    assert len(Store(zelda).of_student("ada")) == others
    entries = audit.entries(zelda, "scaling", EXERCISE, whose.ERASED)
    assert [row.what for row in entries if row.who == "teacher"] == ["extension"], "what was done remains"
    assert (zelda.logs / "audit.jsonl").read_text().count("\n") == len(audit.entries(zelda))
    with people.session(zelda) as session:
        (announced,) = session.query(Announcement)
        assert (announced.by, announced.text) == (whose.ERASED, f"{whose.ERASED} won, not ada")
    with pytest.raises(Exception, match="append-only"), people.transaction(zelda) as session:
        session.query(audit.AuditRow).delete()


def test_an_erasure_on_postgresql_leaves_nothing_either(each_database):
    with people.transaction(each_database) as session:
        for name in (NAME, "ada"):
            session.add(Person(name=name, display_name=name.title()))
            session.flush()
            enrol(session, "scaling", name)
        audit.write(session, audit.Entry("teacher", "extension", course="scaling", student=NAME, note=NAME))
    environment = {"CAMPUS_ROOT": str(each_database.root), "CAMPUS_STATE": str(each_database.state)}
    done = CliRunner(env=environment).invoke(main, ("user", "erase", NAME, "--confirm", NAME))
    assert done.exit_code == 0, done.output
    engine = open_grader(each_database.database_url)
    known = MetaData()
    known.reflect(engine)
    with engine.connect() as connection:
        rows = [str(row) for table in known.tables.values() for row in connection.execute(table.select())]
    assert not [row for row in rows if NAME in row]
    assert [row for row in rows if "ada" in row]
    with pytest.raises(Exception, match="append-only"), people.transaction(each_database) as session:
        session.query(audit.AuditRow).delete()


def test_an_erasure_waits_for_what_is_being_graded_and_goes_on_when_begun_again(zelda, monkeypatch):
    words = (*CALLED, *ids_of(zelda))
    monkeypatch.setattr("tpc_hub.privacy.erasing.WAIT_SECONDS", 0)
    set_outcome(zelda, NAME, state="running")
    told = run("user", "erase", NAME, "--confirm", NAME, code=1)
    assert "is being graded" in told
    assert "run the same again in a minute" in told
    with people.session(zelda) as session:
        assert people.roles_of(session, NAME) == {}, "meanwhile the person is let in nowhere"
    set_outcome(zelda, NAME, state="graded")
    run("user", "erase", NAME, "--confirm", NAME)
    assert list(left_over(zelda, words)) == []


@pytest.mark.parametrize("typed", ["", "zelda", "yes"])
def test_nobody_is_erased_without_the_name_typed(zelda, typed):
    before = list(left_over(zelda, CALLED))
    arguments = ("--confirm", typed) if typed == "yes" else ()
    run("user", "erase", NAME, *arguments, code=1, input=None if arguments else f"{typed}\n")
    assert list(left_over(zelda, CALLED)) == before


def test_the_only_instructor_of_a_course_is_not_erased(campus):
    told = run("user", "erase", "teacher", "--confirm", "teacher", code=1)
    assert "only instructor of scaling" in told
    with people.session(campus) as session:
        assert people.members(session, "scaling", "instructor") == ["teacher"]


def test_an_instructor_erases_who_is_in_own_courses_only(zelda, teacher):
    path = f"{COURSE}/person/{NAME}/erase"
    with people.transaction(zelda) as session:
        enrol(session, "data", NAME)
    answer = teacher.post(path, data={"form_token": FORM, "typed": NAME})
    assert answer.status_code == 400
    assert "courses that you do not teach" in answer.text
    assert "courses that you do not teach" in teacher.get(f"{COURSE}/person/{NAME}").text
    with people.transaction(zelda) as session:
        enrol(session, "data", "teacher", "instructor")
    assert teacher.post(path, data={"form_token": FORM, "typed": "x"}).status_code == 400
    words = (*CALLED, *ids_of(zelda))
    page = text_of(press(teacher, f"person/{NAME}/erase", typed=NAME))
    assert f"{NAME} is erased" in page
    assert list(left_over(zelda, words)) == []


def test_the_export_holds_all_and_says_what_each_file_is(zelda, tmp_path):
    file = tmp_path / "all.zip"
    told = run("user", "export", CALLED[1], str(file))
    assert "personal data" in told
    assert os.stat(file).st_mode & 0o777 == 0o600
    with zipfile.ZipFile(file) as made:
        names, readme = made.namelist(), made.read("README.txt").decode()
        read = {name: made.read(name).decode() for name in names}
    for table, holds in whose.TABLES.items():
        if holds.owner:
            assert f"campus/{table}.json" in names, table
    for place in ("gradebook/scaling.json", "home/deep/notes.txt", "audit.jsonl"):
        assert place in names
    for kind in ("/receipt.json", f"/files/{EXERCISE}.ipynb", f"/feedback/{EXERCISE}.html"):
        assert any(name.startswith("submissions/scaling/") and name.endswith(kind) for name in names), kind
    assert any(name.startswith("coursework/scaling/autograded/") for name in names)
    described = [
        line.split()[0] for line in readme.splitlines() if line[:1].islower() or line.startswith("README")
    ]
    for name in names:
        top = name.partition("/")[0]
        assert any(line.partition("/")[0] == top for line in described) or top == "home-not-included.txt", (
            name
        )
    assert "loot" in read["home-not-included.txt"], "no link is followed"
    assert not any("root:" in text for text in read.values())
    assert json.loads(read["campus/person.json"])[0]["email"] == CALLED[1]
    assert "password_hash" not in read["campus/person.json"]
    assert "digest" not in read["campus/password_link.json"]
    assert "File exists" in run("user", "export", NAME, str(file), code=1)


def archive(client, path: str, folder: Path) -> list[str]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    (folder / "got.zip").write_bytes(answer.content)
    with zipfile.ZipFile(folder / "got.zip") as made:
        return made.namelist()


def test_an_instructor_gets_what_belongs_to_the_course(zelda, teacher, tmp_path):
    with people.transaction(zelda) as session:
        enrol(session, "data", NAME)
        session.add(
            ExtensionRow(
                course="data",
                exercise="x",
                student=NAME,
                reason="",
                granted_by="dora",
                granted_at=audit.database.utcnow(),
                until=audit.database.utcnow(),
            )
        )
    names = archive(teacher, f"{COURSE}/person/{NAME}/export.zip", tmp_path)
    assert any(name.startswith("submissions/scaling/") for name in names)
    assert not [name for name in names if name.startswith(("home", "hub")) or "campus/person" in name]
    with zipfile.ZipFile(tmp_path / "got.zip") as made:
        rows = json.loads(made.read("campus/extension.json"))
    assert {row["course"] for row in rows} == {"scaling"}
    assert audit.entries(zelda, student=NAME)[-1].what == "exported"
    with signed_in_client(make_app(), "ada", "nbgrader-scaling") as ada:
        assert ada.get(f"{COURSE}/person/{NAME}/export.zip").status_code == 404


def test_a_person_gets_what_they_may_see_and_no_score_before_its_release(zelda, tmp_path):
    with signed_in_client(make_app(), NAME, "nbgrader-scaling") as client:
        page = client.get("/services/campus/account").text
        assert CALLED[1] in page
        assert "Change the password" in page
        names = archive(client, "/services/campus/account/export.zip", tmp_path)
    assert any(name.startswith("submissions/scaling/") for name in names)
    assert "campus/person.json" in names
    assert not [
        name for name in names if name.startswith(("gradebook", "coursework", "audit", "home", "campus/job"))
    ]
