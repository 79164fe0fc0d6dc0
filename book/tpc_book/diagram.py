"""Diagrams written in Mermaid, drawn as SVG while the book is built: flowcharts and sequence diagrams.

Mermaid itself needs a browser. These two kinds are drawn here, so that a page needs no script and a build no
Chromium. Shapes, arrow kinds and labels follow Mermaid's syntax; what cannot be drawn is an error with its line.
"""

from __future__ import annotations

import re
from html import escape
from itertools import pairwise

from tpc_book.flowchart import LINE, Box, DiagramError, Edge, Flowchart, lay_out
from tpc_book.sequence import draw_sequence

HEAD = re.compile(r"(?:flowchart|graph)\s+(TD|TB|LR|RL|BT);?")
ARROW_LENGTH, ARROW_WIDTH, ASIDE = 9, 5, 10


def draw(source: str) -> str:
    """Return the SVG of a diagram; raises DiagramError."""
    lines = [line for line in source.strip().splitlines() if not line.strip().startswith("%%")]
    head = lines[0].strip() if lines else ""
    if head == "sequenceDiagram":
        return draw_sequence(lines[1:])
    match = HEAD.fullmatch(head)
    if not match:
        known = "`flowchart LR`, `flowchart TD` or `sequenceDiagram`"
        raise DiagramError(f"a diagram that begins with {head!r} is not drawn. Begin with {known}.")
    chart = Flowchart.read(lines[1:], match[1])
    length, breadth = lay_out(chart)
    width, height = (length, breadth) if chart.sideways else (breadth, length)
    parts = [_edge(chart, edge) for edge in chart.edges]
    parts += [_box(chart, box) for box in chart.boxes.values() if box.text]
    return svg(width, height, _told(chart), parts)


def svg(width: float, height: float, told: str, parts: list[str]) -> str:
    """Return a drawing of this size in pixels; `told` is what it says in words."""
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" style="--width:{width:.0f}px"'
    return f'<svg role="img" aria-label="{escape(told)}" {size}>{"".join(parts)}</svg>'


def _told(chart: Flowchart) -> str:
    """Return the chart in words, for those who do not see it."""
    names = {name: " ".join(box.lines) for name, box in chart.boxes.items()}
    steps = [
        f"{names[e.start]} to {names[e.end]}" + (f" ({e.label})" if e.label else "") for e in chart.edges
    ]
    return f"Diagram. {'. '.join(steps) or ', '.join(names.values())}."


def _box(chart: Flowchart, box: Box) -> str:
    x, y = _point(chart, box.along, box.across)
    left, top, right, bottom = x - box.width / 2, y - box.height / 2, x + box.width / 2, y + box.height / 2
    if box.shape == "{":
        path = f"M{left:.1f} {y:.1f}L{x:.1f} {top:.1f}L{right:.1f} {y:.1f}L{x:.1f} {bottom:.1f}Z"
        outline = f'<path class="shape" d="{path}"/>'
    else:
        radius = {"(": 8, "([": box.height / 2, "((": box.height / 2}.get(box.shape, 2)
        size = f'width="{box.width:.1f}" height="{box.height:.1f}" rx="{radius:.0f}"'
        outline = f'<rect class="shape" x="{left:.1f}" y="{top:.1f}" {size}/>'
    first = y - (len(box.lines) - 1) * LINE / 2 + 5
    return outline + "".join(text(x, first + i * LINE, line) for i, line in enumerate(box.lines))


def text(x: float, y: float, words: str, css: str = "") -> str:
    """Return centred words."""
    kind = f' class="{css}"' if css else ""
    return f'<text{kind} x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{escape(words)}</text>'


def _edge(chart: Flowchart, edge: Edge) -> str:
    """Return a curve from border to border over its bends, with its head and label."""
    start, end = chart.boxes[edge.start], chart.boxes[edge.end]
    if start is end:
        return _loop(chart, edge)
    sign = 1 if end.along >= start.along else -1
    # An edge back runs beside the one that leads on.
    aside = ASIDE if (sign > 0) == chart.backwards else 0
    points = [(start.along + sign * chart.thickness(start) / 2, start.across + aside)]
    points += [(chart.boxes[name].along, chart.boxes[name].across) for name in edge.bends]
    points += [(end.along - sign * chart.thickness(end) / 2, end.across + aside)]
    path = "M{:.1f} {:.1f}".format(*_point(chart, *points[0]))
    for (a1, c1), (a2, c2) in pairwise(points):
        middle = (a1 + a2) / 2
        curve = [_point(chart, middle, c1), _point(chart, middle, c2), _point(chart, a2, c2)]
        path += "C" + " ".join(f"{x:.1f} {y:.1f}" for x, y in curve)
    css = "edge dotted" if "." in edge.kind else "edge thick" if "=" in edge.kind else "edge"
    drawn = f'<path class="{css}" d="{path}"/>'
    if edge.kind.endswith(">"):
        drawn += _head(chart, *points[-1], sign)
    if edge.label:
        (a1, c1), (a2, c2) = points[:2]
        x, y = _point(chart, (a1 + a2) / 2, (c1 + c2) / 2)
        drawn += text(x, y - 6, edge.label, "label")
    return drawn


def _loop(chart: Flowchart, edge: Edge) -> str:
    """Return an edge from a box to itself, above its right corner."""
    box = chart.boxes[edge.start]
    x, y = _point(chart, box.along, box.across)
    right, top = x + box.width / 2, y - box.height / 2
    path = f"M{right - 24:.1f} {top:.1f}c0 -18 40 -18 24 {box.height / 2:.1f}"
    return f'<path class="edge" d="{path}"/>' + (
        text(right, top - 12, edge.label, "label") if edge.label else ""
    )


def _head(chart: Flowchart, along: float, across: float, sign: int) -> str:
    back = along - sign * ARROW_LENGTH
    corners = [(back, across - ARROW_WIDTH), (along, across), (back, across + ARROW_WIDTH)]
    path = "L".join("{:.1f} {:.1f}".format(*_point(chart, *corner)) for corner in corners)
    return f'<path class="head" d="M{path}Z"/>'


def _point(chart: Flowchart, along: float, across: float) -> tuple[float, float]:
    return (along, across) if chart.sideways else (across, along)
