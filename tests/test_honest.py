"""Honest work in odd shapes gets the points it deserves, at both levels, as `campus grade` gives them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from honest_cases import ROWS, Row, exercise
from nbgrader.preprocessors import ClearHiddenTests, ClearSolutions
from tpc_grader.grading import grade_files
from tpc_grader.limits import Limits
from tpc_grader.sources import Source

LIMITS = Limits(cell_seconds=10, total_seconds=30)


def source_of(row: Row, level: str, folder: Path) -> Source:
    """Return a row's exercise as a version that was released, by nbgrader's own steps."""
    source = Source("steps", "v1", folder)
    full = exercise(row, level)
    public = nbformat.from_dict(json.loads(json.dumps(full)))
    for step in (ClearSolutions(), ClearHiddenTests()):
        public, _ = step.preprocess(public, {})
    for path, notebook in ((source.source, full), (source.release, public)):
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
        for name, text in row.own.items():
            (path.parent / name).parent.mkdir(parents=True, exist_ok=True)
            (path.parent / name).write_text(text)
    return source


def handed_in(row: Row, source: Source) -> bytes:
    """Return the file that a row's student handed in."""
    notebook: dict[str, Any] = json.loads(source.release.read_text("utf-8"))
    solutions = {cell["id"]: cell for cell in json.loads(source.source.read_text("utf-8"))["cells"]}
    for cell in notebook["cells"]:
        facts = cell["metadata"].get("nbgrader", {})
        if facts.get("solution"):
            name = facts["grade_id"]
            cell["source"] = row.answers.get(name, solutions[cell["id"]]["source"])
    changed = row.change(notebook)
    changed = notebook if changed is None else changed
    return changed if isinstance(changed, bytes) else json.dumps(changed).encode()


@pytest.mark.parametrize(
    ("row", "level"),
    [pytest.param(row, level, id=f"{row.name}-{level}") for row in ROWS for level in row.levels],
)
def test_honest_work_gets_its_points(row: Row, level: str, tmp_path):
    source = source_of(row, level, tmp_path)
    files = {name: text.encode() for name, text in row.files.items()}
    graded = grade_files(source, handed_in(row, source), files, limits=LIMITS, backend="box")
    expected = {cell.name: row.points.get(cell.name, cell.max_points) for cell in graded.cells}
    found = {cell.name: cell.points for cell in graded.cells}
    messages = {cell.name: cell.message for cell in graded.cells if cell.message}
    assert (graded.outcome, found) == (row.outcome, expected), f"{graded.detail}\n{messages}"
    assert set(row.points) <= set(found)
    assert row.says in "\n".join([graded.reason, *messages.values()])
    assert row.told in graded.detail
