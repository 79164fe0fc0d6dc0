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
import threading
from html import escape
from pathlib import Path

from tpc_courses.base.places import Places
from tpc_courses.base.tokens import read_tokens, tokens_css

from tpc_book.base.cache import Kept, digest
from tpc_book.render import sanitise

DRAWER = Path(__file__).parent / "mermaid" / "draw.mjs"
# A drawing that takes longer than this has no end.
DRAW_SECONDS = 60
REMEDY = "Correct it by https://mermaid.js.org/intro/syntax-reference.html, or put a picture in its place"
# Where a part is named, and where its name is used.
OWN_NAME = re.compile(r'( id="|url\(#)diagram-')
_running: dict[Path, subprocess.Popen[str]] = {}
# Pages of a served book are made by several threads; the program draws one diagram after the other.
_turn = threading.Lock()


class DiagramError(ValueError):
    """A diagram that is not drawn; the message says why, and quotes the line where Mermaid names one."""


class DrawerError(RuntimeError):
    """No diagram can be drawn on this machine; the message says what is missing."""


def drawings(places: Places) -> Kept:
    """Return the drawings kept in the state folder. They outlast changes of the theme, which pages do not."""
    pinned = places.root / "package-lock.json"
    own = [Path(__file__), Path(sanitise.__file__), *sorted(DRAWER.parent.glob("*.mjs"))]
    parts = [path.read_bytes() for path in (*own, pinned) if path.exists()]
    makers = digest(*parts, tokens_css())
    return Kept(places.state / "book" / "drawn", makers)


def draw(source: str, name: str = "diagram", kept: Kept | None = None) -> str:
    """Return the SVG of a diagram, with its parts named after `name`; raises DiagramError and DrawerError."""
    svg = kept.text(lambda: _drawn(source), source) if kept else _drawn(source)
    return OWN_NAME.sub(rf"\g<1>{name}-", svg)


@functools.lru_cache(maxsize=256)
def _drawn(source: str) -> str:
    with _turn:
        answer = _answer(Places.find().root / "node_modules", source)
    if "error" in answer:
        raise DiagramError(f"{reason(answer['error'], source)}. {REMEDY}.")
    svg = sanitise.clean_drawing(answer["svg"])
    if svg == sanitise.NO_DRAWING:
        raise DiagramError(f"Mermaid drew nothing of it. {REMEDY}.")
    return _framed(svg, f"Diagram. {answer['told']}".rstrip(".") + ".")


def _framed(svg: str, told: str) -> str:
    """Return the drawing as wide as it was made, but for what a page has room for, with what it says in words."""
    head, _, rest = svg.partition(">")
    width = re.search(r'viewBox="[-\d.e]+ [-\d.e]+ ([\d.]+)', head)
    style = re.search(r'\sstyle="([^"]*)"', head)
    styles = [style[1]] if style else []
    styles += [f"--width:{float(width[1]):.0f}px"] if width else []
    head = re.sub(r'\s(?:role|style|width|height|id)="[^"]*"', "", head)
    # An e-book's reader knows the attribute, a page the variable.
    wide = f' width="{float(width[1]):.0f}"' if width else ""
    return f'{head}{wide} role="img" aria-label="{escape(told)}" style="{";".join(styles)}">{rest}'


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


def _answer(modules: Path, source: str) -> dict[str, str]:
    """Return what the drawing program says of a diagram; one of them runs as long as this process."""
    program = _running.get(modules)
    if program is None or program.poll() is not None:
        program = _running[modules] = _started(modules)
    try:
        line = _asked(program, json.dumps(source))
    except OSError:
        line = ""
    if not line:
        program.kill()
        raise DiagramError(f"no drawing came of it within {DRAW_SECONDS} s. {REMEDY}.")
    answer: dict[str, str] = json.loads(line)
    return answer


def _started(modules: Path) -> subprocess.Popen[str]:
    """Start the drawing program and wait until it has read Mermaid; raises DrawerError."""
    colours = {name: (colour.light, colour.dark) for name, colour in read_tokens().items()}
    command = ["node", str(DRAWER), str(modules), json.dumps(colours)]
    pipe = subprocess.PIPE
    try:
        program = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
    except OSError as e:
        raise DrawerError(
            f"diagrams cannot be drawn: Node does not start ({e}). Install Node, then build again."
        ) from e
    atexit.register(program.kill)
    if not _asked(program, ""):
        program.kill()
        raise DrawerError(
            f"diagrams cannot be drawn: Mermaid is not in {modules}. Run `npm ci`, then build again."
        )
    return program


def _asked(program: subprocess.Popen[str], order: str) -> str:
    """Return the line that the program says to an order; empty when none comes."""
    assert program.stdin is not None
    assert program.stdout is not None
    program.stdin.write(f"{order}\n")
    program.stdin.flush()
    ready, _, _ = select.select([program.stdout], [], [], DRAW_SECONDS)
    return program.stdout.readline() if ready else ""
