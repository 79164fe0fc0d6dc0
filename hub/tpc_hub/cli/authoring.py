"""Commands for who writes lessons and exercises."""

from __future__ import annotations

import os
import time

import click
from tpc_courses.base.places import Places
from tpc_courses.base.problems import SourceError

from tpc_hub.cli.group import main

_LOOK_SECONDS = 0.3


@main.command("try")
@click.argument("exercises", nargs=-1)
@click.option(
    "--watch", is_flag=True, help="Try again whenever a file of the exercise is saved, until Ctrl-C."
)
def try_(exercises: tuple[str, ...], watch: bool) -> None:
    """Try exercises, all of them if none is named: does each tell right from wrong? Exit 1 when one does not.

    The author's solution and right ones must pass, each wrong one (wrong.toml, wrong/*.py) lose its part, and every
    small change of the solution be noticed. What passes is noted in exercises/tried.json, so that a fresh campus need
    not try it again. Commit that file.

    \b
    Examples:
      campus try fit-a-law
      campus try fit-a-law --watch
      campus try
    """
    from tpc_courses.checks.check import exercise_paths

    places = Places.find()
    known = [path.parent.name for path in exercise_paths(places)]
    for slug in exercises or known:
        if slug not in known:
            raise RuntimeError(f"There is no exercise {slug!r}. Use one of: {', '.join(known)}.")
    failed = _tried(places, exercises or tuple(known))
    while watch:
        seen = _saved(places, exercises or tuple(known))
        click.echo("Waiting for a change; Ctrl-C ends.")
        while _saved(places, exercises or tuple(known)) == seen:
            time.sleep(_LOOK_SECONDS)
        _tried(places, exercises or tuple(known))
    if failed:
        raise RuntimeError(f"Not all is well with: {', '.join(failed)}.")


def _tried(places: Places, slugs: tuple[str, ...]) -> list[str]:
    """Try exercises and say what came of it; return those with a fault."""
    # Before NumPy is imported: two cases run at once, and an optimiser on two threads takes 30 times as long.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from tpc_grader.trial.trial import try_exercise

    failed = []
    for slug in slugs:
        try:
            tried = try_exercise(places, slug)
        except (SourceError, RuntimeError, ValueError) as e:
            failed.append(slug)
            click.echo(f"{slug}: {e}")
            continue
        counts = ", ".join(f"{count} {kind}" for kind, count in tried.counts.items())
        click.echo(
            "\n".join([f"{slug}: {counts}; {tried.seconds:.1f} s", *(f"  {line}" for line in tried.faults)])
        )
        failed += [slug] if tried.faults else []
    return failed


def _saved(places: Places, slugs: tuple[str, ...]) -> dict[str, float]:
    """Return file -> when it was saved last."""
    folders = [places.exercise(slug).parent for slug in slugs]
    return {
        str(path): path.stat().st_mtime for folder in folders for path in folder.rglob("*") if path.is_file()
    }
