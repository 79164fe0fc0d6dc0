"""Commands for accounts and rosters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from tpc_courses.base.places import Places
from tpc_courses.base.problems import NotThere
from tpc_courses.base.words import counted

from tpc_hub.cli.group import chosen_course, main, settings_of
from tpc_hub.people.refusal import PeopleError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from tpc_hub.people.people import Person


@main.group()
def roster() -> None:
    """Enrol a class from a file."""


@roster.command("import")
@click.argument("course")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--apply", is_flag=True, help="Write it; without this it is only shown what would change.")
@click.option("--complete", is_flag=True, help="Students who are not in the file leave the course.")
def roster_import(course: str, file: Path, apply: bool, complete: bool) -> None:
    """Make a course's people what a table says, as spreadsheets and learning platforms write it.

    One column says who a person is: login, e-mail or student number. Others may be display name (or first and last
    name) and role. Nobody leaves the course by it unless the file is said to be --complete. Students choose their
    password when they sign up with the class code, and an instructor approves them, or by a link that an instructor
    gives them (class page, or `campus user reset-link`). `campus user password` gives instructors theirs.

    \b
    Examples:
      campus roster import scaling class.csv
      campus roster import scaling class.csv --apply
      campus roster import scaling class.csv --complete --apply
    """
    from tpc_grader.database import audit

    from tpc_hub.cli.grading import operator
    from tpc_hub.people import people
    from tpc_hub.people.following import follow
    from tpc_hub.people.roster import import_roster

    places = Places.find()
    chosen = chosen_course(places, course)
    data = file.read_bytes()
    with people.session(places) as session:
        try:
            found = import_roster(session, chosen.id, data, complete)
        except PeopleError as e:
            lines = "\n".join(f"{file}: {line}" for line in str(e).splitlines())
            raise PeopleError(f"{lines}\nNobody was enrolled.") from e
        if apply:
            session.commit()
    if apply and found.changes:
        note = counted(sum(not each.kept for each in found.changes), "change")
        audit.log(places, audit.Entry(operator(), "roster", course=chosen.id, note=note))
        settings = settings_of(places)
        for name in found.moved:
            if not follow(places, settings, name):
                break
    for change in found.changes:
        click.echo(str(change))
    if found.ignored:
        click.echo(f"Left alone: {', '.join(map(repr, found.ignored))}")
    changed = [each for each in found.changes if not each.kept]
    count = counted(found.people, "person", "people")
    summary = f"{count} in the file, {counted(len(changed), 'change')} in {chosen.id}"
    undone = "" if apply or not changed else "; nothing was written, run again with --apply"
    click.echo(f"{summary}{undone}")


@main.group()
def user() -> None:
    """Accounts: add people, teach, set passwords, leave courses, rename, export, erase."""


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
    from tpc_hub.people import people
    from tpc_hub.people.directory import add_person, check_may_teach, find_person, tidy
    from tpc_hub.people.following import follow
    from tpc_hub.people.people import enrol, random_password, set_password

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
        made = person.name
    follow(places, settings, made)


@user.command("password")
@click.argument("name")
def user_password(name: str) -> None:
    """Give a person a new random password and print it; who is signed in as them is signed out.

    \b
    Example:
      campus user password instructor
    """
    from tpc_hub.people import people
    from tpc_hub.people.following import follow
    from tpc_hub.people.people import random_password, set_password

    password, places = random_password(), Places.find()
    settings = settings_of(places)
    if settings.sign_in.method != "campus":
        raise PeopleError(f"People sign in by {settings.sign_in.method} here. Passwords are changed there.")
    with people.transaction(places) as session:
        person = known_person(session, name)
        set_password(session, person.name, password)
        person.sign_in, person.approved = person.sign_in or person.name, True
        follow(places, settings, person.name, sign_out=True)
    click.echo(f"{name} can sign in with the password {password}, and is signed out everywhere")


def known_person(session: Session, name: str) -> Person:
    """Return a person by anything they are known by; raises NotThere."""
    from tpc_hub.people.directory import find_person

    person = find_person(session, name)
    if person is None:
        raise NotThere(f"There is no person called {name}. Add them with `campus user add {name}`.")
    return person
