"""A class with answers that a person reads: an exercise with written parts, and what students hand in for it."""

from __future__ import annotations

import base64
import csv
import io
import json

import nbformat
from campus_tree import make_tree, write
from class_tree import COURSE, EXERCISE, NOTEBOOK
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import Course, load_courses
from tpc_grader.desk.intake import Intake
from tpc_grader.submissions.archive import pack
from tpc_grader.submissions.store import Submission

WRITTEN = """
Why does that work?

+++ {"tags": ["answer"], "name": "why", "points": 3}

Because.

+++

And when does it not?

+++ {"tags": ["answer"], "name": "when", "points": 1}

Never.
"""
# One pixel.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)


def make_written_tree(root, state) -> Places:
    """Write the small tree, with two written parts in the exercise of the scaling course."""
    places = make_tree(root, state)
    source = places.exercise(EXERCISE)
    write(source, source.read_text() + WRITTEN)
    return places


def course_of(places: Places) -> Course:
    """Return the scaling course."""
    return next(each for each in load_courses(places) if each.id == COURSE)


def roster(*names: str) -> str:
    """Return a roster of students as CSV."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["name", "display_name", "role"])
    rows.writerows([name, f"{name.title()} Example", "student"] for name in names)
    return text.getvalue()


def hand_in(
    places: Places, student: str, code: str = "return x + x", why: str = "It adds.", when: str | None = None
) -> Submission:
    """Hand in the released exercise with these answers; a plot, a picture and a formula may be part of them."""
    intake = Intake(places, {COURSE: course_of(places)})
    notebook = nbformat.reads(intake.release(COURSE, EXERCISE).files()[NOTEBOOK].decode(), 4)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name == "double":
            cell.source = f"def double(x):\n    {code}"
        elif name == "why":
            cell.source = why
            cell["attachments"] = {"my plot.png": {"image/png": base64.b64encode(PNG).decode()}}
        elif name == "when" and when is not None:
            cell.source = when
    return intake.receive(COURSE, EXERCISE, student, pack({NOTEBOOK: json.dumps(notebook).encode()}))
