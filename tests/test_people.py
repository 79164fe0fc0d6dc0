import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from tpc_hub.people import (
    ClassCode,
    PeopleError,
    Person,
    enrol,
    ensure_class_codes,
    is_password,
    members,
    open_database,
    roles_of,
    sign_up,
)
from tpc_hub.roster import import_roster


@pytest.fixture
def session(tmp_path):
    with Session(open_database(f"sqlite:///{tmp_path / 'campus.sqlite'}")) as session:
        session.add(ClassCode(course="scaling", code="abcd-efgh"))
        session.flush()
        yield session


def joined(session, name="ada", approval=()):
    return sign_up(session, name, "Ada Example", "a long password", "ABCD-efgh ", approval)


def test_sign_up_enrols_by_class_code(session):
    joined(session)
    assert roles_of(session, "ada") == {"scaling": "student"}
    assert is_password(session.get(Person, "ada"), "a long password")
    assert not is_password(session.get(Person, "ada"), "another password")


def test_nobody_signs_in_without_an_account(session):
    assert not is_password(None, "anything")


def test_a_name_that_is_taken_is_refused(session):
    joined(session)
    with pytest.raises(PeopleError, match="taken"):
        joined(session)


@pytest.mark.parametrize("name", ["", "Ada L", "ünal", "-ada", "a" * 31, "../ada", "=cmd"])
def test_names_that_cannot_be_hosts_are_refused(session, name):
    with pytest.raises(PeopleError, match="user name"):
        joined(session, name)


def test_a_wrong_class_code_is_refused(session):
    with pytest.raises(PeopleError, match="class code"):
        sign_up(session, "ada", "Ada", "a long password", "wrong", ())


def test_a_short_password_is_refused(session):
    with pytest.raises(PeopleError, match="too short"):
        sign_up(session, "ada", "Ada", "short", "abcd-efgh", ())


def test_approval_makes_people_wait(session):
    assert not joined(session, approval=("scaling",)).approved


def test_class_codes_stay_once_drawn(session):
    codes = ensure_class_codes(session, ["scaling", "data"])
    session.flush()
    assert codes["scaling"] == "abcd-efgh"
    assert ensure_class_codes(session, ["scaling", "data"]) == codes


def test_an_instructor_is_not_made_a_student_again(session):
    joined(session)
    enrol(session, "scaling", "ada", "instructor")
    enrol(session, "scaling", "ada", "student")
    assert members(session, "scaling", "instructor") == ["ada"]


def test_a_database_from_a_newer_version_is_refused(tmp_path):
    url = f"sqlite:///{tmp_path / 'campus.sqlite'}"
    with open_database(url).begin() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(RuntimeError, match="newer TPC Campus"):
        open_database(url)


def test_a_roster_enrols_people_who_then_sign_up(session):
    assert import_roster(
        session, "scaling", "name,display_name,role\nada,Ada Łovelace,\ngrace,,instructor\n"
    ) == ["ada", "grace"]
    assert session.get(Person, "ada").display_name == "Ada Łovelace"
    assert members(session, "scaling", "instructor") == ["grace"]
    assert joined(session).name == "ada"


def test_a_class_code_does_not_open_what_a_roster_reserved(session):
    session.add(ClassCode(course="data", code="data-code"))
    import_roster(session, "scaling", "name,role\ngrace,instructor\nada,student\n")
    with pytest.raises(PeopleError, match="reserved"):
        joined(session, "grace")
    with pytest.raises(PeopleError, match="reserved"):
        sign_up(session, "ada", "Ada", "a long password", "data-code", ())
    assert not session.get(Person, "grace").password_hash


def test_a_bad_roster_enrols_nobody_and_names_every_line(session):
    text = "name,display_name\nada,Ada\nada,Again\n,Nobody\nünal,Ünal\ngrace,=HYPERLINK(1)\n"
    with pytest.raises(PeopleError) as caught:
        import_roster(session, "scaling", text)
    report = str(caught.value)
    for line in (
        "line 3: ada appears twice",
        "line 4: the name is empty",
        "line 5: 'ünal' cannot",
        "line 6: display name",
    ):
        assert line in report
    assert members(session, "scaling", "student") == []


def test_a_roster_without_names_is_refused(session):
    with pytest.raises(PeopleError, match="the columns are"):
        import_roster(session, "scaling", "email\nada@example.org\n")
