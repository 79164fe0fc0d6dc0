"""Where things lie: the source tree and the state folder. Nothing else in the project spells these paths."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """The source tree (`root`, read only) and the state folder (`state`, everything generated)."""

    root: Path
    state: Path

    @classmethod
    def find(cls) -> Places:
        """Return the places named by CAMPUS_ROOT and CAMPUS_STATE, or those around the current folder."""
        root = Path(os.environ["CAMPUS_ROOT"]) if "CAMPUS_ROOT" in os.environ else _enclosing_root(Path.cwd())
        state = Path(os.environ.get("CAMPUS_STATE") or root / ".campus")
        return cls(root.resolve(), state.resolve())

    # Sources

    @property
    def courses(self) -> Path:
        return self.root / "courses"

    @property
    def notebooks(self) -> Path:
        return self.root / "notebooks"

    @property
    def exercises(self) -> Path:
        return self.root / "exercises"

    @property
    def book(self) -> Path:
        return self.root / "book"

    @property
    def profiles(self) -> Path:
        return self.root / "hub" / "profiles"

    def lesson(self, slug: str) -> Path:
        """Return the source of the lesson `topic/name`; Markdown unless only a notebook exists."""
        markdown = self.notebooks / f"{slug}.md"
        notebook = markdown.with_suffix(".ipynb")
        return notebook if notebook.exists() and not markdown.exists() else markdown

    def exercise(self, slug: str) -> Path:
        """Return the source of an exercise: Markdown, else the notebook of that name, else the only one there is."""
        markdown = self.exercises / slug / f"{slug}.md"
        notebook = markdown.with_suffix(".ipynb")
        if markdown.exists() or notebook.exists():
            return markdown if markdown.exists() else notebook
        others = sorted(markdown.parent.glob("[!.]*.ipynb"))
        return others[0] if len(others) == 1 else markdown

    # State

    @property
    def hub_dir(self) -> Path:
        return self.state / "hub"

    @property
    def homes(self) -> Path:
        return self.state / "homes"

    @property
    def lessons_git(self) -> Path:
        return self.state / "git" / "lessons.git"

    @property
    def lessons_tree(self) -> Path:
        return self.state / "git" / "tree"

    def nbgrader(self, course_id: str) -> Path:
        """Return the nbgrader course folder of a course."""
        return self.state / "nbgrader" / course_id

    def gradebook(self, course_id: str) -> Path:
        """Return nbgrader's database of a course."""
        return self.nbgrader(course_id) / "gradebook.db"

    def gradebook_url(self, course_id: str) -> str:
        """Return the SQLAlchemy URL of a course's gradebook."""
        return f"sqlite:///{self.gradebook(course_id)}"

    @property
    def intake(self) -> Path:
        return self.state / "intake"

    @property
    def runs(self) -> Path:
        return self.state / "runs"

    @property
    def site(self) -> Path:
        return self.state / "book" / "html"

    @property
    def corpus(self) -> Path:
        return self.state / "corpus"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def database_url(self) -> str:
        """Return the SQLAlchemy URL of the campus database (CAMPUS_DB, else SQLite in the state folder)."""
        return os.environ.get("CAMPUS_DB") or f"sqlite:///{self.state / 'campus.sqlite'}"


def _enclosing_root(start: Path) -> Path:
    for folder in (start, *start.parents):
        if (folder / "pyproject.toml").exists() and (folder / "courses").is_dir():
            return folder
    raise FileNotFoundError(
        f"{start}: not inside a TPC Campus checkout (no pyproject.toml with courses/ above it). "
        "Change into the checkout, or set CAMPUS_ROOT to its path."
    )
