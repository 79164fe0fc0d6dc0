"""The cells in a file that was handed in: read as plain JSON, never trusted to be a notebook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from tpc_grader.values.bounded_json import TooMuch, in_utf8, read_json


class Unusable(ValueError):
    """A submission that is no notebook of the exercise; the message is for the student."""


@dataclass(frozen=True)
class Submitted:
    """One cell as it came in; `name` is what it calls itself among the graded ones."""

    name: str
    id: str
    kind: Literal["code", "markdown", "raw"]
    source: str
    attachments: Any


def submitted_cells(data: bytes) -> list[Submitted]:
    """Return the cells in the bytes of a notebook; raises Unusable."""
    try:
        notebook = read_json(in_utf8(data), nan=True)
    except TooMuch as e:
        raise Unusable(f"The notebook is too large to be read: {e}. Clear its outputs.") from e
    except (ValueError, MemoryError) as e:
        raise Unusable(
            "The notebook is not valid JSON: it cannot be opened. Fetch the exercise again."
        ) from e
    if not isinstance(notebook, dict):
        raise Unusable("The file is not a notebook.")
    if "worksheets" in notebook:
        notebook = _only_sheet(notebook)
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        raise Unusable("The file is not a notebook: it has no list of cells.")
    return [_submitted(cell) for cell in cells if isinstance(cell, dict)]


def _only_sheet(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return where the cells of format 3 are; raises Unusable where JupyterLab would show others, or none."""
    sheets = notebook["worksheets"]
    single = isinstance(sheets, list) and len(sheets) == 1 and isinstance(sheets[0], dict)
    if not single or "cells" in notebook or notebook.get("nbformat") != 3:
        raise Unusable(
            "The notebook has a second list of cells (worksheets), which JupyterLab does not show. "
            "Open it in JupyterLab, save it, then submit again."
        )
    return dict(sheets[0])


def _submitted(cell: dict[str, Any]) -> Submitted:
    metadata = cell.get("metadata")
    facts = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = facts.get("grade_id") if isinstance(facts, dict) else None
    source = cell.get("source") or cell.get("input")  # as format 3 calls it
    lines = source if isinstance(source, list) else [source]
    text = "".join(line for line in lines if isinstance(line, str))
    kind = cell.get("cell_type")
    return Submitted(
        name=name if isinstance(name, str) else "",
        id=str(cell.get("id") or "")[:64],
        kind="code" if kind == "code" else "markdown" if kind == "markdown" else "raw",
        # Half a surrogate pair is no text: no file could hold it. Lines end as they do in a release.
        source=text.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n"),
        attachments=cell.get("attachments"),
    )
