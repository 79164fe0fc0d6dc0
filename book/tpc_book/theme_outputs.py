"""What a lesson printed, drew or showed, as HTML that cannot run code of its own."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from html import escape
from typing import Any

import nh3

Json = dict[str, Any]
_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
_WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
_IMAGES = ("image/svg+xml", "image/png", "image/jpeg", "image/gif")
_STYLES = {"border-left", "padding", "text-align", "font-weight", "color"}
_ATTRIBUTES = {
    "*": {"class", "role", "style", "aria-label"},
    "a": {"href", "title"},
    "img": {"src", "alt", "width", "height"},
    "th": {"scope", "colspan", "rowspan"},
    "td": {"colspan", "rowspan"},
    "ol": {"start"},
}
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def sanitise(html: str) -> str:
    """Return HTML without scripts, handlers, frames, or anything that asks another server."""
    return nh3.clean(
        html,
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        attribute_filter=_local_images,
        filter_style_properties=set(_STYLES),
        url_schemes={"http", "https", "mailto", "data"},
    )


def _local_images(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "src":
        return value if re.match(r"data:image/(png|jpeg|gif);base64,", value) else None
    if attribute == "href" and value.lstrip().lower().startswith("data:"):
        return None
    return value


def widget_file(module: str) -> str:
    """Return the file name under which the JavaScript of a widget is published."""
    return f"widgets/{hashlib.sha256(module.encode()).hexdigest()[:16]}.js"


def widget_modules(metadata: Json) -> list[str]:
    """Return the JavaScript of all anywidgets in the metadata of a notebook."""
    states = (metadata.get("widgets") or {}).get(_WIDGET_STATE, {}).get("state", {})
    found = (model.get("state", {}).get("_esm") for model in states.values())
    return [module for module in found if isinstance(module, str)]


def output_html(
    output: Json, widgets: Json, address: Callable[[str], str], fetch: Callable[[str], str]
) -> str:
    """Return one output of a cell; `address` turns asset paths into links, `fetch` reads a long output."""
    shown = output.get("jupyter_data") or {}
    if shown.get("output_type") == "error":
        trace = _ANSI.sub("", "\n".join(_as_lines(shown.get("traceback"))))
        return _pre(trace or f"{shown.get('ename')}: {shown.get('evalue')}")
    if shown.get("output_type") == "stream":
        return _pre(_ANSI.sub("", _content(shown, "text", fetch)))
    bundle: Json = shown.get("data") or {}
    if _WIDGET_VIEW in bundle:
        return _widget(_content(bundle[_WIDGET_VIEW], "content", fetch), widgets, address)
    for kind in _IMAGES:
        if kind in bundle:
            return f'<img src="{escape(address(bundle[kind]["path"]))}" alt="{escape(_alternative(bundle))}">'
    if "text/html" in bundle:
        return sanitise(_content(bundle["text/html"], "content", fetch))
    return _pre(_content(bundle.get("text/plain") or {}, "content", fetch)) if "text/plain" in bundle else ""


def _widget(view: str | Json, widgets: Json, address: Callable[[str], str]) -> str:
    identity = (json.loads(view) if isinstance(view, str) else view)["model_id"]
    state = (widgets.get(_WIDGET_STATE) or {}).get("state", {}).get(identity, {})
    values = dict(state.get("state", {}))
    module = values.pop("_esm", None)
    # Binary values and core ipywidgets need a kernel or a large bundle; words are lighter and honest.
    if not isinstance(module, str) or state.get("buffers"):
        return '<p class="quiet">This control works when the lesson is opened on the campus.</p>'
    public = json.dumps({name: value for name, value in values.items() if not name.startswith("_")})
    source = address(f"/{widget_file(module)}")
    waiting = "This figure reacts to its controls; it needs scripts."
    return f'<div class="live" data-widget="{escape(source)}" data-state="{escape(public)}"><p>{waiting}</p></div>'


def _alternative(bundle: Json) -> str:
    plain = (bundle.get("text/plain") or {}).get("content") or ""
    return "Figure drawn by the cell above" if not plain or plain.startswith("<") else str(plain)[:120]


def _content(holder: Json, key: str, fetch: Callable[[str], str]) -> str:
    value = fetch(holder["path"]) if holder.get("path") else holder.get(key)
    return "".join(_as_lines(value))


def _as_lines(value: object) -> list[str]:
    return [str(line) for line in value] if isinstance(value, list) else [str(value or "")]


def _pre(text: str) -> str:
    return f'<pre tabindex="0">{escape(text, quote=False)}</pre>'
