"""Lets an exercise that was handed in change its cells, where nbgrader 0.9.6 refuses (its issues 1646, 1699).

Grades are kept: a new cell joins every submission without a score, and a cell that is gone stays with what was
earned, out of 0 points, until a regrade sets it to nothing. Nobody's score changes by a release alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbgrader
from nbformat import NotebookNode
from nbgrader.api import Comment, Grade, Gradebook, MissingEntry, Notebook
from nbgrader.converters import GenerateAssignment
from nbgrader.preprocessors import InstantiateTests, SaveCells
from tpc_courses.base.places import Places
from traitlets.config import Config

from tpc_grader.grades.scores import Score, cell_scores
from tpc_grader.results.results import Graded
from tpc_grader.versions.autotests import keep_tests, uses_autotest

# What AUTOTEST lines become where an exercise brings no templates: nbgrader's guide gives these to copy.
TEMPLATES = "autotests.yml"
DEFAULT_TEMPLATES = Path(nbgrader.__file__).parent / "docs" / "source" / "user_guide" / TEMPLATES
_IDENTITY = ("id", "name", "notebook", "assignment")


class KeepGrades(SaveCells):
    """Saves the cells of a new version beside the grades of earlier ones."""

    def _create_notebook(self, nb: NotebookNode) -> None:
        try:
            notebook = self.gradebook.find_notebook(self.notebook_id, self.assignment_id)
        except MissingEntry:
            notebook = None
        if notebook is not None and notebook.submissions:
            self._keep_old(notebook)
            self._add_new(notebook)
            # Their rows are of before the change; what follows reads them again.
            self.gradebook.db.expire_all()
        super()._create_notebook(nb)

    def _keep_old(self, notebook: Notebook) -> None:
        """Count what is gone among the new cells, so that nbgrader finds nothing missing."""
        kinds: tuple[tuple[Any, dict[str, Any]], ...] = (
            (notebook.grade_cells, self.new_grade_cells),
            (notebook.task_cells, self.new_task_cells),
            (notebook.solution_cells, self.new_solution_cells),
            (notebook.source_cells, self.new_source_cells),
        )
        for cells, new in kinds:
            for cell in cells:
                if cell.name not in new:
                    facts = cell.to_dict()
                    kept = {name: facts[name] for name in facts if name not in _IDENTITY}
                    new[cell.name] = kept | ({"max_score": 0.0} if "max_score" in kept else {})

    def _add_new(self, notebook: Notebook) -> None:
        """Make the rows of new cells, and join them to every submission."""
        book, where = self.gradebook, (self.notebook_id, self.assignment_id)
        for name in set(self.new_source_cells) - {cell.name for cell in notebook.source_cells}:
            book.add_source_cell(name, *where, **self.new_source_cells[name])
        # Nobody can read an answer to what was not asked: it waits for the regrade, not for a person.
        unscored = {"needs_manual_grade": False}
        for add, new, old, row, facts in (
            (book.add_grade_cell, self.new_grade_cells, notebook.grade_cells, Grade, unscored),
            (book.add_task_cell, self.new_task_cells, notebook.task_cells, Grade, unscored),
            (book.add_solution_cell, self.new_solution_cells, notebook.solution_cells, Comment, {}),
        ):
            for name in set(new) - {cell.name for cell in old}:
                cell = add(name, *where, **new[name])
                book.db.add_all(
                    row(cell=cell, notebook=submitted, **facts) for submitted in notebook.submissions
                )
        book.db.commit()


class KeepTests(InstantiateTests):
    """Makes the tests that AUTOTEST lines ask for as nbgrader does, and keeps them for grading."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Return the notebook with its tests."""
        wanted = uses_autotest(nb)
        nb, resources = super().preprocess(nb, resources)
        if wanted:
            name = f"{resources['nbgrader']['notebook']}.ipynb"
            keep_tests(Path(resources["metadata"]["path"], name), nb)
        return nb, resources

    def _load_test_template_file(self, resources: Any) -> None:
        """Read the templates of the tests: the exercise's own, the course's, else those of nbgrader's guide."""
        folders = (Path(resources["metadata"]["path"]), Path())
        brought = any((folder / TEMPLATES).exists() for folder in folders)
        self.autotest_filename = TEMPLATES if brought else str(DEFAULT_TEMPLATES)
        super()._load_test_template_file(resources)


_OURS = {
    SaveCells: (f"{__name__}.KeepGrades",),
    InstantiateTests: (f"{__name__}.KeepTests", "tpc_grader.coursework.tried_solution.TrySolution"),
}


def set_save_cells(config: Config) -> None:
    """Let `nbgrader generate_assignment` keep grades and the tests it makes, and try them, whoever calls it."""
    config.GenerateAssignment.preprocessors = [
        name
        for each in GenerateAssignment.preprocessors.default_args[0]
        for name in _OURS.get(each, (f"{each.__module__}.{each.__name__}",))
    ]


def drop_retired(places: Places, course: str, exercise: str, student: str, graded: Graded) -> None:
    """Set what the version of a result has no more to nothing, points of a person too: there is no such part."""
    current = {cell.name for cell in graded.cells}
    scores = cell_scores(places, course, exercise, student).items()
    if not any(name not in current and not score.max_score and _is_left(score) for name, score in scores):
        return
    with Gradebook(places.gradebook_url(course), course) as book:
        for notebook in book.find_submission(exercise, student).notebooks:
            for grade in notebook.grades:
                if grade.name not in current and not grade.max_score:
                    grade.auto_score, grade.manual_score, grade.extra_credit = 0.0, None, None
                    grade.needs_manual_grade = False
        book.db.commit()


def _is_left(score: Score) -> bool:
    return bool(score.points) or score.manual is not None or score.needs_person
