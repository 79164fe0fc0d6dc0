"""Any door, same grade: `campus grade`, nbgrader's command and the formgrader's button agree, also on odd work."""

from __future__ import annotations

import copy
import io
import logging
import re
import sqlite3
from functools import partial

import brisk_grading
import pytest
from click.testing import CliRunner
from nbformat.v4 import new_output
from nbgrader.apps import NbGraderAPI
from nbgrader.apps.autogradeapp import AutogradeApp
from nbgrader.coursedir import CourseDirectory
from test_sandbox import HONEST, SLUG, answered, school, text  # noqa: F401
from tpc_courses.base.places import Places
from tpc_grader.coursework.coursework import course_config
from tpc_grader.grades.scores import cell_scores
from tpc_grader.grading import submission as grading
from tpc_grader.sandbox.backends import TRUST_VARIABLE
from tpc_grader.submissions.store import Store
from tpc_grader.versions import sources
from tpc_grader.worker import worker
from tpc_hub.cli import main

NOTHING = 0.125  # what stands in the gradebook before somebody comes through a door
WRONG = "def double(x):\n    return 6"


def handed_in(source: sources.Source) -> dict[str, tuple[bytes, str, float]]:
    """Return student -> what they handed in, and the outcome and points that every door must give."""

    def solved(code: str, change=lambda notebook: None) -> bytes:
        notebook = answered(source, double=code)
        change(notebook)
        return text(notebook)

    def drop(name: str):
        def change(notebook):
            notebook.cells = [
                cell
                for cell in notebook.cells
                if cell.metadata.get("nbgrader", {}).get("grade_id", name and "") != name
            ]

        return change

    def twice(notebook):
        notebook.cells = [copy.deepcopy(cell) for cell in notebook.cells for _ in range(2)]
        notebook.nbformat_minor = 4  # which knows no ids of cells, that would have to differ
        for cell in notebook.cells:
            cell.pop("id", None)

    def large(notebook):
        notebook.cells[-1].outputs = [new_output("stream", name="stdout", text="x" * 50 * 2**20)]

    yes = "class Yes:\n    def __eq__(self, other): return True\ndef double(x): return Yes()"
    shell = {"name": "bash", "display_name": "Bash", "language": "bash"}
    return {
        "right": (solved(HONEST), "graded", 2.0),
        "wrong": (solved(WRONG), "graded", 0.0),
        "cheat": (solved(yes), "tampered", 0.0),
        "hang": (solved("sum(range(10**13))"), "timeout", 0.0),
        "exit": (solved("import os\nos._exit(0)"), "crashed", 0.0),
        "hungry": (solved("x = bytearray(100 * 2**30)"), "oom", 0.0),
        "empty": (b"", "invalid", 0.0),
        "no-cells": (solved(HONEST, lambda notebook: notebook.cells.clear()), "invalid", 0.0),
        "no-test": (solved(HONEST, drop("test-double")), "graded", 2.0),
        "no-answer": (solved(HONEST, drop("double")), "graded", 0.0),
        "twice": (solved(HONEST, twice), "graded", 2.0),
        "bash": (solved(HONEST, lambda each: each.metadata.update(kernelspec=shell)), "graded", 2.0),
        "loud": (solved(f"{HONEST}\nprint('x' * 50_000_000)"), "graded", 2.0),
        "large": (solved(HONEST, large), "invalid", 0.0),
        "deep": (b'{"cells": ' + b"[" * 101 + b"]" * 101 + b"}", "invalid", 0.0),
        "many": (b'{"cells": [' + b"{}," * 250_000 + b"{}]}", "invalid", 0.0),
    }


