"""Grading a class: stock `nbgrader autograde`, then what `campus grade` does with a worker that serves.

Both begin with the same submissions, handed in, and end when all scores are in the gradebook. Each student's notebook
holds one of the exercise's right or wrong solutions, and imports JAX as the lessons do.
"""

from __future__ import annotations

import ast
import datetime as dt
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import read_course
from tpc_grader.database import engine as database
from tpc_grader.grades.scores import cell_scores
from tpc_grader.grading.handover import TIMESTAMP, submitted_folder
from tpc_grader.queue import queue
from tpc_grader.queue.jobs import JobRow
from tpc_grader.results.results import Graded
from tpc_grader.scoring.scoring import HELPED
from tpc_grader.submissions.store import Store, Submission
from tpc_grader.versions import sources
from tpc_grader.worker.classwork import open_jobs, queue_class, run_until_done

from tpc_bench.small_campus import COURSE, small_campus, working

LOOK_SECONDS = 0.1
IMPORTS = "import jax\nimport jax.numpy as jnp\n"
Say = Callable[[str], None]


def bench_grading(places: Places, exercise: str, students: int, cores: int, say: Say) -> dict[str, Any]:
    """Grade a class both ways and return times, ratio and floor; raises RuntimeError when scores differ.

    But for parts that were graded with the author's version of an answer that did not pass: stock knows none, and
    they have at least its points.
    """
    with tempfile.TemporaryDirectory(prefix="campus-bench-") as folder:
        say(f"Preparing {students} submissions to {exercise} ...")
        here = small_campus(places, Path(folder), exercise)
        submissions = _hand_in(here, exercise, students)
        there = _stock_copy(here, submissions)
        say("Grading with stock nbgrader autograde ...")
        stock_seconds, cell_seconds = _grade_stock(there, exercise)
        say(f"  {stock_seconds:.1f} s. Grading in the sandbox ...")
        seconds, helped = _grade_ours(here, exercise, submissions, cores)
        say(f"  {seconds:.1f} s")
        differing = _differing(here, there, exercise, submissions, helped)
        if differing:
            raise RuntimeError(f"{len(differing)} scores differ from stock nbgrader: {differing[:5]}")
        return {
            "benchmark": "grading",
            "exercise": exercise,
            "students": students,
            "cores": cores,
            "stock_seconds": round(stock_seconds, 2),
            "campus_seconds": round(seconds, 2),
            "ratio": round(stock_seconds / seconds, 2),
            "floor_seconds": round(cell_seconds / cores, 2),
            "equal_scores": True,
            "parts_with_the_authors_version": len(helped),
        }


def _hand_in(places: Places, exercise: str, students: int) -> list[Submission]:
    """Return one submission for each student: two right ones for each wrong one."""
    source = sources.current(places, COURSE, exercise)
    folder = places.exercises / exercise
    kinds = (sorted((folder / kind).glob("*.py")) for kind in ("right", "wrong"))
    # Right answers of other types than the author's pass here, and not at stock.
    right, wrong = (cycle(path for path in paths if path.stem != "types_mixed") for paths in kinds)
    solutions = [next(wrong) if number % 3 == 2 else next(right) for number in range(students)]
    store = Store(places)
    return [
        store.add(
            COURSE,
            exercise,
            f"student{number:03}",
            source.version,
            {f"{exercise}.ipynb": nbformat.writes(answered(source, solution.read_text("utf-8"))).encode()},
        )
        for number, solution in enumerate(solutions)
    ]


def answered(source: sources.Source, solution: str) -> nbformat.NotebookNode:
    """Return the author's notebook with a solution in place of the cells that define its functions."""
    notebook = nbformat.read(source.source, as_version=4)
    ours, placed = defined(solution), False
    for cell in notebook.cells:
        facts = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and facts.get("solution") and ours & defined(cell.source):
            cell.source, placed = ("" if placed else solution), True
    notebook.cells.insert(0, new_code_cell(IMPORTS, id="imports"))
    return notebook


