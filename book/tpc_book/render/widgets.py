"""Figures of lessons that live in the page: the module and the state that a notebook saved, without a kernel.

Each is also drawn once at build time, so that it shows without a script, with its numbers in a table.
"""

from __future__ import annotations

import functools
import hashlib
import json
import subprocess
from html import escape
from pathlib import Path
from typing import Any

from tpc_book.render.render import Node, Renderer
from tpc_book.render.sanitise import clean

STATE = "application/vnd.jupyter.widget-state+json"
# What the widget protocol keeps in the state for itself.
INTERNAL = {"_esm", "_css", "_anywidget_id", "_dom_classes", "layout", "tabbable", "tooltip"}
# Takes a tenth of a second; a page without its drawing would be kept, so a busy machine gets time.
DRAW_SECONDS = 60
DRAWER = Path(__file__).parent / "draw_figure.mjs"


def models_of(saved: dict[str, Any]) -> dict[str, Any]:
    """Return the models of the widgets' state that a notebook saved, by id."""
    return dict((saved.get(STATE, saved) or {}).get("state") or {})


def live_of(page: Renderer, saved: dict[str, Any], model_id: str) -> str:
    """Return a live figure; empty for a widget that brings no module of its own."""
    model: dict[str, Any] = models_of(saved).get(model_id) or {}
    module = (model.get("state") or {}).get("_esm")
    if not module:
        return ""
    state = visible_state(model["state"])
    return place(page, model_id, module, state, model.get("buffers") or [], model["state"].get("_css") or "")


def visible_state(state: dict[str, Any]) -> dict[str, Any]:
    """Return what a figure's module reads of a saved state."""
    return {key: value for key, value in state.items() if key not in INTERNAL and not key.startswith("_")}


def place(
    page: Renderer, name: str, module: str, state: dict[str, Any], buffers: list[Any], css: str = ""
) -> str:
    """Return the place of a live figure in the page, and keep its module and state for the foot."""
    key = hashlib.sha1(module.encode()).hexdigest()[:10]
    page.modules[key] = module
    page.models[name] = {"module": key, "state": state, "buffers": buffers, "css": css}
    drawn = static_html(module, json.dumps(state, sort_keys=True))
    said = "figure_asks" if 'class="asked"' in drawn else "figure_static" if drawn else "figure_script"
    note = f'<p class="quiet">{escape(page.words[said])}</p>'
    return f'<div class="figure-live" data-model="{escape(name)}">{drawn}{note}</div>'


def foot(page: Renderer) -> str:
    """Return modules and states as data for the script; empty on a page without figures."""
    if not page.models:
        return ""
    data = script_json({"modules": page.modules, "models": page.models})
    return f'<script type="application/json" id="models">{data}</script>'


def script_json(value: Any) -> str:
    """Return JSON that may stand inside a script element."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


@functools.lru_cache(maxsize=256)
def static_html(module: str, state: str) -> str:
    """Return the first drawing of a figure as cleaned HTML; empty when it needs a real browser.

    The module runs in Node with a small document. It comes from a lesson, which ran on this machine already.
    """
    order = json.dumps({"module": module, "state": json.loads(state)})
    try:
        done = subprocess.run(
            ["node", str(DRAWER)], input=order, capture_output=True, text=True, timeout=DRAW_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return clean(done.stdout) if done.returncode == 0 else ""


def directive(page: Renderer, node: Node, module: str) -> str:
    """Return the figure of an `{anywidget}` directive, whose module is a file beside the page."""
    return place(page, str(node.get("id") or "figure"), module, dict(node.get("model") or {}), [])
