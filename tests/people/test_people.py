import asyncio
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from jupyterhub.auth import DummyAuthenticator
from sqlalchemy import text
from sqlalchemy.orm import Session
from tpc_grader.database.engine import engine_of
from tpc_hub.deploy.outside_sign_in import with_people
from tpc_hub.people import people
from tpc_hub.people.directory import claims_of, find_person, sign_up, signed_in
from tpc_hub.people.people import (
    NAME,
    ClassCode,
    LessonVisit,
    PeopleError,
    Person,
    enrol,
    ensure_class_codes,
    is_password,
    members,
    open_database,
    roles_of,
)
from tpc_hub.people.roster import import_roster

MIGRATIONS = Path(people.__file__).parent / "migrations"


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


def test_to_compare_with_no_password_costs_what_a_made_one_costs():
    assert not people._hasher.check_needs_rehash(people._DUMMY_HASH)


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
    open_database.cache_clear()  # as a process that starts
    with pytest.raises(RuntimeError, match="newer TPC Campus"):
        open_database(url)


def test_a_class_code_is_taken_as_people_type_it(session):
    for number, code in enumerate(("abcd-efgh", "ABCDEFGH", " abcd efgh ", "AbCd–EfGh")):
        assert sign_up(session, f"s{number}", "S", "a long password", code, ()).name == f"s{number}"


# Whom a sign-in names


def enter(session, sign_in, **told) -> Person:
    return signed_in(session, claims_of(sign_in, told))


@pytest.mark.parametrize(
    ("sign_in", "name"),
    [
        ("ada", "ada"),
        ("ada.lovelace@example.org", "ada-lovelace"),
        ("12grace", "p12grace"),
        ("Ada", "ada"),
        ("Zoë Ünal", "zoe-unal"),
        ("campus", "campus-2"),
        ("hub", "hub-2"),
        ("李明", "person"),
        ("@", "person"),
        ("--a--b--", "a-b"),
        ("campus--service", "campus-service"),
        ("../../etc/passwd", "etc-passwd"),
        ("a" * 80, "a" * 30),
        ("https://login.example.org/users/7", "https-login-example-org-users"),
    ],
)
def test_any_name_becomes_one_that_a_host_a_folder_and_nbgrader_take(session, sign_in, name):
    assert enter(session, sign_in).name == name
    assert enter(session, sign_in).name == name, "it is made once"
    assert NAME.fullmatch(name)


def test_names_that_differ_in_form_only_are_different_people(session):
    given = ["ada", "Ada", "ADA", "ada@a.example", "ada@b.example", "Adá", "a" * 31, "a" * 32, "a" * 33]
    names = [enter(session, each).name for each in given]
    assert len({*names}) == len(given)
    assert [enter(session, each).name for each in given] == names


def test_what_a_provider_tells_is_kept_and_brought_up_to_date(session):
    told = {
        "name": "Ada  Lovelace",
        "email": "Ada@Example.org",
        "email_verified": True,
        "student_number": "0042",
    }
    person = enter(session, "ada", **told)
    assert (person.display_name, person.email, person.number) == ("Ada Lovelace", "ada@example.org", "0042")
    person.display_name = "Countess"
    assert enter(session, "ada", **told | {"name": "Ada King"}).display_name == "Countess", "ours is kept"
    assert enter(session, "eve", email="ada@example.org", email_verified=True).email is None, (
        "it is another's"
    )


ANNOUNCED = [
    ("e-mail\nada@example.org\n", "whatever", {"email": "ADA@example.org", "email_verified": True}),
    ("e-mail\nada@example.org\n", "whatever", {"email": "ada@example.org"}),
    ("login\nada.lovelace@example.org\n", "ada.lovelace@example.org", {}),
    ("login\nADA\n", "ada", {}),
    ("login\nada@example.org\n", "u77", {"email": "ada@example.org"}),
    ("student number\n0042\n", "whatever", {"student_number": "0042"}),
    (
        "id\n0042\n",
        "whatever",
        {"https://purl.imsglobal.org/spec/lti/claim/lis": {"person_sourcedid": "0042"}},
    ),
]


