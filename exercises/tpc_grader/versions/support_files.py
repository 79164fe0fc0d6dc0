"""What an exercise is made of: its notebook, and what that needs beside it (modules, data), which students get too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import nbformat
from tpc_courses.base.places import Places
from tpc_courses.base.problems import Problem, SourceError
from tpc_courses.sources.exercise import source_notebook

from tpc_grader.submissions.archive import Refused
from tpc_grader.submissions.folder import read_folder
from tpc_grader.versions.releases import LIMITS

# What an exercise's folder holds for its author only.
_FOR_THE_AUTHOR = {"wrong", "right", "wrong.toml"}


def exercise_files(places: Places, slug: str) -> dict[str, bytes]:
    """Return the files that nbgrader makes a release from, by name; raises SourceError."""
    text = str(nbformat.writes(source_notebook(places.exercise(slug)))) + "\n"
    return {**support_files(places, slug), f"{slug}.ipynb": text.encode()}


def support_files(places: Places, slug: str) -> dict[str, bytes]:
    """Return the files beside the source of an exercise by name; raises SourceError for what cannot be released."""
    root = places.exercises / slug

    def left_out(folder: str, names: Sequence[str]) -> list[str]:
        at_top = Path(folder) == root
        return [name for name in names if _is_left_out(name, slug, at_top)]

    try:
        return read_folder(root, left_out, LIMITS)
    except Refused as e:
        problem = Problem(
            f"exercises/{slug}", "", str(e).rstrip("."), "Remove it, or put the plain file there"
        )
        raise SourceError([problem]) from e


def _is_left_out(name: str, slug: str, at_top: bool) -> bool:
    if name.startswith(".") or name == "__pycache__" or name.endswith((".ipynb", ".pyc")):
        return True
    return at_top and (name in _FOR_THE_AUTHOR or name == f"{slug}.md")
