"""Honest work in odd shapes gets the points it deserves, at both levels, as `campus grade` gives them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from honest_cases import CLIENTS, EDITS, ROWS, STEPS, Row, exercise
from nbgrader.preprocessors import ClearHiddenTests, ClearSolutions
from tpc_grader.grading import grade_files
from tpc_grader.limits import Limits
from tpc_grader.skeleton import code_cells, read_skeleton, rebuild
from tpc_grader.sources import Source

MARKS = ("### BEGIN SOLUTION", "### END SOLUTION")
LIMITS = Limits(cell_seconds=30, total_seconds=90)


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
    notebook, full = (
        json.loads(json.dumps(nbformat.read(each, 4))) for each in (source.release, source.source)
    )
    solutions = {cell["id"]: cell for cell in full["cells"]}
    for cell in notebook["cells"]:
        facts = cell["metadata"].get("nbgrader", {})
        if facts.get("solution"):
            name = facts["grade_id"]
            solution = "\n".join(
                line for line in solutions[cell["id"]]["source"].splitlines() if line not in MARKS
            )
            cell["source"] = row.answers.get(name, solution)
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
    assert not (row.all_run and graded.detail), graded.detail


@pytest.fixture(scope="module")
def steps(tmp_path_factory) -> Source:
    return source_of(Row("steps", STEPS), "oracle", tmp_path_factory.mktemp("steps"))


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("edit", EDITS)
def test_a_client_changes_nothing_of_what_is_run(steps, edit, client):
    notebook = json.loads(handed_in(Row("edited", STEPS, change=EDITS[edit]), steps))
    expected = run_of(steps, notebook)
    changed = CLIENTS[client](notebook)
    assert run_of(steps, notebook if changed is None else changed) == expected


def run_of(source: Source, notebook: dict[str, Any]) -> list[str]:
    """Return what is run of a notebook, without what editors change."""
    rebuilt = rebuild(read_skeleton(source.source, source.release), json.dumps(notebook).encode())
    lines = (cell.public.splitlines() for _, cell in code_cells(rebuilt))
    return ["\n".join(line.rstrip() for line in part if line.strip()) for part in lines]
