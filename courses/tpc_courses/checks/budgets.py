"""What a lesson may ask of a reader: short cells, more prose than code, figures, checkpoints and references.

A lesson of 15 minutes or more has at least one figure, one of them interactive, and one checkpoint for each 15 minutes.
A checkpoint is a question that the reader answers, with its answer out of sight: `ask`, in a folded cell. One that
works out its own answer is always right, and tells nobody whether to move on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from nbformat import NotebookNode

from tpc_courses.base.problems import Problem
from tpc_courses.sources.lesson import FOLDING, written

MAXIMUM_CELL_LINES = 15
MAXIMUM_SETUP_LINES = 8
MINIMUM_PROSE_SHARE = 0.5
MINUTES_PER_ITEM = 15

_FIGURE = re.compile(r"\b(?:subplots|figure)\(|\bimshow\(")
_INTERACTIVE = re.compile(r"\b\w*Figure(?:\.\w+)?\(|\b(?:interact|interactive|Slider)\(")
_PICTURE = re.compile(r"!\[|^```\{figure\}", re.MULTILINE)
_CHECKPOINT = re.compile(r"^(?:\*\*|#+ )Checkpoint\b", re.MULTILINE)
_QUESTION = re.compile(r"^[^#\n]*\bask\(", re.MULTILINE)
_WORD = re.compile(r"[A-Za-z]{2,}")


def budget_problems(name: str, notebook: NotebookNode, minutes: int) -> Iterator[Problem]:
    """Yield each budget that the lesson `name` exceeds or leaves unmet."""
    yield from _cell_problems(name, notebook)
    yield from _checkpoint_problems(name, notebook)
    if minutes < MINUTES_PER_ITEM:
        return
    yield from _setup_problems(name, notebook)
    yield from _share_problems(name, notebook)
    yield from _item_problems(name, notebook, minutes)


def sources(notebook: NotebookNode, kind: str) -> list[str]:
    """Return the sources of all cells of a kind, "code" or "markdown"."""
    return [written(cell) for cell in notebook.cells if cell.cell_type == kind]


def _cell_problems(name: str, notebook: NotebookNode) -> Iterator[Problem]:
    for index, cell in enumerate(notebook.cells):
        lines = written(cell).count("\n") + 1
        if cell.cell_type == "code" and lines > MAXIMUM_CELL_LINES:
            found = f"{lines} lines, more than {MAXIMUM_CELL_LINES}"
            remedy = "Split it, or move the code to tpc_lab with a test"
            yield Problem(name, f"cell {index + 1}", found, remedy)


def _checkpoint_problems(name: str, notebook: NotebookNode) -> Iterator[Problem]:
    """Yield each checkpoint whose next code asks nothing, and each question with its answer in sight."""
    announced = 0
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type != "code":
            announced = number if _CHECKPOINT.search(cell.source) else announced
            continue
        asks = bool(_QUESTION.search(cell.source))
        if announced and not asks:
            yield _unasked(name, announced)
        if asks and FOLDING not in cell.metadata.get("tags", []):
            found = "a question whose code, with the answer, is in sight"
            yield Problem(name, f"cell {number}", found, f"Begin the cell with `:tags: [{FOLDING}]`")
        announced = 0
    if announced:
        yield _unasked(name, announced)


def _unasked(name: str, number: int) -> Problem:
    found = "a checkpoint that does not ask the reader: the next code must call `ask` of tpc_lab.checkpoint"
    remedy = "Ask for a number there, with the usual mistakes in `wrong`, or do not call it a checkpoint"
    return Problem(name, f"cell {number}", found, remedy)


def _setup_problems(name: str, notebook: NotebookNode) -> Iterator[Problem]:
    for index, cell in enumerate(notebook.cells):
        imports = (
            re.findall(r"^(?:import|from) ", cell.source, re.MULTILINE) if cell.cell_type == "code" else []
        )
        if len(imports) > MAXIMUM_SETUP_LINES:
            found = f"{len(imports)} imports, more than {MAXIMUM_SETUP_LINES}"
            yield Problem(
                name, f"cell {index + 1}", found, "Import where it is first used, or let tpc_lab do more"
            )


def _share_problems(name: str, notebook: NotebookNode) -> Iterator[Problem]:
    prose, code = (
        sum(len(_WORD.findall(s)) for s in sources(notebook, kind)) for kind in ("markdown", "code")
    )
    share = prose / max(prose + code, 1)
    if share < MINIMUM_PROSE_SHARE:
        found = f"{share:.0%} of its words are prose, fewer than {MINIMUM_PROSE_SHARE:.0%}"
        yield Problem(name, "prose", found, "Say before a cell what it asks and after it what it shows")


def _item_problems(name: str, notebook: NotebookNode, minutes: int) -> Iterator[Problem]:
    code, wanted = sources(notebook, "code"), minutes // MINUTES_PER_ITEM
    interactive = sum(bool(_INTERACTIVE.search(source)) for source in code)
    figures = sum(bool(_FIGURE.search(s) or _INTERACTIVE.search(s)) for s in code)
    figures += sum(bool(_PICTURE.search(source)) for source in sources(notebook, "markdown"))
    questions = sum(bool(_QUESTION.search(source)) for source in code)
    if figures < wanted:
        found = f"{figures} in {minutes} minutes, fewer than one for each {MINUTES_PER_ITEM}"
        yield Problem(name, "figures", found, "Draw what a reader is to see, or correct minutes")
    if not interactive:
        remedy = "Add one from tpc_lab.figures, or ipywidgets where the kernel must compute"
        yield Problem(name, "figures", "none is interactive", remedy)
    if questions < wanted:
        found = f"{questions} questions in {minutes} minutes, fewer than one for each {MINUTES_PER_ITEM}"
        yield Problem(name, "checkpoints", found, "Add `ask` of tpc_lab.checkpoint, or correct minutes")
