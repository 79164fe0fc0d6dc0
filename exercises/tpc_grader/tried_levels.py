"""Tries the author's own solution before a release, where a test names no level and so is graded at `oracle`.

A source that comes from elsewhere may hold a test that works beside the code only: one that hands a function to
it, looks for a change of its argument, or compares an object of a class of its own. Such a test would fail everybody.
It is refused, and its author decides: another test, or level `kernel` with its risk.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade
from tpc_courses.exercise import OURS
from tpc_courses.levels import KERNEL_RISK

from tpc_grader import sandbox
from tpc_grader.limits import Limits
from tpc_grader.results import InfrastructureFault
from tpc_grader.scoring import scored_bundle, shown_points
from tpc_grader.skeleton import Cell, Level, Rebuilt, skeleton_cells


class NeedsKernel(ValueError):
    """Tests that name no level and work beside the student's code only."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(
            f"{', '.join(names)}: the author's own solution passes beside the code only, and a test without a level "
            f'is graded away from it. Write the test otherwise, or put "{OURS}": {{"level": "kernel"}} into the '
            f"cell's metadata (`:level: kernel` in Markdown): {KERNEL_RISK}."
        )


class TryLevels(NbGraderPreprocessor):
    """Stands in `nbgrader generate_assignment` where solutions and tests are complete."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Return the notebook as it is; raises NeedsKernel."""
        unnamed = {
            str(cell.metadata.nbgrader.get("grade_id", ""))
            for cell in nb.cells
            if cell.cell_type == "code" and is_grade(cell) and "level" not in cell.metadata.get(OURS, {})
        }
        if unnamed:
            try:
                names = beside_only(nb, unnamed, _files(Path(resources["metadata"]["path"])))
            except InfrastructureFault as e:
                self.log.warning("The author's solution was not tried: %s", e)
            else:
                if names:
                    raise NeedsKernel(names)
        return nb, resources


def beside_only(source: NotebookNode, names: set[str], files: dict[str, bytes]) -> list[str]:
    """Return those of some tests that the source itself passes at level `kernel`, and at `oracle` does not.

    Raises InfrastructureFault when nothing can be run here.
    """
    cells = skeleton_cells(source, source)
    failed = names - _passed(cells, "oracle", names, files)
    if not failed:
        return []
    return sorted(failed & _passed(cells, "kernel", failed, files))


def _passed(cells: tuple[Cell, ...], level: Level, names: set[str], files: dict[str, bytes]) -> set[str]:
    """Return those of some tests that get all their points at a level, with what the cells hold as answers."""
    cells = tuple(
        replace(cell, level=level) if cell.name in names and cell.role == "test" else cell for cell in cells
    )
    result = sandbox.run(scored_bundle(Rebuilt(cells, {}), files, files, Limits(), seed="trial"))
    found = [(cells[each.step.cell], each) for each in result.steps if each.step.kind == level]
    return {
        cell.name
        for cell, each in found
        if each.state == "passed" and shown_points(cell, each) == cell.points
    }


def _files(folder: Path) -> dict[str, bytes]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".ipynb")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