def defined(source: str) -> set[str]:
    """Return the names of the functions that a source defines."""
    return {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}


def _stock_copy(places: Places, submissions: list[Submission]) -> Places:
    """Return the same course with nbgrader's own preprocessors, and the submissions where it expects them."""
    there = Places(places.root, places.state.with_name("stock"))
    shutil.copytree(places.nbgrader(COURSE), there.nbgrader(COURSE))
    (there.nbgrader(COURSE) / "nbgrader_config.py").write_text(
        "c = get_config()\n"
        f"c.CourseDirectory.root = {str(there.nbgrader(COURSE))!r}\n"
        f"c.CourseDirectory.course_id = {COURSE!r}\n"
        "c.Execute.timeout = 60\n",
        encoding="utf-8",
    )
    for each in submissions:
        folder = submitted_folder(there, COURSE, each.exercise, each.student)
        each.write_to(folder)
        (folder / "timestamp.txt").write_text(each.received_at.strftime(TIMESTAMP), encoding="utf-8")
    return there


def _grade_stock(places: Places, exercise: str) -> tuple[float, float]:
    """Run the command; returns its seconds, and those that cells ran."""
    folder = places.nbgrader(COURSE)
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    began = time.monotonic()
    command = [sys.executable, "-m", "nbgrader", "autograde", exercise]
    answer = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    seconds = time.monotonic() - began
    if answer.returncode:
        raise RuntimeError(f"nbgrader autograde failed: {answer.stderr.strip().splitlines()[-1]}")
    return seconds, sum(_cell_seconds(path) for path in folder.glob(f"autograded/*/{exercise}/*.ipynb"))


def _cell_seconds(path: Path) -> float:
    times = [cell.metadata.get("execution", {}) for cell in nbformat.read(path, as_version=4).cells]
    spans = [(each.get("iopub.execute_input"), each.get("shell.execute_reply")) for each in times]
    return sum((_moment(end) - _moment(start)).total_seconds() for start, end in spans if start and end)


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))


def _grade_ours(
    places: Places, exercise: str, submissions: list[Submission], cores: int
) -> tuple[float, set[tuple[str, str]]]:
    """Have the worker grade the class, as many jobs at once as there are cores.

    Returns seconds, and (student, part) of those graded with the author's version of an answer.
    """
    course = read_course(places.courses / f"{COURSE}.yml", places)
    with working(places, cores):
        # A campus that runs has its preloaded processes.
        run_until_done(
            places, [queue.enqueue(places, each, "public") for each in submissions[:cores]], _quiet
        )
        began = time.monotonic()
        numbers = queue_class(places, course, exercise)
        while open_jobs(places, numbers):
            time.sleep(LOOK_SECONDS)
        seconds = time.monotonic() - began
    return seconds, {helped for number in numbers for helped in _helped(places, number)}


def _helped(places: Places, number: int) -> list[tuple[str, str]]:
    with database.session(places) as session:
        row = session.get_one(JobRow, number)
        if row.state != "graded":
            raise RuntimeError(f"The submission of {row.student} was not graded: {row.reason}")
        cells = Graded.from_json(row.result or "").cells
        return [(row.student, cell.name) for cell in cells if cell.message.startswith(HELPED)]


def _quiet(line: str) -> None:
    """Say nothing."""


def _differing(
    here: Places, there: Places, exercise: str, submissions: list[Submission], helped: set[tuple[str, str]]
) -> list[str]:
    found = []
    for each in submissions:
        ours, stock = (cell_scores(side, COURSE, exercise, each.student) for side in (here, there))
        found += [
            f"{each.student} {name}: {ours[name].auto} instead of {score.auto}"
            for name, score in stock.items()
            if ours[name].auto != score.auto
            and not ((each.student, name) in helped and (ours[name].auto or 0) >= (score.auto or 0))
        ]
    return found
