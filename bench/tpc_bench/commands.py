"""Benchmarks: each runs both sides in one go and prints JSON with the ratio."""

from __future__ import annotations

import json
import signal
from types import FrameType
from typing import Any

import click
from tpc_courses.base.places import Places
from tpc_hub.cli.group import main


@main.group()
def bench() -> None:
    """Measure this campus against stock tools, both sides in one run; prints JSON."""
    for number in _ENDINGS:
        signal.signal(number, _end)


_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _end(number: int, frame: FrameType | None) -> None:
    """End what was started, as with Ctrl-C; whoever asks again meanwhile does not keep us from it."""
    for each in _ENDINGS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def _say(line: str) -> None:
    """Tell the progress where it does not mix with the JSON."""
    click.echo(line, err=True)


def _show(result: dict[str, Any]) -> None:
    click.echo(json.dumps(result, indent=2))


@bench.command()
@click.option("--rounds", default=5, show_default=True, help="Servers started one at a time, on each side.")
@click.option("--at-once", default=20, show_default=True, help="Servers started together, on each side.")
def spawn(rounds: int, at_once: int) -> None:
    """Time from asking for a server to using it, against stock JupyterHub.

    \b
    Example:
      campus bench spawn --rounds 3 --at-once 10
    """
    from tpc_bench.spawn import bench_spawn

    _show(bench_spawn(Places.find(), rounds, at_once, _say))


@bench.command()
@click.option("--rounds", default=5, show_default=True, help="Kernels started on each side.")
def kernels(rounds: int) -> None:
    """Time to a lesson's first output and memory per idle student, against stock JupyterHub.

    \b
    Example:
      campus bench kernels --rounds 3
    """
    from tpc_bench.kernels import bench_kernels

    _show(bench_kernels(Places.find(), rounds, _say))


@bench.command()
@click.option("--students", default=60, show_default=True, help="Submissions to grade, on each side.")
@click.option("--exercise", default="error-bars", show_default=True, help="A folder in exercises/.")
@click.option("--cores", default=2, show_default=True, help="Jobs that run at once on our side.")
def grading(students: int, exercise: str, cores: int) -> None:
    """Time to grade a class, against stock `nbgrader autograde`; fails when a score differs.

    \b
    Example:
      campus bench grading --students 6
    """
    from tpc_bench.grading import bench_grading

    _show(bench_grading(Places.find(), exercise, students, cores, _say))


@bench.command()
@click.option("--exercise", "exercises", multiple=True, help="A folder in exercises/; all if none is named.")
def generation(exercises: tuple[str, ...]) -> None:
    """Time to generate exercises with their solutions tried, against stock `nbgrader generate_assignment`.

    \b
    Example:
      campus bench generation --exercise counting
    """
    from tpc_bench.generation import bench_generation

    places = Places.find()
    for slug in exercises:
        if not places.exercise(slug).exists():
            raise RuntimeError(f"There is no exercise {slug!r} in {places.exercises}.")
    _show(bench_generation(places, exercises, _say))


@bench.command()
@click.option(
    "--pages", default=60, show_default=True, help="Pages of the book; lessons are copied to reach it."
)
def book(pages: int) -> None:
    """Build time, weight, requests and Lighthouse of the book, against Jupyter Book 1 on the same pages.

    \b
    Example:
      campus bench book --pages 60
    """
    from tpc_bench.book import bench_book

    _show(bench_book(Places.find(), pages, _say))


@bench.command()
@click.option("--students", default=60, show_default=True, help="Students who sign in within two minutes.")
def soak(students: int) -> None:
    """Let a class sign in, open a lesson, run it and hand in an exercise, on a campus of its own.

    \b
    Example:
      campus bench soak --students 60
    """
    from tpc_bench.soak import bench_soak

    _show(bench_soak(Places.find(), students, _say))


@bench.command()
@click.option("--students", default=20, show_default=True, help="Students who hand in at the same time.")
@click.option("--each", default=10, show_default=True, help="Submissions of each.")
@click.option("--kills", default=12, show_default=True, help="Kills of worker, service and hub, in turn.")
@click.option("--seed", type=int, help="Repeats the plan of a run; drawn and told otherwise.")
def faults(students: int, each: int, kills: int, seed: int | None) -> None:
    """Kill worker, service and hub at random under load; fails when a submission or a score is lost.

    \b
    Example:
      campus bench faults --students 20 --each 10
    """
    from tpc_bench.faults import bench_faults

    _show(bench_faults(Places.find(), students, each, kills, seed, _say))


@bench.command()
@click.option("--honest", default=12, show_default=True, help="Honest students, one every two seconds.")
@click.option("--exercise", default="error-bars", show_default=True, help="A folder in exercises/.")
@click.option("--jobs", default=2, show_default=True, help="As in `campus worker`.")
@click.option("--patience", default=120.0, show_default=True, help="Seconds to wait for the last result.")
def fairness(honest: int, exercise: str, jobs: int, patience: float) -> None:
    """Hand in honest work while others' answers loop for ever: how long it takes, and what the page says.

    \b
    Example:
      campus bench fairness --honest 6
    """
    from tpc_bench.fairness import bench_fairness

    _show(bench_fairness(Places.find(), exercise, honest, jobs, patience, _say))
