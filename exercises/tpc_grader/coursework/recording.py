"""Writes a result into nbgrader's gradebook and folders: what its Autograde leaves behind, without its converters.

Autograde reads, converts, checks and writes a notebook twice, and opens seven gradebooks. The notebook of a result
is made already, so what is left is to keep it and the scores. A test compares both ways, row by row.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import nbformat
from nbgrader.api import MissingEntry
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import find_all_files
from tpc_courses.base.files import whole_folder
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import Course

from tpc_grader.coursework.coursework import course_config
from tpc_grader.feedback.autograded import graded_notebook
from tpc_grader.gradebook.gradebook import open_gradebook
from tpc_grader.gradebook.penalties import settle
from tpc_grader.grading.handover import TIMESTAMP, hand_over, submitted_folder
from tpc_grader.grading.preprocessors import StrictSaveAutoGrades
from tpc_grader.grading.submission import as_released
from tpc_grader.results.results import Graded, InfrastructureFault
from tpc_grader.submissions.store import Submission
from tpc_grader.versions.sources import load

# nbgrader's: nobody changes by mistake what was graded.
READ_ONLY = 0o444


def record(places: Places, course: Course, submission: Submission, graded: Graded) -> None:
    """Write a result into nbgrader's gradebook; again is the same as once, and manual scores stay.

    What was handed in is copied and never opened. The one writer: two at a time would be in each other's way.
    Raises NoNotebook, InfrastructureFault and ValueError.
    """
    if graded.public:
        raise ValueError("A run of the released tests only is no score: nothing was recorded.")
    exercise, student = submission.exercise, submission.student
    if graded.notebook is None and graded.outcome == "invalid":
        source = load(places, course.id, exercise, graded.version)
        graded = replace(graded, notebook=as_released(source, graded.reason))
    notebook = graded_notebook(graded)
    config = course_config(places, course)
    hand_over(places, submission)
    with open_gradebook(places, course.id) as book:
        try:
            book.find_notebook(exercise, exercise)
        except MissingEntry as e:
            raise InfrastructureFault(
                f"The gradebook of {course.id} knows no {exercise}. Run `campus build`, then `campus grade --retry`."
            ) from e
        book.update_or_create_student(student)
        stamp = submission.received_at.strftime(TIMESTAMP)
        book.update_or_create_submission(exercise, student, timestamp=stamp)
        about = {"notebook": exercise, "assignment": exercise, "student": student}
        save = StrictSaveAutoGrades(config=config)
        notebook, _ = save.preprocess(
            notebook, {"tpc_graded": graded, "tpc_gradebook": book, "nbgrader": about}
        )
    settle(places, course.id, exercise, student)
    ignored = [*CourseDirectory(config=config).ignore, "*.ipynb"]
    _keep(places, course.id, exercise, student, nbformat.writes(notebook), ignored)


def _keep(places: Places, course: str, exercise: str, student: str, text: str, ignored: list[str]) -> None:
    """Write the notebook, and beside it the student's files under those of the exercise; whole or not at all."""
    folder = places.nbgrader(course) / "autograded" / student / exercise
    with whole_folder(folder) as draft:
        for beside in (
            submitted_folder(places, course, exercise, student),
            places.nbgrader(course) / "source" / exercise,
        ):
            for name in find_all_files(str(beside), ignored):
                target = draft / Path(name).relative_to(beside)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.unlink(missing_ok=True)
                shutil.copyfile(name, target)
                target.chmod(READ_ONLY)
        kept = draft / f"{exercise}.ipynb"
        kept.write_text(text if text.endswith("\n") else f"{text}\n", encoding="utf-8")
        kept.chmod(READ_ONLY)
