"""What nbgrader's own Autograde runs in place of its kernel: every door to a grade leads through the sandbox.

`set_preprocessors` puts these into `c.Autograde.sanitize_preprocessors` and `autograde_preprocessors`, which
`nbgrader autograde`, NbGraderAPI and the formgrader's button all read. `Rebuild` grades in the sandbox there and then;
without a result nothing is written. Our own writer (`coursework.recording`) brings a result and needs no converter.
"""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbformat.v4 import new_notebook
from nbgrader.api import (
    Assignment,
    Grade,
    Gradebook,
    MissingEntry,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.preprocessors import NbGraderPreprocessor, SaveAutoGrades
from nbgrader.utils import compute_checksum, is_task
from sqlalchemy import select, update
from tpc_courses.base.places import Places
from traitlets import Unicode
from traitlets.config import Config

from tpc_grader.database import engine as database
from tpc_grader.feedback.autograded import graded_notebook
from tpc_grader.gradebook.penalties import course_at_the_door
from tpc_grader.grading.answers import Answers, answer_digest
from tpc_grader.grading.handover import files_at_the_door, notebook_at_the_door, version_at_the_door
from tpc_grader.grading.submission import grade_files, unusable
from tpc_grader.results.points import shown
from tpc_grader.results.results import CellScore, Graded
from tpc_grader.submissions.archive import Refused

# Where a notebook on its way through nbgrader names its result; the result itself never leaves this process.
TICKET = "tpc_ticket"
_results: dict[str, Graded] = {}
# A notebook is through before the next comes; what nbgrader failed at in between is called for by nobody.
_MOST_RESULTS = 4


def set_preprocessors(config: Config, places: Places, course: str) -> None:
    """Let nbgrader's Autograde use the sandbox."""
    here = __name__
    config.Autograde.exporter_class = f"{here}.SubmissionExporter"
    config.Autograde.sanitize_preprocessors = [f"{here}.Rebuild"]
    config.Autograde.autograde_preprocessors = [
        f"{here}.FindResult",
        f"{here}.StrictSaveAutoGrades",
        "nbgrader.preprocessors.AssignLatePenalties",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    config.Rebuild.root, config.Rebuild.state = str(places.root), str(places.state)
    config.Rebuild.course = course


class SubmissionExporter(NotebookExporter):
    """Opens no file but those that nbgrader made of a rebuilt submission, never the one that was handed in."""

    def from_filename(self, filename: str, resources: Any = None, **kw: Any) -> tuple[Any, Any]:
        """Convert a file; what was handed in goes on as an empty notebook, which `Rebuild` fills."""
        asking: Any = self.parent
        ours = Path(asking.coursedir.root, asking.coursedir.autograded_directory).resolve()
        if Path(filename).resolve().is_relative_to(ours):
            return super().from_filename(filename, resources, **kw)
        convert: Any = self.from_notebook_node
        return convert(new_notebook(), resources, **kw)


class Rebuild(NbGraderPreprocessor):
    """Puts the rebuilt submission in the place of what the student's file holds."""

    root = Unicode("", config=True, help="The campus's source tree.")
    state = Unicode("", config=True, help="The campus's state folder.")
    course = Unicode("", config=True, help="The course.")

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Return the rebuilt notebook, with a ticket for its result."""
        found = self._graded(resources["nbgrader"])
        made = graded_notebook(found)
        ticket = secrets.token_hex(16)
        _results[ticket] = found
        while len(_results) > _MOST_RESULTS:
            del _results[next(iter(_results))]
        made.metadata[TICKET] = ticket
        return made, resources

    def _graded(self, where: dict[str, str]) -> Graded:
        places = Places(Path(self.root), Path(self.state))
        whose = (places, self.course, where["assignment"], where["student"])
        try:
            notebook, files = notebook_at_the_door(*whose), files_at_the_door(*whose)
        except Refused as e:
            return unusable(version_at_the_door(*whose, b""), str(e))
        return grade_files(version_at_the_door(*whose, notebook), notebook, files)


class FindResult(NbGraderPreprocessor):
    """Finds the result that a notebook's ticket stands for; stands where nbgrader would run the code."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Hand the result on; fails when the notebook did not come through `Rebuild`."""
        found = _results.pop(nb.metadata.pop(TICKET, ""), None)
        if found is None:
            raise RuntimeError("This notebook has no result of the sandbox, so it is not graded.")
        resources["tpc_graded"] = found
        return nb, resources


class StrictSaveAutoGrades(SaveAutoGrades):
    """Saves the scores that were computed outside the sandbox, in one commit; keeps what people gave to this answer."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Save the scores of a result."""
        graded: Graded = resources["tpc_graded"]
        self._scores = {score.name: score for score in graded.cells}
        self._flagged = graded.outcome == "tampered"
        where = resources["nbgrader"]
        self.notebook_id, self.assignment_id = where["notebook"], where["assignment"]
        self.student_id = where["student"]
        places, course = course_at_the_door(self.config)
        whose = (course, self.assignment_id, self.student_id)
        self._notebook, self._files = nb, _files(places, *whose)
        # Our own writer keeps one open; for nbgrader's command we open one, as nbgrader's preprocessors do.
        opened = resources.get("tpc_gradebook")
        with contextlib.nullcontext(opened) if opened else Gradebook(where["db_url"]) as self.gradebook:
            self._hold_grades()
            # What people gave is put away before the gradebook forgets it, whenever this process ends.
            with database.transaction(places) as session:
                self._answers = Answers(session, *whose)
                with self.gradebook.db.no_autoflush:
                    for index, cell in enumerate(nb.cells):
                        self.preprocess_cell(cell, resources, index)
            self.gradebook.db.commit()
        about = (self.assignment_id, self.student_id, graded.outcome, shown(graded.points), graded.detail)
        self.log.info("Graded %s of %s: %s, %s points. %s", *about)
        return nb, resources

    def _hold_grades(self) -> None:
        """Let nobody give points between what is read here and what is written.

        An update that changes nothing holds these rows on PostgreSQL, and SQLite's one lock, rows or none.
        """
        mine = (
            select(SubmittedNotebook.id)
            .join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
            .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
            .where(Assignment.name == self.assignment_id, SubmittedAssignment.student_id == self.student_id)
        )
        held = update(Grade).where(Grade.notebook_id.in_(mine)).values(auto_score=Grade.auto_score)
        self.gradebook.db.execute(held, execution_options={"synchronize_session": False})

    def preprocess_cell(
        self, cell: NotebookNode, resources: Any, cell_index: int
    ) -> tuple[NotebookNode, Any]:
        """Save what is known of a cell; nbgrader leaves the score of a task as it is, whatever was handed in."""
        if is_task(cell):
            self._add_score(cell, resources)
        return super().preprocess_cell(cell, resources, cell_index)

    def _add_score(self, cell: NotebookNode, resources: Any) -> None:
        name = cell.metadata["nbgrader"]["grade_id"]
        try:
            grade = self.gradebook.find_grade(name, self.notebook_id, self.assignment_id, self.student_id)
        except MissingEntry:
            self.log.warning("The gradebook knows no cell %s: it belongs to another version", name)
            return
        answer = self._answers.bind(grade, name, answer_digest(cell, self._notebook, self._files))
        score = self._scores.get(name)
        grade.auto_score = _auto_score(cell, score)
        if grade.manual_score is not None and grade.max_score:
            grade.manual_score = min(grade.manual_score, grade.max_score)
        waits = grade.auto_score is None or self._flagged or (answer.waits and not (score and score.manual))
        grade.needs_manual_grade = grade.manual_score is None and waits

    def _add_comment(self, cell: NotebookNode, resources: Any) -> None:
        name = cell.metadata["nbgrader"]["grade_id"]
        with contextlib.suppress(MissingEntry):
            found = (name, self.notebook_id, self.assignment_id, self.student_id)
            comment = self.gradebook.find_comment(*found)
            self._answers.bind(comment, name, answer_digest(cell, self._notebook, self._files))
            comment.auto_comment = "No response." if _is_unchanged(cell) else None


def _files(places: Places, course: str, exercise: str, student: str) -> dict[str, bytes]:
    """Return what was handed in beside the notebook; nothing where it is refused, which the result says already."""
    try:
        return files_at_the_door(places, course, exercise, student)
    except (Refused, OSError):
        return {}


def _auto_score(cell: NotebookNode, score: CellScore | None) -> float | None:
    """Return the score that needs no person; None when one must look."""
    if score is None:
        return 0.0
    if not score.manual:
        return score.points
    return 0.0 if _is_unchanged(cell) else None


def _is_unchanged(cell: NotebookNode) -> bool:
    """Return whether an answer is what was released: nobody needs to read it."""
    return bool(cell.metadata.nbgrader.get("checksum") == compute_checksum(cell)) and not is_task(cell)
