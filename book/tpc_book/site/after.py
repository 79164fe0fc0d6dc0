"""What is made of the finished pages: search engines' files, other forms of the book, Python in the browser."""

from __future__ import annotations

from pathlib import Path

from tpc_book.downloads.forms import FOLDER, write_forms
from tpc_book.downloads.volumes import BOOK
from tpc_book.engine.project import Project
from tpc_book.lessons import lite_notebooks
from tpc_book.site.offline import pack
from tpc_book.theme.page import Edition


def finish(html: Path, project: Project, book: Edition) -> None:
    """Add files to the folder of finished pages, before readers see it."""
    write_forms(book, project.places, project.courses, html)
    pack(project, html / FOLDER / f"{BOOK}.zip", book.content.folder)
    lite_notebooks.stock(project.places, project.slugs, html / "lite", project.kept)
