"""One live figure of each course, for the home page: the first that its lessons put out when they last ran."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import nbformat
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import Course

from tpc_book.lessons.execution import executed
from tpc_book.render.widgets import STATE, static_html, visible_state

VIEW = "application/vnd.jupyter.widget-view+json"


@dataclass(frozen=True)
class Showcase:
    """A figure of a course: its module, the state in which the lesson left it, and that lesson."""

    course: str
    lesson: str
    module: str
    state: dict[str, Any]

    @property
    def file(self) -> str:
        """Return the name of the module's file in the folder that the engine reads."""
        return f"parts/figure-{self.course}.mjs"

    @property
    def directive(self) -> str:
        """Return the figure as MyST."""
        state = json.dumps(self.state, ensure_ascii=False, sort_keys=True)
        return f"```{{anywidget}} {self.file}\n{state}\n```"


def showcases(places: Places, courses: Sequence[Course]) -> dict[str, Showcase]:
    """Return course id -> figure; a course whose lessons have not run, or draw nothing, has none."""
    found = {course.id: next(_figures(places, course), None) for course in courses}
    return {key: figure for key, figure in found.items() if figure}


def _figures(places: Places, course: Course) -> Iterator[Showcase]:
    """Yield the drawn figures of a course in the order of its lessons; questions and the like draw nothing."""
    for slug in course.lessons:
        path = executed(places, slug)
        notebook = nbformat.read(path, as_version=4) if path.exists() else nbformat.v4.new_notebook()
        models = notebook.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
        for name in _shown(notebook):
            model = models.get(name) or {}
            module = model.get("state", {}).get("_esm")
            if not module or model.get("buffers"):
                continue
            state = visible_state(model["state"])
            if "<svg" in static_html(module, json.dumps(state, sort_keys=True)):
                yield Showcase(course.id, slug, module, state)


def _shown(notebook: nbformat.NotebookNode) -> Iterator[str]:
    """Yield the models that a notebook shows, in order."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            view = output.get("data", {}).get(VIEW)
            if view:
                yield view["model_id"]
