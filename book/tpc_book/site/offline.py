"""The book as a zip: unpacked on any disk, its first page opens in a browser, and search and figures work."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

from tpc_courses.base.places import Places
from tpc_courses.base.problems import SourceError
from tpc_courses.sources.manifest import load_courses

from tpc_book.engine import engine
from tpc_book.engine.project import Project
from tpc_book.site.site import edition, write_site

FOLDER = "tpc-campus"


def write_zip(places: Places, campus_url: str, file: Path) -> int:
    """Write the book to a zip file and return its number of pages; raises SourceError for faults in the sources.

    Lessons show the outputs of their last run. The file is replaced only when the new one is complete.
    """
    project = Project(places, load_courses(places), campus_url)
    project.write()
    if faults := engine.run(project):
        raise SourceError(faults)
    return pack(project, file)


def pack(project: Project, file: Path, trees: Path | None = None) -> int:
    """Write the book of the engine's last run, or of other trees, to a zip file; returns its number of pages."""
    with tempfile.TemporaryDirectory(dir=file.absolute().parent) as scratch:
        site, new = Path(scratch) / FOLDER, Path(scratch) / "new.zip"
        site.mkdir()
        write_site(project, site, edition(project, index_files=True, trees=trees))
        with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(site.rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(site.parent).as_posix())
        pages = len(list(site.rglob("index.html")))
        new.replace(file)
    return pages
