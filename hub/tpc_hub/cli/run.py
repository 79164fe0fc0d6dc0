"""Commands that run, build, check and examine a campus."""

from __future__ import annotations

import os
import sys

import click
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import load_courses
from tpc_grader.sandbox.backends import TRUST_VARIABLE

from tpc_hub.cli.group import main, settings_of
from tpc_hub.settings.profile import load_settings


@main.command()
@click.option("--profile", help="A file in hub/profiles, without .toml.")
@click.option("--trust-everyone", is_flag=True, help="Start also where people cannot be isolated.")
def up(profile: str | None, trust_everyone: bool) -> None:
    """Start the whole campus in the foreground. Ctrl-C stops it.

    \b
    Examples:
      campus up
      CAMPUS_PORT=9000 campus up
      campus up --profile server
    """
    from tpc_hub.deploy.up import up as start

    if trust_everyone:
        os.environ[TRUST_VARIABLE] = "true"
    places = Places.find()
    profile = profile or os.environ.get("CAMPUS_PROFILE") or "local"
    start(places, settings_of(places, profile), profile)


@main.command()
def check() -> None:
    """Report every problem in manifests, lessons, exercises and data files; exit 1 when there is one.

    \b
    Example:
      campus check
    """
    from tpc_book.gates.data_files import outreach_notes, outreach_problems
    from tpc_book.lessons.execution import failures
    from tpc_courses.checks.check import check as find_problems
    from tpc_courses.checks.check import exercise_paths, notes
    from tpc_grader.coursework.tried_notes import is_tried

    places = Places.find()
    problems = sorted({*find_problems(places), *outreach_problems(places)})
    if not problems:
        # What the last `campus build book` ran into; nothing is run here.
        problems = failures(places, [slug for course in load_courses(places) for slug in course.lessons])
    for problem in problems:
        click.echo(str(problem))
    untried = [] if problems else [path.parent.name for path in exercise_paths(places)]
    untried = [slug for slug in untried if not is_tried(places, slug)]
    if untried:
        click.echo(
            f"Note: not tried since they changed: {', '.join(untried)}. Run `campus try`, which notes it."
        )
    for note in [] if problems else [*notes(places), *outreach_notes(places)]:
        click.echo(f"Note: {note}")
    found = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}" if problems else "No problems found"
    click.echo(found)
    sys.exit(1 if problems else 0)


@main.command()
@click.argument("what", type=click.Choice(["all", "campus", "book", "lite", "pdf", "corpus"]), nargs=-1)
def build(what: tuple[str, ...]) -> None:
    """Derive lessons, coursework and the book; unchanged sources cost nothing. `all` is the same as nothing named.

    \b
    campus   what students and instructors get
    book     the book, with the lessons run anew that changed
    lite     Python in the reader's browser (JupyterLite), then the book with its buttons
    pdf      the book and each course, printed with the system's Chromium and offered on their pages; not in `all`
    corpus   lesson text, harvested from the installed packages; not in `all`

    \b
    Examples:
      campus build
      campus build book
      campus build book lite
      campus build corpus
    """
    steps = {
        "campus": _build_campus,
        "book": _build_book,
        "lite": _build_lite,
        "pdf": _build_pdf,
        "corpus": _build_corpus,
    }
    named = {"campus", "book", "lite", *what} if not what or "all" in what else {*what}
    failed = []
    for name in (name for name in steps if name in named):
        try:
            steps[name](Places.find())
        except RuntimeError as e:  # the other steps do not need it
            failed.append(str(e))
    if failed:
        raise RuntimeError("\n".join(failed))


def _build_campus(places: Places) -> None:
    from tpc_hub.deploy.build import build

    build(places, click.echo)


def _build_book(places: Places) -> None:
    from tpc_book.lessons.execution import to_run
    from tpc_book.site.build import build_book

    if to_run(places, [slug for course in load_courses(places) for slug in course.lessons]):
        from tpc_hub.engines import kernel_environment

        os.environ |= kernel_environment(places, click.echo)
    build_book(places, load_settings(places).campus_url, say=click.echo)


def _build_lite(places: Places) -> None:
    from tpc_book.lessons.lite import current, ensure_lite
    from tpc_book.site.build import build_book

    settings = load_settings(places)
    before = current(places)
    if ensure_lite(places, settings.pyodide, click.echo) != before:
        build_book(places, settings.campus_url, execute=False, say=click.echo)
    click.echo(f"Lite: Python for the browser is at {settings.url}/book/lite/repl/")


def _build_pdf(places: Places) -> None:
    from tpc_book.site.take_along import print_pdfs

    os.nice(10)  # nobody waits for it, and students may be at work
    print_pdfs(places, load_settings(places).campus_url, say=click.echo)


def _build_corpus(places: Places) -> None:
    from tpc_lab.corpus import harvest

    harvest(places.corpus)
    click.echo(f"Corpus: harvested into {places.corpus}")


@main.command()
@click.option("--profile", help="A file in hub/profiles, without .toml.")
def doctor(profile: str | None) -> None:
    """Say what this machine has, what keeps the campus from starting, and what is not enforced.

    \b
    Examples:
      campus doctor
      campus doctor --profile server
    """
    from tpc_hub.deploy import machine
    from tpc_hub.deploy.up import protection_lines

    places = Places.find()
    settings = settings_of(places, profile)
    for what, finding in machine.facts(places, settings):
        click.echo(f"{what:<14} {finding}")
    click.echo("\n" + "\n".join(protection_lines(settings)))
    problems = machine.problems(places, settings)
    for problem in problems:
        click.echo(f"\n{problem}")
    sys.exit(1 if problems else 0)
