"""`campus book pdf` and `campus book epub`: the book and each course as files, from sources as they are now."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from tpc_courses.base.places import Places
from tpc_courses.base.problems import SourceError
from tpc_courses.sources.manifest import load_courses

from tpc_book.downloads.epub import write_epub
from tpc_book.downloads.forms import PEOPLE, pdf_folder, people_digest
from tpc_book.downloads.pdf import write_pdf
from tpc_book.downloads.volumes import volumes
from tpc_book.engine import engine
from tpc_book.engine.project import Project
from tpc_book.site.build import publish
from tpc_book.site.site import edition

Say = Callable[[str], None]


def write_epubs(places: Places, campus_url: str, folder: Path) -> Iterator[Path]:
    """Yield the EPUBs of the book and of each course, written to a folder; raises SourceError."""
    project = Project(places, load_courses(places), campus_url)
    project.write()
    if faults := engine.run(project):
        raise SourceError(faults)
    folder.mkdir(parents=True, exist_ok=True)
    book = edition(project)
    for volume in volumes(book, project.courses):
        file = folder / f"{volume.name}.epub"
        write_epub(book, volume, file)
        yield file


def print_pdfs(places: Places, campus_url: str, folder: Path | None = None, say: Say = print) -> list[Path]:
    """Print the book and each course, and offer them on its pages from now on; return the files.

    With `folder` they are copied there too. Raises PdfError, and BookError for faults in the sources.
    """
    project = Project(places, load_courses(places), campus_url)
    publish(project, say)  # its trees, styles and fonts are printed
    book, files, changed = edition(project), [], False
    for volume in volumes(book, project.courses):
        file = pdf_folder(places) / f"{volume.name}.pdf"
        printed = write_pdf(book, volume, places.site.resolve(), file)
        say(f"{file.name}: {'printed' if printed else 'unchanged'}, {file.stat().st_size / 2**20:.1f} MiB")
        changed |= printed
        files.append(file)
    (pdf_folder(places) / PEOPLE).write_text(people_digest(places))
    if changed:
        publish(project, say)
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        return [Path(shutil.copyfile(file, folder / file.name)) for file in files]
    return files
