"""Honest work in odd shapes gets the points it deserves, at both levels, as `campus grade` gives them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from honest_cases import CLIENTS, EDITS, ROWS, STEPS, TYPES, Row, answer, checks, exercise, given
from nbgrader.preprocessors import ClearHiddenTests, ClearSolutions
from tpc_grader.grading.submission import grade_files
from tpc_grader.sandbox.limits import Limits
from tpc_grader.versions.skeleton import code_cells, read_skeleton, rebuild
from tpc_grader.versions.sources import Source

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


# One answer in each type that counts, and what the tests that students see and those that they do not see ask of it.
SEQUENCE = ("[1, 2]", "assert list(f()) == [1, 2]", "assert f() == (1, 2)")
NUMBER = ("0.5", "assert f() == 0.5", "assert abs(f() - 1 / 2) < 1e-9 and math.isclose(f(), 0.5)")
ALIKE = {
    "list": ("[1, 2]", SEQUENCE),
    "tuple": ("(1, 2)", SEQUENCE),
    "array": ("np.array([1, 2])", SEQUENCE),
    "generator": ("(n for n in (1, 2))", SEQUENCE),
    "Series": ("pd.Series([1, 2])", SEQUENCE),
    "JAX": ("jnp.array([1, 2])", SEQUENCE),
    "JAX with 64 bits": ("jax64([1.0, 2.0])", SEQUENCE),
    "numbers of NumPy in a list": ("[np.int8(1), np.float64(2)]", SEQUENCE),
    "Fraction": ("Fraction(1, 2)", NUMBER),
    "Decimal": ("Decimal('0.5')", NUMBER),
    "float64": ("np.float64(0.5)", NUMBER),
    "float32": ("np.float32(0.5)", NUMBER),
    "array of no dimension": ("np.array(0.5)", NUMBER),
    "number of JAX with 64 bits": ("jax64(0.5)", NUMBER),
}


def test_tests_that_are_seen_and_hidden_ones_take_the_same_types(tmp_path):
    cells, answers = [given(TYPES)], {}
    for i, (student, (author, seen, hidden)) in enumerate(ALIKE.values()):
        cells += [
            answer(f"write-{i}", f"def f{i}():\n    return {author}"),
            checks(f"seen-{i}", seen.replace("f()", f"f{i}()")),
            checks(f"hidden-{i}", "", hidden.replace("f()", f"f{i}()")),
        ]
        answers[f"write-{i}"] = f"def f{i}():\n    return {student}"
    row = Row("alike", tuple(cells), answers=answers)
    source = source_of(row, "oracle", tmp_path)
    for public in (True, False):
        graded = grade_files(source, handed_in(row, source), {}, public=public, limits=LIMITS, backend="box")
        passed = {
            cell.name: cell.passed for cell in graded.cells if cell.name.startswith("seen") or not public
        }
        assert passed == dict.fromkeys(passed, True), graded.detail
        assert len(passed) == len(ALIKE) * (1 if public else 2)


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