@pytest.mark.parametrize(("table", "sign_in", "told"), ANNOUNCED)
def test_whom_a_roster_announced_by_anything_takes_that_place(session, table, sign_in, told):
    import_roster(session, "scaling", table.encode())
    (waiting,) = members(session, "scaling", "student")
    assert enter(session, sign_in, **told).name == waiting
    # A second import after the first sign-in finds the same person.
    assert import_roster(session, "scaling", table.encode()).changes == ()


def test_nobody_takes_an_instructors_place_by_what_is_not_vouched_for(session):
    import_roster(session, "scaling", b"e-mail,role\nada@example.org,instructor\n")
    assert roles_of(session, enter(session, "eve", email="ada@example.org").name) == {}
    assert roles_of(session, enter(session, "mal", email="ada@example.org", email_verified=False).name) == {}
    assert roles_of(session, enter(session, "ada", email="ada@example.org", email_verified=True).name) != {}


PROVEN = {"email": "ada@example.org", "email_verified": True}


@pytest.mark.parametrize(
    ("told", "table", "teaches"),
    [
        ({"email": "ada@example.org"}, "e-mail\nada@example.org", False),
        ({"email": "ada@example.org"}, "login\nada@example.org", False),
        ({"email": "ada@example.org"}, "e-mail,number\nada@example.org,7", False),
        ({"email": "ada@example.org"}, "login,e-mail\nada,ada@example.org", False),
        ({"email": "ada@example.org"}, "login,e-mail\nEve,ada@example.org", True),
        ({"student_number": "7"}, "number\n7", True),
        (PROVEN, "e-mail\nada@example.org", True),
        (PROVEN, "login\nada@example.org", True),
    ],
)
def test_nobody_teaches_who_only_says_to_have_an_instructors_address(session, told, table, teaches):
    eve = enter(session, "eve", **told)
    head, row = table.split("\n")
    data = f"{head},role\n{row},instructor\n".encode()
    if teaches:
        import_roster(session, "scaling", data)
        assert members(session, "scaling", "instructor") == [eve.name]
        assert import_roster(session, "scaling", data).changes == ()
    else:
        with pytest.raises(PeopleError, match="did not prove it"):
            import_roster(session, "scaling", data)


def test_a_place_that_was_taken_unproven_does_not_become_an_instructors(session):
    import_roster(session, "scaling", b"e-mail\nada@example.org\n")
    assert members(session, "scaling", "student") == [enter(session, "eve", email="ada@example.org").name]
    with pytest.raises(PeopleError, match="did not prove it"):
        import_roster(session, "scaling", b"e-mail,role\nada@example.org,instructor\n")


def test_a_column_names_people_by_what_it_holds_before_all_else(session):
    enter(session, "0042"), enter(session, "eve", student_number="0042")
    import_roster(session, "scaling", b"student number\n0042\n")
    assert members(session, "scaling", "student") == ["eve"]


@pytest.mark.parametrize(("kind", "column"), [("number", "student number"), ("login", "login")])
def test_a_number_is_no_login_and_a_login_no_number(session, kind, column):
    """People choose what they sign in with: also what is another's number, before a roster tells that number."""
    told = {} if kind == "number" else {"student_number": "0042"}
    other = enter(session, "eve" if told else "0042", **told).name
    import_roster(session, "scaling", f"{column}\n0042\n".encode())
    assert other not in members(session, "scaling", "student")


def test_an_address_of_two_people_is_told_and_not_given_to_one(session):
    import_roster(session, "scaling", b"e-mail\nx@example.org\n")
    enter(session, "x@example.org", email="x@example.org", email_verified=False)
    with pytest.raises(PeopleError, match="are two people here"):
        import_roster(session, "scaling", b"login,e-mail\nx@example.org,x@example.org\n")


def test_a_login_that_a_later_roster_tells_is_taken(session):
    import_roster(session, "scaling", b"number\n7\n")
    (change,) = import_roster(session, "scaling", b"number,login\n7,ada.l\n").changes
    assert str(change) == "7 (7): login none -> ada.l"
    assert members(session, "scaling", "student") == [enter(session, "ada.l").name]


def test_what_a_provider_tells_at_too_great_length_is_no_reason_to_stay_out(session):
    long = {"name": "n" * 500, "email": f"{'a' * 300}@example.org", "student_number": "9" * 100}
    person = enter(session, "ada", **long)
    assert (len(person.display_name), person.email, person.number) == (100, None, None)


