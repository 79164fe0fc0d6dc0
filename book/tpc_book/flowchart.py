"""Flowcharts: read from Mermaid's syntax and laid out in layers, each box after those that lead to it.

Layout works in two coordinates, `along` the direction of the chart and `across` it, both in pixels; only the
drawing turns them into x and y.
"""

from __future__ import annotations

import re
import textwrap
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

CHARACTER, LINE, PADDING, BETWEEN_LAYERS, BETWEEN_BOXES = 8.2, 20, 14, 64, 28
WORDS_WIDTH = 22
SHAPES = {"[": "]", "(": ")", "{": "}", "((": "))", "([": "])", "[[": "]]", "{{": "}}"}
NODE = re.compile(
    r"\s*([A-Za-z0-9_]+(?:-[A-Za-z0-9_]+)*)"
    r"(?:(\(\(|\(\[|\[\[|\{\{|\[|\(|\{)\s*\"?(.*?)\"?\s*(\)\)|\]\)|\]\]|\}\}|\]|\)|\}))?"
)
ARROW = re.compile(r"\s*(?:(?:--|==|-\.)\s+([^->|=.][^|]*?)\s+)?(-->|---|-\.->|-\.-|==>|===)(?:\|([^|]*)\|)?")
KEYWORDS = {"subgraph", "end", "click", "direction"}
# Lines about colours and notes to the reader of the source change nothing here.
WITHOUT_EFFECT = ("classDef", "class ", "style ", "linkStyle", "%%", "accTitle", "accDescr")


class DiagramError(ValueError):
    """A diagram that cannot be drawn; the message says which line and what can be."""


@dataclass
class Box:
    """A node; `along` and `across` are its centre. One without text is a bend of a long edge."""

    text: str
    shape: str = "["
    along: float = 0
    across: float = 0

    @property
    def lines(self) -> list[str]:
        return textwrap.wrap(re.sub(r"<br\s*/?>", " ", self.text), WORDS_WIDTH)

    @property
    def width(self) -> float:
        widest = max((len(line) for line in self.lines), default=0) * CHARACTER
        return widest + 2 * PADDING + (24 if self.shape == "{" else 0) if self.text else 8

    @property
    def height(self) -> float:
        return len(self.lines) * LINE + 2 * PADDING * (1.4 if self.shape == "{" else 0.8) if self.text else 8


@dataclass
class Edge:
    """A line from box to box by name, over the bends between them."""

    start: str
    end: str
    kind: str
    label: str = ""
    bends: list[str] = field(default_factory=list)

    @property
    def path(self) -> list[str]:
        return [self.start, *self.bends, self.end]


@dataclass
class Flowchart:
    """Boxes by name and edges; `sideways` when layers follow from left to right, `backwards` from the end."""

    sideways: bool
    backwards: bool
    boxes: dict[str, Box] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)

    @classmethod
    def read(cls, lines: Iterable[str], direction: str) -> Flowchart:
        """Return the chart of the lines below `flowchart <direction>`; raises DiagramError."""
        chart = cls(direction in {"LR", "RL"}, direction in {"RL", "BT"})
        for line in lines:
            for statement in map(str.strip, line.split(";")):
                if statement and not statement.startswith(WITHOUT_EFFECT):
                    chart._read_statement(statement)
        if not chart.boxes:
            raise DiagramError("the flowchart is empty. Add a line such as `A --> B`.")
        return chart

    def thickness(self, box: Box) -> float:
        return box.width if self.sideways else box.height

    def breadth(self, box: Box) -> float:
        return box.height if self.sideways else box.width

    def _read_statement(self, text: str) -> None:
        """Read `A[One] & B -->|label| C --> D`."""
        starts, position = self._read_group(text, 0)
        while position < len(text):
            arrow = ARROW.match(text, position)
            if arrow is None:
                raise _unreadable(text)
            ends, position = self._read_group(text, arrow.end())
            label = (arrow[3] or arrow[1] or "").strip().strip('"')
            self.edges += [Edge(start, end, arrow[2], label) for start in starts for end in ends]
            starts = ends

    def _read_group(self, text: str, position: int) -> tuple[list[str], int]:
        """Return the names of `A[One] & B` and where they end."""
        names = []
        while True:
            node = NODE.match(text, position)
            if node is None or node[1] in KEYWORDS:
                raise _unreadable(text)
            name, shape, words, closing = node.groups()
            if shape and SHAPES[shape] != closing:
                raise DiagramError(f"`{text}`: {shape} must be closed by {SHAPES[shape]}.")
            box = self.boxes.setdefault(name, Box(name))
            if shape:
                box.text, box.shape = words or name, shape
            names.append(name)
            rest = text[node.end() :]
            position = node.end() + len(rest) - len(rest.lstrip())
            if text[position : position + 1] != "&":
                return names, position
            position += 1


