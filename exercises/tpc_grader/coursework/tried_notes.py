"""Notes of solutions that were tried: `exercises/tried.json`, exercise -> hash of all that it is made of.

They are kept with the sources, so that a fresh campus need not run every author's solution again. A change of anything
in an exercise makes its note void; the tests of the repository grade all solutions whatever the notes say.
"""

from __future__ import annotations

import json
from pathlib import Path

from tpc_courses.base.files import write_whole
from tpc_courses.base.places import Places

from tpc_grader.versions.releases import digest_of
from tpc_grader.versions.support_files import exercise_files


def path(places: Places) -> Path:
    """Return where the notes are."""
    return places.exercises / "tried.json"


def noted(notes: Path) -> dict[str, str]:
    """Return exercise -> hash; nothing where there are no notes, or none that can be read."""
    try:
        found = json.loads(notes.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(slug): str(digest) for slug, digest in found.items()} if isinstance(found, dict) else {}


def is_tried(places: Places, slug: str) -> bool:
    """Return whether the solution of an exercise was tried as it is now; raises SourceError."""
    return noted(path(places)).get(slug) == digest_of(exercise_files(places, slug))


def write(places: Places, notes: dict[str, str]) -> None:
    text = json.dumps(dict(sorted(notes.items())), indent=1) + "\n"
    if notes or path(places).exists():
        write_whole(path(places), text)
