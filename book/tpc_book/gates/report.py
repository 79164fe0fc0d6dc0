"""What the gates found: problems, which fail the check, and notes on what could not be looked at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tpc_courses.base.problems import Problem


@dataclass
class Report:
    """Problems fail the check; notes say what was not checked on this machine; lines are results worth keeping."""

    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def add(self, problems: Iterable[Problem]) -> None:
        self.problems += problems


# JupyterLite is made by others; the gates look at it where the book starts it.
FOREIGN = "lite"


def pages(site: Path) -> list[str]:
    """Return the address of every page below the book, sorted: an empty text, `calendar/`, `lessons/a/b/`."""
    found = [path.parent.relative_to(site) for path in site.rglob("index.html")]
    return sorted(
        "" if page == Path() else f"{page.as_posix()}/" for page in found if page.parts[:1] != (FOREIGN,)
    )


def shown(page: str) -> str:
    """Return how a problem names a page."""
    return f"/book/{page}"