def _unreadable(text: str) -> DiagramError:
    return DiagramError(f"`{text}` is not drawn. Write boxes and arrows, such as `A[One] -->|why| B`.")


def lay_out(chart: Flowchart) -> tuple[float, float]:
    """Place every box, with bends where an edge passes a layer; return the size along and across."""
    layers = _layers(chart)
    if chart.backwards:
        layers.reverse()
    breadths = [sum(map(chart.breadth, row)) + BETWEEN_BOXES * (len(row) - 1) for row in layers]
    longest = max((len(edge.label) for edge in chart.edges), default=0)
    gap = max(BETWEEN_LAYERS, longest * CHARACTER + 30 if chart.sideways else 0)
    along, widest = 10.0, max(breadths)
    for row, breadth in zip(layers, breadths, strict=True):
        thick, across = max(map(chart.thickness, row)), 10 + (widest - breadth) / 2
        for box in row:
            box.along, box.across = along + thick / 2, across + chart.breadth(box) / 2
            across += chart.breadth(box) + BETWEEN_BOXES
        along += thick + gap
    return along - gap + 10, widest + 20


def _layers(chart: Flowchart) -> list[list[Box]]:
    """Return the boxes by distance from the start, ordered so that few edges cross."""
    forward = _without_cycles(chart.edges)
    depth = dict.fromkeys(chart.boxes, 0)
    for _ in chart.boxes:
        for start, end in forward:
            depth[end] = max(depth[end], depth[start] + 1)
    _bend(chart, depth)
    before: dict[str, list[str]] = defaultdict(list)
    for edge in chart.edges:
        path = edge.path if depth[edge.start] <= depth[edge.end] else edge.path[::-1]
        for start, end in pairwise(path):
            before[end].append(start)
    rows: dict[int, list[str]] = defaultdict(list)
    for name in chart.boxes:
        rows[depth[name]].append(name)
    place: dict[str, float] = {}
    for level in sorted(rows):
        middle = {name: [place[other] for other in before[name] if other in place] for name in rows[level]}
        rows[level].sort(key=lambda name: sum(middle[name]) / len(middle[name]) if middle[name] else 0)
        place |= {name: index for index, name in enumerate(rows[level])}
    return [[chart.boxes[name] for name in rows[level]] for level in sorted(rows)]


def _bend(chart: Flowchart, depth: dict[str, int]) -> None:
    """Give each edge that passes other layers a bend in each of them, so that it runs between the boxes."""
    for number, edge in enumerate(chart.edges):
        first, last = depth[edge.start], depth[edge.end]
        step = 1 if last > first else -1
        for level in range(first + step, last, step):
            name = f"bend {number} {level}"
            chart.boxes[name], depth[name] = Box(""), level
            edge.bends.append(name)


def _without_cycles(edges: Iterable[Edge]) -> list[tuple[str, str]]:
    """Return the edges that lead on; one that would close a circle is left out."""
    after: dict[str, list[str]] = defaultdict(list)
    kept: list[tuple[str, str]] = []
    for edge in edges:
        if not _reaches(after, edge.end, edge.start):
            after[edge.start].append(edge.end)
            kept.append((edge.start, edge.end))
    return kept


def _reaches(after: dict[str, list[str]], start: str, goal: str) -> bool:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            waiting += after[name]
    return False
