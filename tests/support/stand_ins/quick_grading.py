"""A grader for tests of the queue: it reads what was handed in and writes a real gradebook, in milliseconds.

The notebook is a cell of text: `points=N`, and then what should happen to the grader: `fault`, `die`, `slow`,
`nap`, `loop`, and while its result is written `stuck` or `lost` (its writer ends).
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

from nbgrader.api import Gradebook
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import Course
from tpc_grader.gradebook.gradebook import ensure_gradebook
from tpc_grader.results.results import CellScore, Graded, InfrastructureFault
from tpc_grader.submissions.store import Submission
from tpc_grader.worker.worker import work

CELL = "test-double"
# Longer than a turn in an exercise that nobody handed in yet.
NAP_SECONDS = 2.5


def run(
    places: Places,
    course: Course,
    submission: Submission,
    *,
    version: str | None = None,
    public: bool = False,
) -> Graded:
    """Score a submission by what it says."""
    text = json.loads(submission.notebook.read_text())["cells"][0]["source"]
    _behave(text)
    points = float(text.split()[0].removeprefix("points="))
    points += version == "corrected"
    cell = CellScore(CELL, points, 10.0, points > 0, "read it")
    return Graded("graded", "", "", (cell,), version or submission.version, public, 0.01)


def record(places: Places, course: Course, submission: Submission, graded: Graded) -> None:
    """Write the score as nbgrader does: automatic scores change, manual ones stay."""
    if graded.outcome != "invalid" and b"stuck" in submission.notebook.read_bytes():
        time.sleep(3600)
    if b"lost" in submission.notebook.read_bytes():
        os.kill(os.getpid(), signal.SIGKILL)
    places.nbgrader(course.id).mkdir(parents=True, exist_ok=True)
    ensure_gradebook(places.nbgrader(course.id) / "gradebook.db")
    with Gradebook(f"sqlite:///{places.nbgrader(course.id) / 'gradebook.db'}", course.id) as book:
        ensure_cell(book, submission.exercise)
        book.update_or_create_student(submission.student)
        received = submission.received_at.replace(tzinfo=None)
        book.update_or_create_submission(submission.exercise, submission.student, timestamp=received)
        notebook = book.find_submission_notebook(submission.exercise, submission.exercise, submission.student)
        for cell in graded.cells:
            grade = next(grade for grade in notebook.grades if grade.name == cell.name)
            grade.auto_score = cell.points
            grade.needs_manual_grade = False
        book.db.commit()


def ensure_cell(book: Gradebook, exercise: str) -> None:
    """Make the assignment with its one cell."""
    book.update_or_create_assignment(exercise)
    if exercise not in [each.name for each in book.find_assignment(exercise).notebooks]:
        book.add_notebook(exercise, exercise)
        book.add_grade_cell(CELL, exercise, exercise, max_score=10, cell_type="code")


def _behave(text: str) -> None:
    if "slow" in text:
        time.sleep(0.15)
    if "nap" in text:
        time.sleep(NAP_SECONDS)
    if "loop" in text:
        time.sleep(3600)
    if "fault" in text:
        raise InfrastructureFault("the sandbox is away")
    if "die" in text:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    from quick_grading import record as quick_record
    from quick_grading import run as quick_run

    # Turns are as on an idle machine, whatever else runs here.
    os.getloadavg = lambda: (0.0, 0.0, 0.0)
    jobs = int(sys.argv[3]) if len(sys.argv) > 3 else None
    work(Places(Path(sys.argv[1]), Path(sys.argv[2])), jobs=jobs, run=quick_run, record=quick_record)
