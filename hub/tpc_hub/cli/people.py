"""Commands for accounts and rosters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from tpc_courses.places import Places
from tpc_courses.problems import NotThere

from tpc_hub.cli.group import chosen_course, main, settings_of
from tpc_hub.refusal import PeopleError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from tpc_hub.people import Person


@main.group()
def roster() -> None:
    """Enrol a class from a file."""


@roster.command("import")
@click.argument("course")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--apply", is_flag=True, help="Write it; without this it is only shown what would change.")
def roster_import(course: str, file: Path, apply: bool) -> None:
    """Make a course's people what a table says, as spreadsheets and learning platforms write it.

    One column says who a person is: login, e-mail or student number. Others may be display name (or first and last
    name) and role. Nobody leaves the course by it. Students choose their password when they sign up with the class
    code; `campus user password` gives instructors, and students of several courses, theirs.

    \b
    Examples:
      campus roster import scaling class.csv
      campus roster import scaling class.csv --apply
    """
    from tpc_hub import people
    from tpc_hub.roster import import_roster

    places = Places.find()
    chosen = chosen_course(places, course)
    data = file.read_bytes()
    with people.session(places) as session:
        try:
            found = import_roster(session, chosen.id, data)
        except PeopleError as e:
            lines = "\n".join(f"{file}: {line}" for line in str(e).splitlines())
            raise PeopleError(f"{lines}\nNobody was enrolled.") from e
        if apply:
            session.commit()
    for change in found.changes:
        click.echo(str(change))
    if found.ignored:
        click.echo(f"Left alone: {', '.join(map(repr, found.ignored))}")
    count = "1 person" if found.people == 1 else f"{found.people} people"
    changes = "1 change" if len(found.changes) == 1 else f"{len(found.changes)} changes"
    summary = f"{count} in the file, {changes} in {chosen.id}"
    undone = "" if apply or not found.changes else "; nothing was written, run again with --apply"
    click.echo(f"{summary}{undone}")


@main.group()
def user() -> None:
    """Accounts: add people, teach, set passwords."""


@user.command("add")
@click.argument("name")
@click.option("--teaches", multiple=True, help="Course id; may be given several times.")
@click.option("--attends", multiple=True, help="Course id; may be given several times.")
def user_add(name: str, teaches: tuple[str, ...], attends: tuple[str, ...]) -> None:
    """Add a person, or give one more courses; prints the password of a new person.

    NAME is what the person signs in with: a user name, or what your identity provider calls them.

    \b
    Examples:
      campus user add ada --teaches scaling
      campus user add grace.hopper@example.org --attends scaling
    """
    from tpc_hub import people
    from tpc_hub.directory import add_person, check_may_teach, find_person, tidy
    from tpc_hub.people import enrol, random_password, set_password

    places = Places.find()
    settings = settings_of(places)
    courses = [
        (chosen_course(places, course).id, role)
        for given, role in ((teaches, "instructor"), (attends, "student"))
        for course in given
    ]
    with people.transaction(places) as session:
        person = find_person(session, name)
        if person is None:
            name = tidy(name)
            person = add_person(session, sign_in=name, email=name if "@" in name else "")
            called = name if person.name == name else f"{name} (here {person.name})"
            if settings.sign_in.method == "campus":
                password = random_password()
                set_password(session, person.name, password)
                click.echo(f"{called} can sign in with the password {password}")
            else:
                click.echo(f"{called} can sign in by {settings.sign_in.method}")
        if teaches:
            check_may_teach(person, dict.fromkeys(("sign_in", "email", "number"), tidy(name)))
        for course, role in courses:
            enrol(session, course, person.name, role)
            click.echo(f"{person.name} is {role} of {course}")


@user.command("password")
@click.argument("name")
def user_password(name: str) -> None:
    """Give a person a new random password and print it.

    \b
    Example:
      campus user password instructor
    """
    from tpc_hub import people
    from tpc_hub.people import random_password, set_password

    password = random_password()
    with people.transaction(Places.find()) as session:
        person = known_person(session, name)
        set_password(session, person.name, password)
    click.echo(f"{name} can sign in with the password {password}")


def known_person(session: Session, name: str) -> Person:
    """Return a person by anything they are known by; raises NotThere."""
    from tpc_hub.directory import find_person

    person = find_person(session, name)
    if person is None:
        raise NotThere(f"There is no person called {name}. Add them with `campus user add {name}`.")
    return person
