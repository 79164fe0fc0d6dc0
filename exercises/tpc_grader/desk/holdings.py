"""What grading holds of a person beside the campus's database: gradebooks and course folders, shown and removed."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from tpc_courses.base.places import Places

# nbgrader's tables that hold a student's rows, deepest first, and which rows those are.
_WORK = "select id from submitted_assignment where student_id = :name"
_NOTEBOOKS = f"select id from submitted_notebook where assignment_id in ({_WORK})"
TABLES = {
    "comment": f"notebook_id in ({_NOTEBOOKS})",
    "grade": f"notebook_id in ({_NOTEBOOKS})",
    "submitted_notebook": f"assignment_id in ({_WORK})",
    "submitted_assignment": "student_id = :name",
    "student": "id = :name",
}
STEPS = ("submitted", "autograded", "feedback")


def gradebook_rows(places: Places, course: str, name: str) -> dict[str, list[dict[str, object]]]:
    """Return table -> a student's rows in a course's gradebook."""
    path = places.nbgrader(course) / "gradebook.db"
    if not path.exists():
        return {}
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as book:
        book.row_factory = sqlite3.Row
        return {
            table: [dict(row) for row in book.execute(f"select * from {table} where {which}", {"name": name})]
            for table, which in TABLES.items()
        }


def forget(places: Places, name: str) -> None:
    """Remove a student from every gradebook and course folder."""
    for path in sorted(places.state.glob("nbgrader/*/gradebook.db")):
        with contextlib.closing(sqlite3.connect(path, timeout=30)) as book, book:
            for table, which in TABLES.items():
                book.execute(f"delete from {table} where {which}", {"name": name})
    for folder in folders(places, name):
        _make_removable(folder)
        shutil.rmtree(folder)


def folders(places: Places, name: str) -> Iterator[Path]:
    """Yield the folders of a student in nbgrader's folders of all courses."""
    for course in sorted(places.state.glob("nbgrader/*")):
        yield from (course / step / name for step in STEPS if (course / step / name).is_dir())


def _make_removable(folder: Path) -> None:
    """Let what nbgrader left read-only be removed by who is not root."""
    for path in (folder, *(each for each in folder.rglob("*") if each.is_dir() and not each.is_symlink())):
        path.chmod(0o700)
