"""The notebook that nbgrader keeps of graded work: made where a submission was rebuilt, as plain JSON.

It travels with the result, so that whoever writes results down never opens what a student handed in.
"""

from __future__ import annotations

import json
from typing import Any

import nbformat
from nbformat import NotebookNode

from tpc_grader.feedback.page import VERDICT
from tpc_grader.feedback.prose import pictures
from tpc_grader.results.points import shown
from tpc_grader.results.results import CellScore, Graded
from tpc_grader.versions.cells import Cell, Rebuilt

# Whether a student wrote a cell, or the exercise.
WRITTEN = "tpc_written"


class NoNotebook(ValueError):
    """A result without the notebook that it is of."""


def kept_notebook(rebuilt: Rebuilt) -> dict[str, Any]:
    """Return a rebuilt submission as a notebook without outputs: all that is kept of what a student typed."""
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": _plain(rebuilt.metadata),
        "cells": [_kept_cell(index, cell) for index, cell in enumerate(rebuilt.cells)],
    }


def graded_notebook(graded: Graded) -> NotebookNode:
    """Return the notebook of a result, with what the sandbox showed and each test's verdict; raises NoNotebook."""
    if graded.notebook is None:
        raise NoNotebook(
            "The result has no notebook: it is of an older version of the grader. Grade it again."
        )
    made: NotebookNode = nbformat.from_dict(graded.notebook)
    scores = {score.name: score for score in graded.cells}
    for index, cell in enumerate(made.cells):
        if cell.cell_type != "code":
            continue
        cell.outputs = [nbformat.from_dict(each) for each in graded.outputs.get(index, [])]
        facts = cell.metadata.get("nbgrader", {})
        score = scores.get(facts.get("grade_id", "")) if facts.get("grade") else None
        if score is not None and not score.manual:
            cell.outputs.append(_verdict(score))
    return made


def _kept_cell(index: int, cell: Cell) -> dict[str, Any]:
    made = {
        "cell_type": cell.kind,
        "id": f"c{index}-{cell.id}"[:64].replace("_", "-"),
        "metadata": _plain(cell.metadata) | {WRITTEN: cell.role in ("answer", "written", "added")},
        # The released text of tests: a graded notebook, and all that is made from it, holds no hidden test.
        "source": cell.public,
    }
    if cell.kind == "code":
        return made | {"execution_count": None, "outputs": []}
    pasted = pictures(cell.attachments) if cell.kind == "markdown" else {}
    return made | ({"attachments": pasted} if pasted else {})


def _plain(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of the instructor's metadata in plain types."""
    copied: dict[str, Any] = json.loads(json.dumps(metadata))
    return copied


def _verdict(score: CellScore) -> NotebookNode:
    verdict = {"passed": score.passed, "message": score.message}
    told = f"Passed. {score.message}".strip() if score.passed else score.message
    text = f"{told}\n{shown(score.points)} of {shown(score.max_points)}"
    data = {VERDICT: verdict, "text/plain": text}
    output: NotebookNode = nbformat.from_dict({"output_type": "display_data", "data": data, "metadata": {}})
    return output
