"""Tries the author's own solution before a release: what it does not pass, nobody would.

It is graded as a submission would be. A test that names no level, and that the solution passes beside the code only
(one that hands a function to it, looks for a change of its argument, or compares an object of a class of its own),
is told apart: its author decides, another test, or level `kernel` with its risk. Written parts are not tried.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from tpc_courses.sources.exercise import OURS
from tpc_courses.sources.levels import KERNEL_RISK
from traitlets import Unicode

from tpc_grader.coursework.tried_notes import noted
from tpc_grader.results.points import shown
from tpc_grader.results.results import InfrastructureFault
from tpc_grader.sandbox import run as sandbox
from tpc_grader.sandbox.bundle import Result, StepResult
from tpc_grader.sandbox.limits import Limits
from tpc_grader.scoring.scoring import scored_bundle, shown_points
from tpc_grader.versions.autotests import with_tests
from tpc_grader.versions.cells import Cell, Rebuilt
from tpc_grader.versions.releases import digest_of
from tpc_grader.versions.skeleton import skeleton_cells
from tpc_grader.versions.sources import seed_of_draws

# An author waits so long for a release; what takes longer is released, and said to be not tried.
LIMITS = Limits(cell_seconds=30, total_seconds=30)
# What a log says before it names why a solution was not tried.
NOT_TRIED = "The author's solution was not tried"


class Unsolved(ValueError):
    """Tests that the author's own solution does not pass; the message names each part and why."""


@dataclass(frozen=True)
class Trial:
    """What became of a solution: why each failed part failed, which work beside the code only, what was not tried."""

    failed: dict[str, str]
    beside_only: tuple[str, ...] = ()
    not_tried: str = ""

    def check(self) -> None:
        """Raise Unsolved with every part that failed."""
        lines = [
            f"{name}: the author's own solution does not pass: {reason}. Correct the solution or the test."
            for name, reason in self.failed.items()
            if name not in self.beside_only
        ]
        if self.beside_only:
            lines.append(
                f"{', '.join(self.beside_only)}: the author's own solution passes beside the code only, and a test "
                "without a level is graded away from it. Write the test otherwise, or put "
                f'"{OURS}": {{"level": "kernel"}} into the cell\'s metadata (`:level: kernel` in Markdown): '
                f"{KERNEL_RISK}."
            )
        if lines:
            raise Unsolved("\n".join(lines))


class TrySolution(NbGraderPreprocessor):
    """Stands in `nbgrader generate_assignment` where solutions and tests are complete."""

    notes = Unicode("", config=True, help="Where it is noted which exercises were tried as they are.")

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Return the notebook as it is; raises Unsolved."""
        folder, name = Path(resources["metadata"]["path"]), resources["nbgrader"]["notebook"]
        path, files = folder / f"{name}.ipynb", _files(folder)
        if noted(Path(self.notes)).get(name) == digest_of(files | {path.name: path.read_bytes()}):
            return nb, resources
        try:
            trial = try_solution(nb, files, seed_of_draws(with_tests(path)))
        except InfrastructureFault as e:
            self.log.warning("%s: %s", NOT_TRIED, e)
            return nb, resources
        trial.check()
        if trial.not_tried:
            self.log.warning("%s: %s", NOT_TRIED, trial.not_tried)
        return nb, resources


def try_solution(source: NotebookNode, files: dict[str, bytes], seed: str) -> Trial:
    """Return how the solution in a source does at its own tests; draws without a seed follow from `seed`.

    Raises InfrastructureFault when nothing can be run here.
    """
    cells = skeleton_cells(source, source)
    if not any(cell.role == "test" and cell.points for cell in cells):
        return Trial({})
    result = _run(cells, files, seed)
    failed = _failed(cells, result)
    if result.ended == "timeout" and failed:
        reached = [name for name, reason in failed.items() if not reason.startswith(_NOT_REACHED)]
        rest = ", ".join(name for name in failed if name not in reached)
        slow = f"it took more than {LIMITS.total_seconds:g} s, before {rest}" if rest else ""
        return Trial({name: failed[name] for name in reached}, not_tried=slow)
    unnamed = {name for name in failed if name in _without_level(source)}
    return Trial(failed, tuple(sorted(unnamed - _failed_beside(cells, unnamed, files, seed))))


_NOT_REACHED = "not reached"


def _run(cells: tuple[Cell, ...], files: dict[str, bytes], seed: str) -> Result:
    return sandbox.run(scored_bundle(Rebuilt(cells, {}), files, files, LIMITS, seed))


def _failed(cells: tuple[Cell, ...], result: Result) -> dict[str, str]:
    """Return why each test fails that does not give all its points, in the order of the notebook."""
    found = {each.step.cell: each for each in result.steps if each.step.kind != "canary"}
    tests = [(index, cell) for index, cell in enumerate(cells) if cell.role == "test" and cell.points]
    reasons = [(cell.name, _reason(cell, found[index], result)) for index, cell in tests]
    return {name: reason for name, reason in reasons if reason}


def _reason(cell: Cell, found: StepResult, result: Result) -> str:
    """Return why a test does not give all its points, for its author; empty when it does."""
    if found.state in ("ended", "skipped"):
        at = next(each.step for each in result.steps if each.state == "ended")
        place = at.name or (f"cell {at.cell + 1}" if at.cell >= 0 else "a check")
        return f"{_NOT_REACHED}, {result.ended} at {place} ({result.detail})"
    if found.state == "timeout":
        return f"it takes more than {LIMITS.cell_seconds:g} s"
    if found.state == "failed":
        line = f" (line {found.line})" if found.line else ""
        return f"{_about(found)}{line}{_before(found, result)}"
    points = shown_points(cell, found)
    if points == cell.points:
        return ""
    told = "no valid score" if points is None else f"{shown(points)} of {shown(cell.points)} points"
    return f"{told}, its last line gives {found.value}"


def _about(found: StepResult) -> str:
    shown = [each for each in found.outputs if each.get("output_type") == "error"]
    told = [f"{each.get('ename')}: {each.get('evalue')}" for each in shown]
    return (found.detail.strip().splitlines() or told or [found.error])[-1].rstrip(".")


def _before(found: StepResult, result: Result) -> str:
    """Return the first cell that failed before a test, which may be why the test does."""
    code = [each for each in result.steps if each.step.kind == "code" and each.step.cell < found.step.cell]
    for each in code:
        if each.state in ("failed", "timeout"):
            return (
                f"; before it, {each.step.name or f'cell {each.step.cell + 1}'}: {_about(each) or each.state}"
            )
    return ""


def _failed_beside(cells: tuple[Cell, ...], names: set[str], files: dict[str, bytes], seed: str) -> set[str]:
    """Return those of some tests that fail beside the code too."""
    if not names:
        return set()
    beside = tuple(
        replace(cell, level="kernel") if cell.name in names and cell.role == "test" else cell
        for cell in cells
    )
    return names & _failed(beside, _run(beside, files, seed)).keys()


def _without_level(source: NotebookNode) -> set[str]:
    return {
        str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
        for cell in source.cells
        if "level" not in cell.metadata.get(OURS, {})
    }


def _files(folder: Path) -> dict[str, bytes]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".ipynb")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
