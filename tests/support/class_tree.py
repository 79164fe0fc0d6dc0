"""A released exercise and students' work for tests of the intake, without a hub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
from tpc_courses.base.places import Places
from tpc_courses.sources.exercise import source_notebook
from tpc_courses.sources.manifest import Course, load_courses
from tpc_grader.feedback.autograded import kept_notebook
from tpc_grader.results.results import CellScore, Graded
from tpc_grader.submissions.archive import pack
from tpc_grader.submissions.store import Submission
from tpc_grader.submissions.submitted import Unusable
from tpc_grader.versions import sources
from tpc_grader.versions.releases import publish
from tpc_grader.versions.skeleton import empty, read_skeleton, rebuild

COURSE = "scaling"
EXERCISE = "double-scaling"
NOTEBOOK = f"{EXERCISE}.ipynb"


def released_class(places: Places) -> dict[str, Course]:
    """Publish the exercise of the small tree's scaling course and return the courses by id."""
    files = {NOTEBOOK: released_notebook(places)}
    publish(places.intake, COURSE, EXERCISE, files, "version1")
    return {course.id: course for course in load_courses(places)}


def released_notebook(places: Places) -> bytes:
    """Return the notebook of the exercise, solution and all: enough where nothing is graded."""
    return nbformat.writes(source_notebook(places.exercise(EXERCISE))).encode()


def work(answer: str = "def double(x):\n    return x + x", **more: bytes) -> bytes:
    """Return an archive as a student's server packs it."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(answer)])
    return pack({NOTEBOOK: nbformat.writes(notebook).encode(), **more})


def result_of(places: Places, submission: Submission, *scores: CellScore, outputs: Any = None) -> Graded:
    """Return a result with these scores and outputs, of what was handed in, as if the sandbox had given it."""
    source = sources.load(places, submission.course, submission.exercise, submission.version)
    skeleton = read_skeleton(source.source, source.release)
    try:
        rebuilt = rebuild(skeleton, submission.notebook.read_bytes())
    except Unusable as e:
        rebuilt = empty(skeleton, str(e))
    notebook = kept_notebook(rebuilt)
    return Graded("graded", "", "", scores, submission.version, outputs=outputs or {}, notebook=notebook)


def shift_clock(monkeypatch: Any, moment: Any) -> None:
    """Set the server's clock to a moment."""
    monkeypatch.setattr("tpc_grader.database.engine.utcnow", lambda: moment)


def manifest_with(places: Places, course: str, **changes: Any) -> Course:
    """Change a course's manifest and return the course; values as in YAML, which JSON is a part of."""
    path = Path(places.courses / f"{course}.yml")
    text = path.read_text()
    for key, value in changes.items():
        text += f"{key}: {json.dumps(value)}\n"
    path.write_text(text)
    return next(each for each in load_courses(places) if each.id == course)
