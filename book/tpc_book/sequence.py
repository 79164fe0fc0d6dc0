"""Sequence diagrams: who tells whom what, from top to bottom, drawn as SVG."""

from __future__ import annotations

import re
from html import escape

from tpc_book.flowchart import DiagramError

CHARACTER, ROW, TOP = 8.2, 46, 60
PERSON = re.compile(r"(?:participant|actor)\s+([\w-]+)(?:\s+as\s+(.+))?")
MESSAGE = re.compile(r"([\w-]+?)\s*(-->>|->>|-->|->|--x|-x)\s*([\w-]+)\s*:\s*(.*)")
NOTE = re.compile(r"Note\s+(?:over|left of|right of)\s+([\w-]+)(?:\s*,\s*([\w-]+))?\s*:\s*(.*)")


def draw_sequence(lines: list[str]) -> str:
    """Return the SVG of a sequence diagram, from its lines below the first; raises DiagramError."""
    people: dict[str, str] = {}
    steps: list[tuple[str, str, str, str]] = []
    for line in map(str.strip, lines):
        if not line or line.startswith("%%") or line == "autonumber":
            continue
        if match := PERSON.fullmatch(line):
            people[match[1]] = match[2] or match[1]
        elif match := MESSAGE.fullmatch(line):
            people.setdefault(match[1], match[1])
            people.setdefault(match[3], match[3])
            steps.append((match[2], match[1], match[3], match[4]))
        elif match := NOTE.fullmatch(line):
            people.setdefault(match[1], match[1])
            steps.append(("note", match[1], match[2] or match[1], match[3]))
        else:
            raise DiagramError(
                f"`{line}` is not drawn. Write `A->>B: words`, `Note over A: words` or `participant A`."
            )
    return _svg(people, steps)


def _svg(people: dict[str, str], steps: list[tuple[str, str, str, str]]) -> str:
    longest = max(
        [len(text) for _, _, _, text in steps] + [len(name) for name in people.values()], default=10
    )
    gap = max(150.0, longest * CHARACTER + 40)
    x = {name: 80 + i * gap for i, name in enumerate(people)}
    width, height = 160 + gap * max(len(people) - 1, 0), TOP + ROW * len(steps) + 30
    told = ". ".join(
        f"{people[a]} to {people.get(b, b)}: {t}" if kind != "note" else t for kind, a, b, t in steps
    )
    parts = [_person(words, x[name], height) for name, words in people.items()]
    parts += [_step(step, x, TOP + ROW * (i + 1) - 10) for i, step in enumerate(steps)]
    size = f'viewBox="0 0 {width:.0f} {height}" style="--width:{width:.0f}px"'
    return f'<svg role="img" aria-label="{escape(f"Diagram. {told}.")}" {size}>{"".join(parts)}</svg>'


def _person(words: str, x: float, height: float) -> str:
    half = len(words) * CHARACTER / 2 + 14
    return (
        f'<path class="edge dotted" d="M{x:.1f} 44V{height - 6:.0f}"/>'
        f'<rect class="shape" x="{x - half:.1f}" y="8" width="{2 * half:.1f}" height="36" rx="4"/>'
        f'<text x="{x:.1f}" y="31" text-anchor="middle">{escape(words)}</text>'
    )


def _step(step: tuple[str, str, str, str], x: dict[str, float], y: float) -> str:
    kind, start, end, words = step
    x1, x2 = x[start], x[end]
    if kind == "note":
        half = max(abs(x2 - x1) / 2, len(words) * CHARACTER / 2 + 10)
        middle = (x1 + x2) / 2
        box = f'<rect class="shape" x="{middle - half:.1f}" y="{y - 22:.1f}" width="{2 * half:.1f}" height="32"/>'
        return f'{box}<text x="{middle:.1f}" y="{y - 1:.1f}" text-anchor="middle">{escape(words)}</text>'
    css = "edge dotted" if kind.startswith("--") else "edge"
    if start == end:
        line = f'<path class="{css}" d="M{x1:.1f} {y - 12:.1f}h40v18H{x1 + 2:.1f}"/>'
        label = f'<text class="label" x="{x1 + 48:.1f}" y="{y + 2:.1f}">{escape(words)}</text>'
        return line + _head(x1 + 2, y + 6, -1, kind) + label
    sign = 1 if x2 > x1 else -1
    line = f'<path class="{css}" d="M{x1:.1f} {y:.1f}H{x2 - sign * 2:.1f}"/>'
    label = f'<text class="label" x="{(x1 + x2) / 2:.1f}" y="{y - 8:.1f}" text-anchor="middle">{escape(words)}</text>'
    return line + _head(x2 - sign * 2, y, sign, kind) + label


def _head(x: float, y: float, sign: int, kind: str) -> str:
    if kind.endswith(">>"):
        back = x - sign * 9
        return f'<path class="head" d="M{back:.1f} {y - 5:.1f}L{x:.1f} {y:.1f}L{back:.1f} {y + 5:.1f}Z"/>'
    if kind.endswith("x"):
        return f'<path class="edge" d="M{x - 6:.1f} {y - 6:.1f}l12 12m0 -12l-12 12"/>'
    return ""