def test_nobody_takes_the_place_of_who_signed_in_before(session):
    import_roster(session, "scaling", b"e-mail\nada@example.org\n")
    ada = enter(session, "ada", email="ada@example.org", email_verified=True)
    assert enter(session, "eve", email="ada@example.org", email_verified=True).name != ada.name


def test_a_class_that_signs_in_at_once_is_as_many_people(tmp_path):
    url = f"sqlite:///{tmp_path / 'campus.sqlite'}"
    called = ["李明", "张伟", "王芳"] + [f"ada@{number}.example.org" for number in range(20)]

    async def sign_in_at_once() -> list[str]:
        authenticator = with_people(DummyAuthenticator)(database_url=url)
        models = [{"name": each, "auth_state": None} for each in called * 2]
        found = await asyncio.gather(*(authenticator.run_post_auth_hook(None, model) for model in models))
        return [each["name"] for each in found]

    names = asyncio.run(sign_in_at_once())
    assert len({*names}) == len(called)
    assert names[: len(called)] == names[len(called) :]


def test_a_name_that_fits_two_people_is_asked_back(session):
    enter(session, "Ada"), enter(session, "ada")
    assert find_person(session, "ada").sign_in == "ada"
    with pytest.raises(PeopleError, match="may be"):
        find_person(session, "ADA")


# Rosters


def read(session, data: str | bytes, course="scaling"):
    return import_roster(session, course, data.encode() if isinstance(data, str) else data)


def test_a_roster_enrols_people_who_then_sign_up(session):
    read(session, "name,display_name,role\nada,Ada Łovelace,\ngrace,,instructor\n")
    assert session.get(Person, "ada").display_name == "Ada Łovelace"
    assert members(session, "scaling", "instructor") == ["grace"]
    assert joined(session).name == "ada"


def test_whom_a_roster_knows_by_e_mail_signs_up_by_it(session):
    read(session, "e-mail\nada.lovelace@example.org\n")
    (name,) = members(session, "scaling", "student")
    assert joined(session, "Ada.Lovelace@example.org").name == name


def test_a_class_code_does_not_open_what_a_roster_reserved(session):
    session.add(ClassCode(course="data", code="data-code"))
    read(session, "name,role\ngrace,instructor\nada,student\n")
    with pytest.raises(PeopleError, match="reserved"):
        joined(session, "grace")
    with pytest.raises(PeopleError, match="reserved"):
        sign_up(session, "ada", "Ada", "a long password", "data-code", ())
    assert not session.get(Person, "grace").password_hash
    bea = enter(session, "bea")
    enrol(session, "scaling", bea.name)
    with pytest.raises(PeopleError, match="reserved"):
        joined(session, "bea")


PLAIN = "login,display name,e-mail,student number,role\nada,Ada L,ada@example.org,7,student\n"
TABLES = {
    "comma": PLAIN.encode(),
    "semicolon": PLAIN.replace(",", ";").encode(),
    "tab": PLAIN.replace(",", "\t").encode(),
    "byte order mark": PLAIN.encode("utf-8-sig"),
    "UTF-16": PLAIN.encode("utf-16"),
    "UTF-16 without a mark": PLAIN.encode("utf-16-le"),
    "UTF-16, big end first": PLAIN.encode("utf-16-be"),
    "Windows lines": PLAIN.replace("\n", "\r\n").encode(),
    "old Mac lines": PLAIN.replace("\n", "\r").encode(),
    "sep line": b"sep=;\n" + PLAIN.replace(",", ";").encode(),
    "headings as typed": b" Login ,Display_Name, E-Mail ,STUDENT  NUMBER,Role\nada,Ada L,ada@example.org,7,\n",
    "synonyms": b"SIS Login ID,Full name,mail,SIS ID,roles\nada,Ada L,ada@example.org,7,Learner\n",
    "Canvas": b"Student,ID,SIS Login ID,E-mail Address\nAda L,7,ada,ada@example.org\n",
    "first and last": b"username,First name,Surname,email,id\nada,Ada,L,ada@example.org,7\n",
    "trailing empty columns": PLAIN.replace("\n", ",,,\n").encode(),
    "empty lines": b"\n\n" + PLAIN.replace("\n", "\n,,,,\n").encode(),
    "quotes and line breaks": b'login,"display\nname",e-mail,id\nada,"Ada\nL",ada@example.org,7\n',
    "spaces": b"login,display name,e-mail,id\n ada , Ada\xc2\xa0L ,ADA@example.org , 7\n",
}


