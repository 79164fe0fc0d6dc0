"""Links that set a password once, and who takes a place or a name."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from click.testing import CliRunner
from sqlalchemy import text
from sqlalchemy.orm import Session
from tpc_courses.base.places import Places
from tpc_grader.database import engine as database
from tpc_hub.cli import main
from tpc_hub.people import people
from tpc_hub.people.directory import sign_up
from tpc_hub.people.links import HOURS, PasswordLink, holder, make_link, use_link
from tpc_hub.people.people import ClassCode, PeopleError, Person, enrol, is_password, set_password
from tpc_hub.settings.profile import Settings

NEW = "a fine new password"


@pytest.fixture
def session(tree: Places):
    with people.transaction(tree) as session:
        session.add(ClassCode(course="scaling", code="abcd-efgh"))
        session.add(Person(name="ada", display_name="Ada", sign_in="ada"))
        session.flush()
        set_password(session, "ada", "the old password")
        enrol(session, "scaling", "ada")
        yield session


def token_of(session: Session, name: str = "ada") -> str:
    link, entry = make_link(session, Settings(), session.get(Person, name), "scaling")
    assert entry.student == name
    assert link.startswith("http://hub.localhost:8000/hub/reset?token=")
    return link.partition("=")[2]


def test_a_link_sets_a_password_once_and_is_kept_as_a_hash(session):
    token = token_of(session)
    rows = str(session.execute(text("select * from password_link")).all())
    assert token not in rows
    ended = session.get(Person, "ada").signed_out
    person, entry = use_link(session, token, NEW)
    assert is_password(person, NEW)
    assert person.signed_out != ended, "sign-ins of before are over"
    assert entry.what == "password set by link"
    with pytest.raises(PeopleError, match="This link was used"):
        use_link(session, token, "another password")
    assert is_password(person, NEW)


def test_a_link_is_over_after_its_hours_and_when_there_is_a_newer_one(session, monkeypatch):
    first, second = token_of(session), token_of(session)
    with pytest.raises(PeopleError, match="replaced by another"):
        holder(session, first)
    assert holder(session, second).name == "ada"
    later = database.utcnow() + dt.timedelta(hours=HOURS, minutes=1)
    monkeypatch.setattr("tpc_grader.database.engine.utcnow", lambda: later)
    with pytest.raises(PeopleError, match="older than a day"):
        use_link(session, second, NEW)


def test_a_password_that_is_too_short_uses_no_link_up(session):
    token = token_of(session)
    with pytest.raises(PeopleError, match="too short"):
        use_link(session, token, "short")
    assert use_link(session, token, NEW)


def test_there_is_no_link_for_who_teaches_not_even_one_made_before(session):
    token = token_of(session)
    enrol(session, "data", "ada", "instructor")
    with pytest.raises(PeopleError, match="Links are for students"):
        token_of(session)
    with pytest.raises(PeopleError, match="Links are for students"):
        use_link(session, token, NEW)
    assert session.query(PasswordLink).count() == 1


def test_a_link_lets_the_right_person_take_an_announced_place(session):
    session.add(Person(name="bob", display_name="Bob"))
    session.flush()
    enrol(session, "scaling", "bob")
    sign_up(session, "bob", "Not Bob", "of an impostor", "ABCDEFGH", ())
    bob = session.get(Person, "bob")
    assert not bob.approved, "a class knows its code and its names"
    use_link(session, token_of(session, "bob"), NEW)
    assert bob.approved
    assert is_password(bob, NEW)
    assert not is_password(bob, "of an impostor")
    assert bob.display_name == "Bob"


def test_where_others_sign_people_in_commands_say_where_passwords_are(tree, monkeypatch):
    monkeypatch.setenv("CAMPUS_ROOT", str(tree.root))
    monkeypatch.setenv("CAMPUS_STATE", str(tree.state))
    for name in ("ada",):
        assert CliRunner().invoke(main, ("user", "add", name, "--attends", "scaling")).exit_code == 0
    other = Settings(sign_in={"method": "oidc"})
    monkeypatch.setattr("tpc_hub.cli.people.settings_of", lambda _: other)
    monkeypatch.setattr("tpc_hub.cli.persons.settings_of", lambda _: other)
    for command in (("password", "ada"), ("reset-link", "ada"), ("rename", "ada", "--sign-in", "b")):
        done = CliRunner().invoke(main, ("user", *command))
        assert done.exit_code == 1
        assert "by oidc here" in done.output, command


def test_of_two_who_sign_up_by_one_name_at_once_one_reads_a_sentence(each_database):
    with people.transaction(each_database) as session:
        session.add(ClassCode(course="scaling", code="abcd-efgh"))
    both, said = threading.Barrier(2), list[str]()

    def work() -> None:
        try:
            with people.transaction(each_database) as session:
                session.get(Person, "ada")
                both.wait(10)
                sign_up(session, "ada", "Ada", NEW, "abcdefgh", ())
            said.append("in")
        except PeopleError as e:
            said.append(str(e))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each == "in" for each in said) == [False, True], said
    assert any("taken" in each for each in said)
