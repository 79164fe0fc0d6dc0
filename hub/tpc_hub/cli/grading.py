"""Commands that grade, regrade, give feedback and time, and tell what was done."""

from __future__ import annotations

import difflib
import getpass
import json
import logging

import click
from tpc_courses.base.local_time import Unclear, in_zone
from tpc_courses.base.places import Places
from tpc_courses.base.problems import NotThere
from tpc_courses.base.words import counted
from tpc_courses.sources.manifest import load_courses

from tpc_hub.cli.group import chosen_course, main, settings_of


@main.command()
@click.argument("course")
@click.argument("exercise")
@click.option("--again", is_flag=True, help="Grade also what was graded before.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def grade(course: str, exercise: str, again: bool, as_json: bool) -> None:
    """Grade the newest submission of each student and wait for it; the running campus does the work.

    \b
    Examples:
      campus grade scaling fit-a-law
      campus grade scaling fit-a-law --again
    """
    from tpc_grader.worker.classwork import grade_class

    places = Places.find()
    settings_of(places)
    say = _quiet if as_json else click.echo
    done = grade_class(places, chosen_course(places, course), exercise, again=again, say=say)
    for line in () if as_json else done.lines:
        click.echo(line)
    click.echo(
        json.dumps({"summary": done.summary, "failed": list(done.failed)}) if as_json else done.summary
    )


@main.command()
@click.option("--jobs", type=click.IntRange(1, 256), help="How many run at once; default: one per processor.")
def worker(jobs: int | None) -> None:
    """Grade what is handed in until stopped. `campus up` runs one; by hand only where it does not.

    \b
    Example:
      campus worker --jobs 4
    """
    from tpc_grader.worker.worker import work

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    places = Places.find()
    settings_of(places)
    work(places, jobs=jobs)


@main.command()
@click.argument("course")
@click.argument("exercise")
@click.option("--apply", is_flag=True, help="Write the new scores; without it they are only shown.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def regrade(course: str, exercise: str, apply: bool, as_json: bool) -> None:
    """Grade everybody's newest submission under the exercise as it is now, and show what would change.

    Correct the exercise, run `campus build`, then this command; with --apply the new scores are written.
    Scores that people gave stay.

    \b
    Examples:
      campus regrade scaling fit-a-law
      campus regrade scaling fit-a-law --apply
    """
    from tpc_grader.desk.regrade import apply_trial, start_trial
    from tpc_grader.worker.classwork import run_until_done

    places = Places.find()
    settings_of(places)
    chosen = chosen_course(places, course)
    say = _quiet if as_json else click.echo
    trial = start_trial(places, chosen, exercise, by=operator())
    run_until_done(places, trial.jobs, say)
    changes = trial.changes(places)
    for change in () if as_json else changes:
        click.echo(str(change))
    summary = trial.summary(places, changes)
    if apply:
        run_until_done(places, apply_trial(places, trial, by=operator()), say)
        summary += "; applied"
    elif changes:
        summary += "; nothing was written, run again with --apply"
    report = {"summary": summary, "changes": [change.fields() for change in changes]}
    click.echo(json.dumps(report) if as_json else summary)


@main.command()
@click.argument("course")
@click.argument("exercise")
@click.argument("student")
@click.option("--until", required=True, help="In the course's time zone, like 2027-02-05T18:00.")
@click.option("--reason", default="", help="Kept with the extension and in the audit log.")
def extend(course: str, exercise: str, student: str, until: str, reason: str) -> None:
    """Give one student more time for an exercise, also after the due date.

    \b
    Example:
      campus extend scaling fit-a-law ada --until 2027-02-05T18:00 --reason "ill"
    """
    from tpc_grader.desk.extensions import give_time, moment_in

    places = Places.find()
    chosen = chosen_course(places, course)
    try:
        moment = moment_in(chosen, until)
    except Unclear as e:
        raise RuntimeError(f"{e}. Nothing was changed: give --until with the offset that is meant.") from e
    known_student(places, chosen.id, student)
    give_time(places, chosen, exercise, student, moment, reason, operator())
    click.echo(f"{student} may hand in {exercise} until {in_zone(moment, chosen.zone)}")


@main.command()
@click.option("--course", default="", help="Only what concerns this course.")
@click.option("--exercise", default="")
@click.option("--student", default="")
@click.option(
    "--limit", default=100, type=click.IntRange(0), show_default=True, help="The newest so many; 0 is all."
)
def audit(course: str, exercise: str, student: str, limit: int) -> None:
    """Print who changed what about grades, when, before and after: JSON, one entry a line.

    \b
    Example:
      campus audit --course scaling --student ada
    """
    from tpc_grader.database.audit import entries, line

    places = Places.find()
    known_names(places, course, exercise)
    for row in entries(places, course, exercise, student, limit=limit or None):
        click.echo(line(row))


@main.command()
@click.argument("course")
@click.argument("exercise")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
@click.option("--by", default="", hidden=True, help="Who asked, for the audit log.")
def feedback(course: str, exercise: str, as_json: bool, by: str) -> None:
    """Generate feedback for everything graded and show it, with the scores, to the students.

    \b
    Example:
      campus feedback scaling fit-a-law
    """
    from tpc_grader.coursework.coursework import release_feedback
    from tpc_grader.desk.unread import unread
    from tpc_grader.grades.visibility import release

    places = Places.find()
    chosen = chosen_course(places, course)
    chosen.unit_of(exercise)
    count, failed = release_feedback(places, chosen, exercise)
    release(places, chosen, exercise, by or operator())
    summary = f"released feedback to {counted(count, 'student')}"
    waiting = unread(places, chosen.id, exercise)
    if waiting.parts:
        summary += f'; {waiting}, and their students read "not graded yet" there'
    if failed:
        summary += (
            f"; none could be made for {', '.join(failed)}: see `nbgrader generate_feedback {exercise}`"
        )
    click.echo(json.dumps({"summary": summary}) if as_json else summary)


def known_names(places: Places, course: str, exercise: str) -> None:
    """Raise NotThere for a course or exercise that is given and that nothing has."""
    courses = [chosen_course(places, course)] if course else load_courses(places)
    known = [name for each in courses for name in each.exercises]
    if exercise and exercise not in known:
        raise NotThere(f"There is no exercise {exercise!r}. Use one of: {', '.join(known)}.")


def known_student(places: Places, course: str, student: str) -> None:
    """Raise NotThere for somebody who is no student of a course."""
    from tpc_hub.people import people

    with people.session(places) as session:
        known = people.members(session, course, "student")
    if student not in known:
        near = difflib.get_close_matches(student, known)
        remedy = f"Did you mean {' or '.join(near)}?" if near else "The class page lists the students."
        raise NotThere(f"Course {course} has no student {student!r}. {remedy}")


def _quiet(line: str) -> None:
    """Say nothing."""


def operator() -> str:
    """Return who types commands, for the audit log."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError):  # a user without a name, as in some containers
        return "command line"
