"""A widget as it last looked, where that takes no Python: a picture, words, a bar, outputs, and boxes of these."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from typing import Any

from tpc_book.render.sanitise import PICTURE, clean
from tpc_book.render.widgets import models_of

# Boxes within boxes; a state that names itself would have no end.
DEEPEST = 12
Model = dict[str, Any]
ShowOutput = Callable[[dict[str, Any]], str]


def still_of(saved: Model, model_id: str, show: ShowOutput, depth: int = 0) -> str:
    """Return a widget of a saved state as HTML; empty when some part of it needs Python to make sense."""
    model: Model = models_of(saved).get(model_id) or {}
    state: Model = model.get("state") or {}
    name = str(model.get("model_name") or state.get("_model_name") or "").removesuffix("Model")
    if depth > DEEPEST:
        return ""
    if name in {"HBox", "VBox", "Box", "GridBox"}:
        names = [str(one).removeprefix("IPY_MODEL_") for one in state.get("children") or []]
        parts = [still_of(saved, one, show, depth + 1) for one in names]
        return (
            f'<div class="{"row" if name == "HBox" else "stack"}">{"".join(parts)}</div>'
            if all(parts)
            else ""
        )
    if name in {"HTML", "HTMLMath", "Label"}:
        value = str(state.get("value") or "")
        return f"<span>{clean(value) if name != 'Label' else escape(value)}</span>"
    if name in {"FloatProgress", "IntProgress"}:
        return _bar(state)
    if name == "Output":
        shown = "".join(show({"jupyter_data": one}) for one in state.get("outputs") or [])
        return f"<div>{shown}</div>"
    return _picture(model, state, name)


def _bar(state: Model) -> str:
    low, value, high = (float(state.get(key) or 0) for key in ("min", "value", "max"))
    label = escape(str(state.get("description") or "") or f"{value:g} / {high:g}")
    return f'<progress max="{high - low:g}" value="{value - low:g}" aria-label="{label}"></progress>'


def _picture(model: Model, state: Model, name: str) -> str:
    """Return the picture that a widget keeps of itself: of `Image`, or the canvas of a plot."""
    source = str(state.get("_data_url") or state.get("src") or "")
    if name == "Image":
        found = (one for one in model.get("buffers") or [] if one.get("path") == ["value"])
        data = next((str(one.get("data")) for one in found if one.get("encoding") == "base64"), "")
        source = (
            f"data:image/{state.get('format') or 'png'};base64,{re.sub(chr(10), '', data)}" if data else ""
        )
    if not PICTURE.fullmatch(source):
        return ""
    alt = escape(str(state.get("_figure_label") or state.get("description") or name))
    return f'<img src="{source}" alt="{alt}" loading="lazy">'
