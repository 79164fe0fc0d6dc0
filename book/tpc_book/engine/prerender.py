"""Draws the figures of lessons while the engine reads all pages, which it does on one processor."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tpc_book.lessons.showcase import VIEW
from tpc_book.render.widgets import STATE, static_html, visible_state


@contextlib.contextmanager
def drawing(lessons: Path) -> Iterator[None]:
    """Draw the figures of the notebooks in a folder meanwhile; pages draw those that are not ready themselves."""
    pool = ThreadPoolExecutor(max(1, len(os.sched_getaffinity(0)) - 1))
    for module, state in dict.fromkeys(_figures(lessons)):
        pool.submit(static_html, module, state)
    try:
        yield
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _figures(lessons: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(lessons.rglob("*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"), parse_float=_as_the_engine_writes)
        models = notebook["metadata"].get("widgets", {}).get(STATE, {}).get("state", {})
        for cell in notebook["cells"]:
            for output in cell.get("outputs", []):
                state = models.get(output.get("data", {}).get(VIEW, {}).get("model_id"), {}).get("state", {})
                if state.get("_esm"):
                    yield state["_esm"], json.dumps(visible_state(state), sort_keys=True)


def _as_the_engine_writes(number: str) -> float:
    """Return a number as it is after JavaScript wrote it: 1.0 has become 1."""
    value = float(number)
    return int(value) if value.is_integer() else value
