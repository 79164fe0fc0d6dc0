"""Sources that would bring files of this machine into the book: links out of its folder, paths that climb out of it.

The engine copies whatever a page links to or includes, and the book is public; so such a page is refused.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from tpc_courses.base.problems import Problem

PATH = re.compile(
    r"(?:\{(?:include|literalinclude|figure|image|embed|csv-table|anywidget|download)\}`?[ \t]*(?:[^`<\n]*<)?"
    r"|:file:[ \t]*|\]\(<?|^\[[^\]\n]+\]:[ \t]*<?|(?:src|href)=\\?[\"'])([^\s)>\"'`\\]+)",
    re.MULTILINE,
)
OUTSIDE = re.compile(r"[a-z][a-z0-9+.-]*:|//|#", re.IGNORECASE)
REMEDY = "Copy the file into book/content and name it from the page"


def leads_out(path: Path, folder: Path) -> bool:
    """Return whether a file lies elsewhere than where its name says, behind a symbolic link."""
    return not path.resolve().is_relative_to(folder.resolve())


def stray_paths(name: str, shown: str, text: str, folder: Path) -> Iterator[Problem]:
    """Yield a problem for each path in a page that leads out of the project.

    `name` is relative to `folder`, `shown` what people call the page. Paths from the top begin at `folder`.
    """
    for found in PATH.finditer(text):
        path = found[1].partition("#")[0]
        if not path or OUTSIDE.match(path):
            continue
        if path.startswith("/"):
            # From the top of the book; the engine takes it from the top of the machine when nothing is there.
            stray = not (folder / path.lstrip("/")).exists() and Path(path).is_file()
        else:
            stray = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)).startswith("..")
        if stray:
            line = text.count("\n", 0, found.start(1)) + 1
            where = (
                f"line {line}" if name.endswith(".md") else "text"
            )  # a notebook's lines are those of its JSON
            yield Problem(shown, where, f"{path} leads out of the book", REMEDY)