def by_campus(places: Places, course) -> dict[str, str]:
    """Run `campus grade`, which queues a class as the button of its page does; return student -> outcome it tells."""
    environment = {"CAMPUS_ROOT": str(places.root), "CAMPUS_STATE": str(places.state)}
    done = CliRunner().invoke(main, ["grade", "scaling", SLUG, "--again"], env=environment)
    assert done.exit_code == 0, done.output
    told = re.findall(r"^(\S+) +[\d.]+/2(?:  (\w+):)?", done.output, re.M)
    return {student: outcome or "graded" for student, outcome in told}


def by_command(places: Places, course) -> dict[str, str]:
    """Run `nbgrader autograde` in the course folder."""
    AutogradeApp.clear_instance()
    app = AutogradeApp.instance()
    app.initialize([SLUG, "--force"])
    told = io.StringIO()
    app.log.addHandler(logging.StreamHandler(told))
    app.start()
    return outcomes_told(told.getvalue())


def by_button(places: Places, course) -> dict[str, str]:
    """Do what the formgrader does when its button is pressed, for one student after the other."""
    config = course_config(places, course)
    api = NbGraderAPI(coursedir=CourseDirectory(config=config), config=config)
    found = dict[str, str]()
    for student in api.get_submitted_students(SLUG):
        answer = api.autograde(SLUG, student)
        assert answer["success"], answer["log"]
        found |= outcomes_told(answer["log"])
    return found


DOORS = {"campus grade": by_campus, "nbgrader's command": by_command, "the formgrader's button": by_button}


@pytest.mark.slow
def test_odd_work_gets_the_same_outcome_and_score_through_every_door(school, monkeypatch):  # noqa: F811
    places, course = school
    source = sources.current(places, "scaling", SLUG)
    wanted = handed_in(source)
    for student, (data, _, _) in wanted.items():
        Store(places).add("scaling", SLUG, student, source.version, {f"{SLUG}.ipynb": data})
    monkeypatch.setattr(grading, "Limits", lambda: brisk_grading.LIMITS)
    monkeypatch.setattr(worker, "work", partial(worker.work, run=brisk_grading.run))
    monkeypatch.setenv(TRUST_VARIABLE, "false")
    monkeypatch.chdir(places.nbgrader("scaling"))
    for door, come in DOORS.items():
        forget(places)
        found = come(places, course)
        told = {student: (found[student], *score(places, student)) for student in wanted}
        assert told == {
            student: (outcome, points, outcome == "tampered")
            for student, (_, outcome, points) in wanted.items()
        }, door


def test_what_the_intake_would_have_refused_beside_a_notebook_is_invalid(school):  # noqa: F811
    places, course = school
    source = sources.current(places, "scaling", SLUG)
    folder = places.nbgrader("scaling") / "submitted" / "lee" / SLUG
    folder.mkdir(parents=True)
    (folder / f"{SLUG}.ipynb").write_bytes(text(answered(source, double=HONEST)))
    (folder / "loot").symlink_to(places.nbgrader("scaling") / "gradebook.db")
    config = course_config(places, course)
    answer = NbGraderAPI(coursedir=CourseDirectory(config=config), config=config).autograde(SLUG, "lee")
    assert answer["success"], answer["log"]
    assert outcomes_told(answer["log"]) == {"lee": "invalid"}
    assert "loot: a link" in answer["log"]
    assert score(places, "lee") == (0.0, False)


def score(places: Places, student: str) -> tuple[float | None, bool]:
    """Return a student's points in the gradebook, and whether a person must look at them."""
    found = cell_scores(places, "scaling", SLUG, student)["test-double"]
    return found.auto, found.needs_person


def forget(places: Places) -> None:
    """Put a score into the gradebook that no door gives."""
    with sqlite3.connect(places.nbgrader("scaling") / "gradebook.db") as book:
        book.execute("update grade set auto_score = ?, needs_manual_grade = 0", (NOTHING,))


def outcomes_told(log: str) -> dict[str, str]:
    """Return student -> outcome in what nbgrader's own doors log."""
    return dict(re.findall(rf"Graded {SLUG} of (\S+): (\w+), ", log))
