"""Cleans HTML and SVG that notebooks put out. Scripts, event handlers and foreign addresses do not pass."""

from __future__ import annotations

import re
from xml.etree import ElementTree

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
    "border-collapse", "background", "vertical-align", "text-decoration", "width", "height", "max-width", "margin",
    "white-space", "font-size", "font-family",
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

# What a drawing in a file of its own may not hold: it runs, shows a page within, or writes attributes later.
ACTIVE_TAGS = {
    "script",
    "foreignObject",
    "animate",
    "animateMotion",
    "animateTransform",
    "set",
    "handler",
    "listener",
}
# Within an own file an address may be a part of it or a picture; all else would be fetched, or run when followed.
INNER = re.compile(rf"#[\w.:-]*|{PICTURE.pattern}")
SVG = "http://www.w3.org/2000/svg"
NO_DRAWING = f'<svg xmlns="{SVG}" width="1" height="1"/>'


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


def clean_drawing(svg: str) -> str:
    """Return an SVG file in which nothing runs and nothing is fetched, also when it is opened by itself.

    It keeps what `clean` drops: styles, glyphs by reference, pictures within. What is no XML, or declares entities,
    becomes an empty drawing.
    """
    if "<!ENTITY" in svg:
        return NO_DRAWING
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError:
        return NO_DRAWING
    if root.tag != f"{{{SVG}}}svg":
        return NO_DRAWING
    _clean_element(root)
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    return ElementTree.tostring(root, encoding="unicode")


def _clean_element(element: ElementTree.Element) -> None:
    """Take out what is active in an element and below it, and attributes that run or fetch."""
    for name, value in list(element.attrib.items()):
        local = name.rpartition("}")[2].lower()
        leads_out = local in {"href", "src"} and not INNER.fullmatch(value.strip())
        if local.startswith("on") or leads_out or _fetches(value):
            del element.attrib[name]
    if element.tag == f"{{{SVG}}}style" and _fetches(element.text or ""):
        element.text = ""
    for child in list(element):
        space, _, local = str(child.tag).rpartition("}")
        if space == f"{{{SVG}" and local not in ACTIVE_TAGS:
            _clean_element(child)
        else:  # also what is not of SVG: a page within, comments, data about the drawing
            element.remove(child)


def _fetches(style: str) -> bool:
    """Return whether a style asks for something outside its file."""
    bare = re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL)
    if "\\" in bare or "@import" in bare.lower() or "image-set" in bare.lower():
        return True
    found = re.findall(r"url\(\s*['\"]?([^'\")]*)", bare, re.IGNORECASE)
    return any(not INNER.fullmatch(address.strip()) for address in found)
