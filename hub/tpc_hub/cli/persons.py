"""Commands about one person: leave, demote, move, rename, password link, export, erase."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from tpc_courses.base.places import Places

from tpc_hub.cli.group import chosen_course, settings_of
from tpc_hub.cli.people import known_person, user
from tpc_hub.people.refusal import PeopleError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session
    from tpc_grader.database.audit import Entry

    from tpc_hub.people.people import Person

    Work = Callable[[Session, Person], Entry | Iterable[Entry]]


@user.command("leave")
@click.argument("name")
@click.argument("course")
def user_leave(name: str, course: str) -> None:
    """Take a student out of a course. Their work is kept; who is enrolled again finds it again.

    \b
    Example:
      campus user leave ada scaling
    """
    from tpc_hub.people.leaving import leave

    places = Places.find()
    chosen = chosen_course(places, course)
    shown = _do(places, name, lambda session, person: leave(session, chosen.id, person))
    click.echo(
        f"{shown} is out of {chosen.id}. The work is kept: `campus user add {name} --attends {chosen.id}` "
        "brings both back."
    )


@user.command("demote")
@click.argument("name")
@click.argument("course")
def user_demote(name: str, course: str) -> None:
    """Make an instructor a student of a course; the formgrader is closed to them at once.

    \b
    Example:
      campus user demote grace scaling
    """
    from tpc_hub.people.leaving import demote

    places = Places.find()
    chosen = chosen_course(places, course)
    shown = _do(places, name, lambda session, person: demote(session, chosen.id, person))
    click.echo(f"{shown} is a student of {chosen.id} now")


@user.command("move")
@click.argument("name")
@click.argument("source")
@click.argument("target")
def user_move(name: str, source: str, target: str) -> None:
    """Move a student from one course to another; the work in each is kept.

    \b
    Example:
      campus user move ada scaling data
    """
    from tpc_hub.people.leaving import move

    places = Places.find()
    one, other = chosen_course(places, source), chosen_course(places, target)
    shown = _do(places, name, lambda session, person: move(session, one.id, other.id, person))
    click.echo(f"{shown} is in {other.id} now. What they handed in for {one.id} is kept")


@user.command("rename")
@click.argument("name")
@click.option("--shown", default="", help="How the person is called on pages.")
@click.option("--sign-in", default="", help="What they sign in with, where the campus owns that.")
def user_rename(name: str, shown: str, sign_in: str) -> None:
    """Change how a person is shown, or what they sign in with.

    Folder, address, hub user and gradebook keep the name that was made once: it is never changed.

    \b
    Examples:
      campus user rename ada --shown "Ada King"
      campus user rename ada --sign-in aking
    """
    from tpc_hub.people.leaving import show_as, sign_in_as

    if not shown and not sign_in:
        raise PeopleError("Nothing to change. Give --shown or --sign-in.")
    places = Places.find()
    method = settings_of(places).sign_in.method

    def work(session: Session, person: Person) -> Iterable[Entry]:
        changes = [show_as(session, person, shown)] if shown else []
        return changes + ([sign_in_as(session, person, sign_in, method)] if sign_in else [])

    _do(places, name, work)
    told = [f"is shown as {shown}"] * bool(shown) + [f"signs in as {sign_in.strip().lower()}"] * bool(sign_in)
    click.echo(f"{name} {' and '.join(told)}")


@user.command("reset-link")
@click.argument("name")
def user_reset_link(name: str) -> None:
    """Print a link by which a student sets a password once, within a day.

    \b
    Example:
      campus user reset-link ada
    """
    from tpc_hub.people.links import HOURS, make_link

    places = Places.find()
    settings, made = settings_of(places), list[str]()

    def work(session: Session, person: Person) -> Entry:
        link, entry = make_link(session, settings, person)
        made.append(link)
        return entry

    shown = _do(places, name, work)
    click.echo(f"For {shown} only; works once, for {HOURS} hours:\n{made[0]}")


def _do(places: Places, name: str, work: Work) -> str:
    """Change something about a person, log it, and let the hub follow; returns how the person is called."""
    from tpc_grader.database import audit

    from tpc_hub.cli.grading import operator
    from tpc_hub.people import people
    from tpc_hub.people.following import follow
    from tpc_hub.people.leaving import called, log

    settings = settings_of(places)
    with people.transaction(places) as session:
        person = known_person(session, name)
        log(session, operator(), work(session, person))
        shown, key = called(person), person.name
    audit.export(places)
    follow(places, settings, key)
    return shown


@user.command("export")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path), required=False)
def user_export(name: str, file: Path | None) -> None:
    """Write all that the campus holds about a person into a zip, with a README; FILE is NAME.zip if not given.

    \b
    Examples:
      campus user export ada
      campus user export ada /srv/requests/ada.zip
    """
    from tpc_hub.people import people
    from tpc_hub.privacy.exporting import export

    places = Places.find()
    with people.session(places) as session:
        key = known_person(session, name).name
    made = export(places, settings_of(places), key, file or Path(f"{key}.zip"))
    click.echo(f"{made}: all about {key}. It holds personal data: give it to {key}, and delete it.")


@user.command("erase")
@click.argument("name")
@click.option("--confirm", default="", help="The person's name once more; asked for otherwise.")
def user_erase(name: str, confirm: str) -> None:
    """Erase a person for good: account, home, hand-ins, gradebook, feedback. Lines of the audit log name nobody then.

    \b
    Examples:
      campus user erase ada
      campus user erase ada --confirm ada
    """
    from tpc_hub.cli.grading import operator
    from tpc_hub.people import people
    from tpc_hub.people.following import follow
    from tpc_hub.people.leaving import called
    from tpc_hub.privacy.erasing import erase

    places = Places.find()
    settings = settings_of(places)
    with people.session(places) as session:
        person = known_person(session, name)
        key, shown = person.name, called(person)
    told = f"All of {shown} goes, for good. Type {key} to confirm"
    if (confirm or click.prompt(told)) != key:
        raise PeopleError(f"The name is {key}, and another was typed. Nothing was erased.")
    left = erase(places, settings, key, operator(), lambda each: follow(places, settings, each, forget=True))
    click.echo(f"Erased {key}.")
    for line in left:
        click.echo(line)
