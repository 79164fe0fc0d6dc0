"""Commands for accounts and rosters."""

from __future__ import annotations

from pathlib import Path

import click
from tpc_courses.places import Places

from tpc_hub.cli.group import chosen_course, main
from tpc_hub.refusal import PeopleError


@main.group()
def roster() -> None:
    """Enrol a class from a file."""


@roster.command("import")
@click.argument("course")
@click.argument("file", type=click.Path(path_type=Path))
def roster_import(course: str, file: Path) -> None:
    """Enrol the people of a CSV with the columns name, display_name, role (the last two optional).

    Students choose their password when they sign up with the class code; `campus user password` gives
    instructors, and students of several courses, theirs.

    \b
    Example:
      campus roster import scaling class.csv
    """
    from sqlalchemy.orm import Session

    from tpc_hub.people import open_database
    from tpc_hub.roster import import_roster

    places = Places.find()
    chosen = chosen_course(places, course)
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as e:
        raise PeopleError(f"{file}: not UTF-8 (byte {e.start}). Save it as UTF-8 and import again.") from e
    with Session(open_database(places.database_url)) as session, session.begin():
        names = import_roster(session, chosen.id, text)
    click.echo(f"Enrolled {len(names)} people in {chosen.id}")


@main.group()
def user() -> None:
    """Accounts: add people, teach, set passwords."""


@user.command("add")
@click.argument("name")
@click.option("--teaches", multiple=True, help="Course id; may be given several times.")
@click.option("--attends", multiple=True, help="Course id; may be given several times.")
def user_add(name: str, teaches: tuple[str, ...], attends: tuple[str, ...]) -> None:
    """Add a person, or give one more courses; prints the password of a new person.

    \b
    Example:
      campus user add ada --teaches scaling
    """
    from sqlalchemy.orm import Session

    from tpc_hub.people import Person, checked_name, enrol, open_database, random_password, set_password

    places = Places.find()
    courses = [
        (chosen_course(places, course).id, role)
        for given, role in ((teaches, "instructor"), (attends, "student"))
        for course in given
    ]
    with Session(open_database(places.database_url)) as session, session.begin():
        name = checked_name(name)
        if session.get(Person, name) is None:
            session.add(Person(name=name, display_name=name))
            session.flush()
            password = random_password()
            set_password(session, name, password)
            click.echo(f"{name} can sign in with the password {password}")
        for course, role in courses:
            enrol(session, course, name, role)
            click.echo(f"{name} is {role} of {course}")


@user.command("password")
@click.argument("name")
def user_password(name: str) -> None:
    """Give a person a new random password and print it.

    \b
    Example:
      campus user password instructor
    """
    from sqlalchemy.orm import Session

    from tpc_hub.people import checked_name, open_database, random_password, set_password

    password = random_password()
    with Session(open_database(Places.find().database_url)) as session, session.begin():
        set_password(session, checked_name(name), password)
    click.echo(f"{name} can sign in with the password {password}")
