"""A campus tree with a book of its own, which a test may change and break."""

from __future__ import annotations

import shutil
from pathlib import Path

from campus_tree import REPOSITORY, make_tree
from tpc_courses.base.places import Places

CAMPUS = "http://campus.test/services/campus"


def make_book_tree(folder: Path) -> Places:
    """Write a small campus tree whose book is a copy of the repository's."""
    places = make_tree(folder / "root", folder / "state")
    places.book.unlink()
    shutil.copytree(REPOSITORY / "book", places.book)
    return places
