"""Diagrams written in Mermaid, drawn as SVG while the book is built, by Mermaid itself on the Node that is there.

Mermaid asks for a browser; here it gets documents made of plain objects, so that a page needs no script and a build
no Chromium. Nothing of a drawing runs or is fetched, and its styles stand at its elements, for every form of the book.
"""

from __future__ import annotations

import atexit
import functools
import json
import re
import select
import subprocess
from html import escape
from pathlib import Path

from tpc_courses.places import Places

from tpc_book.sanitise import NO_DRAWING, clean_drawing

DRAWER = Path(__file__).parent / "draw_diagram.mjs"
# The first takes seconds, until Mermaid is read; one that takes longer than this has no end.
DRAW_SECONDS = 60
REMEDY = "Correct it by https://mermaid.js.org/intro/syntax-reference.html, or put a picture in its place"
_running: dict[Path, subprocess.Popen[str]] = {}


class DiagramError(ValueError):
    """A diagram that is not drawn; the message says why, and names the line within it where Mermaid does."""


@functools.lru_cache(maxsize=256)
def draw(source: str, name: str = "diagram") -> str:
    """Return the SVG of a diagram, with its parts named after `name`; raises DiagramError."""
    answer = _answer(Places.find().root / "node_modules", json.dumps({"id": name, "source": source}))
    if "error" in answer:
        raise DiagramError(f"{reason(answer['error'], source)}. {REMEDY}.")
    svg = clean_drawing(answer["svg"])
    if svg == NO_DRAWING:
        raise DiagramError(f"Mermaid drew nothing of it. {REMEDY}.")
    told = escape(f"Diagram. {answer['told']}".rstrip(".") + ".")
    head, _, rest = svg.partition(">")
    width = re.search(r'viewBox="[-\d.e]+ [-\d.e]+ ([\d.]+)', head)
    style = re.search(r'\sstyle="([^"]*)"', head)
    styles = [style[1]] if style else []
    styles += [f"--width:{float(width[1]):.0f}px"] if width else []
    head = re.sub(r'\s(?:role|style|width|height|id)="[^"]*"', "", head)
    return f'{head} role="img" aria-label="{told}" style="{";".join(styles)}">{rest}'


def reason(error: str, source: str) -> str:
    """Return Mermaid's words in short, with the line that is meant.

    >>> reason("Parse error on line 2:\\n...LR  A --> B[\\n------^\\nExpecting 'SQE'", "flowchart LR\\n  A --> B[")
    'the diagram cannot be read at `A --> B[`'
    """
    lines = [
        line.strip() for line in source.splitlines() if line.strip() and not line.strip().startswith("%%")
    ]
    if found := re.match(r"(?:Lexical|Parse) error on line (\d+)", error):
        number = min(int(found[1]), len(lines))
        return f"the diagram cannot be read at `{lines[number - 1] if number else ''}`"
    if error.startswith("No diagram type"):
        return f"diagrams that begin with `{lines[0] if lines else ''}` are not drawn here"
    return " ".join(error.split())[:200].rstrip(".")


def _answer(modules: Path, order: str) -> dict[str, str]:
    """Return what the drawing program says; one of them runs as long as this process and draws one after the other."""
    program = _running.get(modules)
    try:
        if program is None or program.poll() is not None:
            program = _running[modules] = _started(modules)
        assert program.stdin is not None
        assert program.stdout is not None
        program.stdin.write(f"{order}\n")
        program.stdin.flush()
        ready, _, _ = select.select([program.stdout], [], [], DRAW_SECONDS)
        line = program.stdout.readline() if ready else ""
    except OSError as e:
        raise DiagramError(
            f"Node did not start ({e}). Install Node, and the npm packages with `npm ci`."
        ) from e
    if not line:
        program.kill()
        raise DiagramError(
            f"no drawing came within {DRAW_SECONDS} s, or the npm packages are not installed: run `npm ci`."
        )
    answer: dict[str, str] = json.loads(line)
    return answer


def _started(modules: Path) -> subprocess.Popen[str]:
    program = subprocess.Popen(
        ["node", str(DRAWER), str(modules)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    atexit.register(program.kill)
    return program