@pytest.mark.parametrize("data", TABLES.values(), ids=TABLES)
def test_a_roster_is_read_as_spreadsheets_write_it(session, data):
    read(session, data)
    ada = session.get(Person, "ada")
    assert (ada.sign_in, ada.display_name, ada.email, ada.number) == ("ada", "Ada L", "ada@example.org", "7")
    assert members(session, "scaling", "student") == ["ada"]


def test_surplus_columns_are_named_and_left_alone(session):
    assert read(session, "login,Group,,Notes\nada,A,,x\n").ignored == ("Group", "Notes")


def test_a_bad_roster_enrols_nobody_and_names_every_line(session):
    enter(session, "bea", email="bea@example.org", email_verified=True)
    text = (
        'login,display_name,e-mail,role\nada,"Ada\nL",,\nada,Again,,\n,Nobody,,\ncy,Cy,nonsense,\ndan,Dan,,boss\n'
        "eva,Eva,,,surplus\nada,Ada,bea@example.org,\n"
    )
    with pytest.raises(PeopleError) as caught:
        read(session, text)
    assert [line.partition(".")[0] for line in str(caught.value).splitlines()] == [
        "line 4: Ada L appears in line 2 too",
        "line 5: nothing says who this is",
        "line 6: column e-mail: 'nonsense' is no address",
        "line 7: column role: 'boss' is no role",
        "line 8: 5 cells under 4 headings ('surplus')",
        "line 9: ada, bea@example",
    ]
    session.rollback()
    assert members(session, "scaling", "student") == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("", "line 1: the file is empty"),
        ("first,last\nA,B\n", "line 1: no column says who people are; the headings are first, last"),
        ("\n\nlogin,user\na,b\n", "line 3: 'login' and 'user' say the same"),
        (b"login\nada\nb\xff\n", "line 3: not UTF-8 text"),
        ('login\n"ada\n', "line 2: not a table"),
    ],
)
def test_a_table_that_is_none_is_refused(session, data, words):
    with pytest.raises(PeopleError, match=words):
        read(session, data)


def test_a_roster_says_what_changed_for_whom(session):
    first = read(session, "login,display name,e-mail,role\nada,Ada,,\ngrace,Grace,,instructor\n")
    assert [str(each) for each in first.changes] == [
        "Ada (ada): joins as student, new on this campus",
        "Grace (grace): joins as instructor, new on this campus",
    ]
    second = "login,display name,e-mail,role\nada,Ada L,ada@example.org,instructor\ngrace,Grace,,student\n"
    assert [str(each) for each in read(session, second).changes] == [
        "Ada L (ada): name Ada -> Ada L",
        "Ada L (ada): e-mail none -> ada@example.org",
        "Ada L (ada): student -> instructor",
        "Grace (grace): instructor -> student",
    ]
    assert members(session, "scaling", "instructor") == ["ada"]
    assert read(session, second).changes == ()


def test_a_database_of_the_version_before_keeps_its_people(tmp_path):
    url = f"sqlite:///{tmp_path / 'campus.sqlite'}"
    with engine_of(url).begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes.update(connection=connection, version_table="alembic_version")
        command.upgrade(config, "0002")
        for row in (
            "insert into person values ('ada', 'Ada L', 'hash', 1, '2026-11-01 10:00:00.000000')",
            "insert into person values ('bob', 'Bob', '', 1, '2026-11-01 10:00:00.000000')",
            "insert into enrolment values ('scaling', 'ada', 'student')",
            "insert into lesson_visit values ('ada', 'scaling/counting', '2026-11-02 10:00:00.000000', 1)",
        ):
            connection.execute(text(row))
    with Session(open_database(url)) as session:
        ada, bob = session.get(Person, "ada"), session.get(Person, "bob")
        assert (ada.sign_in, ada.seen is not None, bob.sign_in, bob.seen) == ("ada", True, "bob", None)
        assert roles_of(session, "ada") == {"scaling": "student"}
        assert session.get(LessonVisit, ("ada", "scaling/counting")).done
