"""Cleans HTML and SVG that notebooks put out. Scripts, event handlers and foreign addresses do not pass."""

from __future__ import annotations

import re

import nh3

SVG_TAGS = {
    "svg", "g", "path", "line", "circle", "ellipse", "rect", "polyline", "polygon", "text", "tspan", "title",
    "desc", "defs", "marker", "clipPath", "clippath", "linearGradient", "lineargradient", "radialGradient",
    "radialgradient", "stop", "symbol",
}  # fmt: skip
SVG_ATTRIBUTES = {
    "viewBox", "viewbox", "width", "height", "d", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry",
    "points", "transform", "fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-dasharray",
    "stroke-linecap", "stroke-linejoin", "stroke-opacity", "opacity", "text-anchor", "font-size", "font-weight",
    "font-family", "dx", "dy", "offset", "stop-color", "stop-opacity", "class", "id", "role", "aria-label",
    "aria-hidden", "preserveAspectRatio", "preserveaspectratio", "clip-path", "marker-end", "marker-start",
    "orient", "refX", "refY", "refx", "refy", "markerWidth", "markerHeight", "dominant-baseline",
}  # fmt: skip
# What an output needs to look right; positions and addresses stay out, so that it cannot cover the page.
STYLES = {
    "color", "background-color", "font-weight", "font-style", "text-align", "border", "border-left", "padding",
    "border-collapse", "width", "height", "max-width", "margin", "white-space", "font-size", "font-family",
}  # fmt: skip
ATTRIBUTES: dict[str, set[str]] = {tag: set(names) for tag, names in nh3.ALLOWED_ATTRIBUTES.items()}
ATTRIBUTES["*"] = ATTRIBUTES.get("*", set()) | {"style", "class", "role", "aria-label", "tabindex"}
ATTRIBUTES |= {tag: SVG_ATTRIBUTES for tag in SVG_TAGS}
TAGS = set(nh3.ALLOWED_TAGS) | SVG_TAGS | {"progress", "meter", "section", "figure", "figcaption"}
# A url() fetches, an expression() runs, a negative length covers what stands beside.
ACTIVE_STYLE = re.compile(r"url\s*\(|image-set|expression|@import|\\|:[^;]*(?<![\w.])-\.?\d", re.IGNORECASE)
FETCHING = {"src", "srcset", "poster", "background", "data"}
PAINTING = {"fill", "stroke", "clip-path", "marker-end", "marker-start"}
PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*")
OWN_PAINT = re.compile(r"url\(\s*['\"]?#([\w-]+)['\"]?\s*\)")
ROLES = {"img", "status", "note", "table", "group", "list", "listitem", "presentation"}
# By these names the book's own script and styles find what acts or floats.
OWN_CLASSES = {
    "aside", "card", "cite", "copy", "figure-live", "footnote", "hidden", "linked", "listing", "skip", "tab", "tabs",
    "toc", "top", "wrap", "xref", "outline",
}  # fmt: skip


def clean(html: str) -> str:
    """Return HTML that is safe on the book's own origin and asks nothing of any."""
    return nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=_harmless,
        filter_style_properties=STYLES,
        url_schemes={"http", "https", "mailto", "data"},
        generic_attribute_prefixes=set(),
    )


def _harmless(tag: str, attribute: str, value: str) -> str | None:
    """Return the value of an attribute, changed where it must be, or None to drop it."""
    if attribute in FETCHING:
        # Also an address of this campus is not fetched: one that ends a session looks like any other.
        return value if PICTURE.fullmatch(value) else None
    if attribute in {"href", "cite"}:
        return None if re.sub(r"[\x00-\x20]", "", value).lower().startswith("data:") else value
    if attribute in PAINTING and "url" in value.lower():
        found = OWN_PAINT.fullmatch(value)
        return f"url(#output-{found[1]})" if found else None
    if attribute == "class":
        return " ".join(name for name in value.split() if name not in OWN_CLASSES) or None
    refused = (
        (attribute == "style" and ACTIVE_STYLE.search(value))
        or (attribute == "role" and value not in ROLES)
        or (attribute == "tabindex" and value not in {"0", "-1"})
    )
    # A book's anchors are its own: an output must not be the target of somebody else's link or script.
    return None if refused else f"output-{value}" if attribute == "id" else value
