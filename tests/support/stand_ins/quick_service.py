"""A process that takes in submissions like the campus service does, for tests that kill it.

It reads lines `student text` and answers each with the receipt on one line, once the work is safe.
"""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path

from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import load_courses
from tpc_grader.desk.intake import Intake
from tpc_grader.queue import queue
from tpc_grader.submissions.archive import pack

EXERCISE = "double-scaling"


def main() -> None:
    """Serve until the input ends."""
    places = Places(Path(sys.argv[1]), Path(sys.argv[2]))
    courses = {course.id: course for course in load_courses(places)}
    intake = Intake(places, courses, accepted=functools.partial(queue.submitted, places))
    for line in sys.stdin:
        student, _, text = line.strip().partition(" ")
        archive = pack({f"{EXERCISE}.ipynb": notebook(text)})
        submission = intake.receive("scaling", EXERCISE, student, archive)
        print(json.dumps(json.loads(submission.receipt.text())), flush=True)


def notebook(text: str) -> bytes:
    """Return a notebook of one cell."""
    cell = {"cell_type": "markdown", "metadata": {}, "source": text}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}).encode()


if __name__ == "__main__":
    main()
