"""What a lesson may ask of a reader: short cells, more prose than code, figures, checkpoints and references.

A lesson of 15 minutes or more has at least one figure, one of them interactive, and one checkpoint for each 15 minutes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from nbformat import NotebookNode

from tpc_courses.problems import Problem

MAXIMUM_CELL_LINES = 15
MAXIMUM_SETUP_LINES = 8
MINIMUM_PROSE_SHARE = 0.5
MINUTES_PER_ITEM = 15

_FIGURE = re.compile(r"\b(?:subplots|figure)\(|\bimshow\(")
_INTERACTIVE = re.compile(r"\b\w*Figure(?:\.\w+)?\(|\b(?:interact|interactive|Slider)\(")
_PICTURE = re.compile(r"!\[|^```\{figure\}", re.MULTILINE)
_CHECKPOINT = re.compile(r"^(?:ask|check)\(|^assert ", re.MULTILINE)
_WORD = re.compile(r"[A-Za-z]{2,}")


def budget_problems(name: str, notebook: NotebookNode, minutes: int) -> Iterator[Problem]:
    """Yield each budget that the lesson `name` exceeds or leaves unmet."""
    yield from _cell_problems(name, notebook)
    if minutes < MINUTES_PER_ITEM:
        return
    yield from _setup_problems(name, notebook)
    yield from _share_problems(name, notebook)
    yield from _item_problems(name, notebook, minutes)


def sources(notebook: NotebookNode, kind: str) -> list[str]:
    """Return the sources of all cells of a kind, "code" or "markdown"."""
    return [cell.source for cell in notebook.cells if cell.cell_type == kind]


def _cell_problems(name: str, notebook: NotebookNode) -> Iterator[Problem]:
    for index, cell in enumerate(notebook.cells):
        lines = cell.source.count("\n") + 1
        if cell.cell_type == "code" and lines > MAXIMUM_CELL_LINES:
            found = f"{lines} lines, more than {MAXIMUM_CELL_LINES}"
            remedy = "Split it, or move the code to tpc_lab with a test"
            yield Problem(name, f"cell {index + 1}", found, remedy)


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
    checkpoints = sum(bool(_CHECKPOINT.search(source)) for source in code)
    if figures < wanted:
        found = f"{figures} in {minutes} minutes, fewer than one for each {MINUTES_PER_ITEM}"
        yield Problem(name, "figures", found, "Draw what a reader is to see, or correct minutes")
    if not interactive:
        remedy = "Add one from tpc_lab.figures, or ipywidgets where the kernel must compute"
        yield Problem(name, "figures", "none is interactive", remedy)
    if checkpoints < wanted:
        found = f"{checkpoints} in {minutes} minutes, fewer than one for each {MINUTES_PER_ITEM}"
        yield Problem(
            name, "checkpoints", found, "Add `ask` or `check` of tpc_lab.checkpoint, or correct minutes"
        )
