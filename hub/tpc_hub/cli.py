"""The `campus` command. Each subcommand is a few lines over a function that tests call directly."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session
from tpc_courses.manifest import Course, load_courses
from tpc_courses.places import Places
from tpc_courses.problems import SourceError

from tpc_hub.people import (
    PeopleError,
    Person,
    checked_name,
    enrol,
    open_database,
    random_password,
    set_password,
)
from tpc_hub.settings import load_settings


class Campus(click.Group):
    """Turns refusals into one message on stderr and exit code 1, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        # nbgrader and the hub run `alembic` by name; it lies beside this Python.
        folder = os.path.dirname(sys.executable)
        if folder not in os.environ["PATH"].split(os.pathsep):
            os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
        try:
            return super().invoke(ctx)
        except (SourceError, PeopleError, OSError, RuntimeError, KeyError) as e:
            message = e.args[0] if isinstance(e, KeyError) else e
            raise click.ClickException(str(message)) from e


@click.group(cls=Campus, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Run and look after a TPC Campus.

    \b
    Examples:
      campus up                                   start everything
      campus check                                find every problem in courses, lessons, exercises
      campus grade scaling fit-a-law              grade what was submitted
      campus roster import scaling class.csv      enrol people from a CSV file
      campus doctor                               what this machine can and cannot enforce
    """


@main.command()
@click.option("--profile", help="A file in hub/profiles, without .toml.")
def up(profile: str | None) -> None:
    """Start the whole campus in the foreground. Ctrl-C stops it.

    \b
    Examples:
      campus up
      CAMPUS_PORT=9000 campus up
      campus up --profile server
    """
    from tpc_hub.up import up as start

    places = Places.find()
    start(places, load_settings(places, profile))


@main.command()
def check() -> None:
    """Report every problem in manifests, lessons and exercises; exit 1 when there is one.

    \b
    Example:
      campus check
    """
    from tpc_courses.check import check as find_problems

    problems = find_problems(Places.find())
    for problem in problems:
        click.echo(str(problem))
    click.echo(f"{len(problems)} problems" if problems else "No problems found")
    sys.exit(1 if problems else 0)


@main.command()
@click.argument("what", type=click.Choice(["all", "campus", "book", "corpus"]), default="all")
def build(what: str) -> None:
    """Derive lessons, coursework and the book; unchanged sources cost nothing. `corpus` harvests lesson text.

    \b
    Examples:
      campus build
      campus build book
      campus build corpus
    """
    from tpc_hub.build import build as build_campus

    places = Places.find()
    if what in ("all", "campus"):
        build_campus(places, click.echo)
    if what in ("all", "book"):
        from tpc_book.build import build_book

        build_book(places, load_settings(places).campus_url, say=click.echo)
    if what == "corpus":
        from tpc_lab.corpus import harvest

        harvest(places.corpus)
        click.echo(f"Corpus: harvested into {places.corpus}")


@main.command()
@click.argument("course")
@click.argument("exercise")
@click.option("--again", is_flag=True, help="Grade also what was graded before.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def grade(course: str, exercise: str, again: bool, as_json: bool) -> None:
    """Collect and grade the newest submission of each student.

    \b
    Examples:
      campus grade scaling fit-a-law
      campus grade scaling fit-a-law --again
    """
    from tpc_grader.coursework import grade as grade_class

    places = Places.find()
    outcomes = grade_class(places, _course(places, course), exercise, force=again)
    failed = [outcome for outcome in outcomes if outcome.error]
    for outcome in () if as_json else outcomes:
        result = outcome.error or f"{outcome.score:g}/{outcome.max_score:g}"
        click.echo(f"{outcome.student:<20} {result}")
    summary = f"graded {len(outcomes) - len(failed)} submissions, {len(failed)} failed"
    click.echo(
        json.dumps({"summary": summary, "failed": [f.student for f in failed]}) if as_json else summary
    )


@main.command()
@click.argument("course")
@click.argument("exercise")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def feedback(course: str, exercise: str, as_json: bool) -> None:
    """Generate feedback for everything graded and show it to the students.

    \b
    Example:
      campus feedback scaling fit-a-law
    """
    from tpc_grader.coursework import release_feedback

    places = Places.find()
    count = release_feedback(places, _course(places, course), exercise)
    summary = f"released feedback to {count} students"
    click.echo(json.dumps({"summary": summary}) if as_json else summary)


@main.group()
def roster() -> None:
    """Enrol a class from a file."""


@roster.command("import")
@click.argument("course")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def roster_import(course: str, file: Path) -> None:
    """Enrol the people of a CSV with the columns name, display_name, role (the last two optional).

    Students choose their password when they sign up with the class code; `campus user password` gives
    instructors, and students of several courses, theirs.

    \b
    Example:
      campus roster import scaling class.csv
    """
    from tpc_hub.roster import import_roster

    places = Places.find()
    chosen = _course(places, course)
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
    places = Places.find()
    courses = [
        (_course(places, course).id, role)
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
    password = random_password()
    with Session(open_database(Places.find().database_url)) as session, session.begin():
        set_password(session, checked_name(name), password)
    click.echo(f"{name} can sign in with the password {password}")


@main.command()
@click.option("--profile", help="A file in hub/profiles, without .toml.")
def doctor(profile: str | None) -> None:
    """Say what this machine has, what keeps the campus from starting, and what is not enforced.

    \b
    Examples:
      campus doctor
      campus doctor --profile server
    """
    from tpc_hub import machine
    from tpc_hub.up import not_enforced

    places = Places.find()
    settings = load_settings(places, profile)
    for what, finding in machine.facts(places, settings):
        click.echo(f"{what:<14} {finding}")
    click.echo("\nNot protected on this machine:")
    for line in not_enforced(settings):
        click.echo(f"  - {line}")
    problems = machine.problems(places, settings)
    for problem in problems:
        click.echo(f"\n{problem}")
    sys.exit(1 if problems else 0)


def _course(places: Places, course_id: str) -> Course:
    courses = {course.id: course for course in load_courses(places)}
    if course_id not in courses:
        raise RuntimeError(f"There is no course {course_id!r}. Use one of: {', '.join(courses)}.")
    return courses[course_id]


if __name__ == "__main__":
    main()
