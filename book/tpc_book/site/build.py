"""Builds the book: lessons and hand-written pages to a site that replaces the last one as a whole."""

from __future__ import annotations

import errno
import json
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from tpc_courses.base.places import Places
from tpc_courses.base.problems import SourceError
from tpc_courses.base.words import counted
from tpc_courses.sources.manifest import load_courses

from tpc_book.data.sources import of_book
from tpc_book.downloads.forms import drop_pdfs_of_others
from tpc_book.downloads.volumes import ChapterError
from tpc_book.engine import engine
from tpc_book.engine.project import Project
from tpc_book.lessons.execution import failures, run_changed
from tpc_book.site import after, site

Say = Callable[[str], None]


class BookError(RuntimeError):
    """The book could not be built; the last good one stays."""


def build_book(places: Places, campus_url: str, execute: bool = True, say: Say = print) -> Path:
    """Return the folder of the published book, built anew.

    With `execute` the lessons that changed run first, and where there is no book yet, readers get the text at
    once and each output as its lesson has run. Only a build without faults replaces the site; raises BookError.
    """
    project = Project(places, load_courses(places), campus_url)
    if execute:
        _run_lessons(project, say)
    publish(project, say)
    say(f"Book: built with {counted(len(project.slugs), 'lesson')}")
    if failed := failures(places, project.slugs) if execute else []:
        reasons = "\n".join(map(str, failed))
        raise BookError(f"{reasons}\nThese lessons did not run; their pages show the last good outputs.")
    return places.site


def _run_lessons(project: Project, say: Say) -> None:
    """Run the lessons that changed. On a first build the book is readable before, and grows as they end."""
    first = not project.places.site.exists()
    if first:
        publish(project, say, complete=False)
        say("Book: readable, outputs follow")
    for _ in run_changed(project.places, project.slugs, say):
        if first:
            publish(project, say, complete=False)


def publish(project: Project, say: Say = print, complete: bool = True) -> None:
    """Write the book from the sources and what has run, and put it in the place of the last; raises BookError.

    Where nothing has changed since, nothing is done. Other forms of the book are made only when it is `complete`.
    """
    places = project.places
    sources = of_book(places, project.campus_url, project.kept.makers)
    if complete and _is_of(places, sources):
        return
    edition = places.site.parent / f"edition-{uuid.uuid4().hex[:8]}"
    try:
        project.write()
        if faults := engine.run(project, say):
            raise SourceError(faults)
        edition.mkdir(parents=True)
        drop_pdfs_of_others(places)
        book = site.edition(project, forms=complete)
        for note in site.write_site(project, edition, book):
            say(f"Note: {note}")
        if complete:
            after.finish(edition, project, book)
        _replace(edition, places.site)
        if complete:
            project.kept.forget_unused()
            # Pages that were kept ask for no drawing, but will when they change.
            project.drawings.forget_unused(days=30)
            _record(places).write_text(json.dumps([edition.name, sources]), encoding="utf-8")
    except (SourceError, site.PageError, ChapterError, engine.EngineError) as e:
        shutil.rmtree(edition, ignore_errors=True)
        raise BookError(f"{e}\nThe book was not replaced; readers see the last good one.") from e
    except OSError as e:
        shutil.rmtree(edition, ignore_errors=True)
        raise BookError(f"{e}. The last good book stays; {_remedy(places, e)}, then build again.") from e


def _remedy(places: Places, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{shutil.disk_usage(places.site.parent).free // 2**20} MiB are free: free some space"
    if isinstance(error, FileNotFoundError) and "node_modules" in Path(str(error.filename)).parts:
        return "the npm packages are not installed: run `make install`, or `npm ci`"
    return "mend that"


def _is_of(places: Places, sources: str) -> bool:
    """Return whether the published book is a whole one, made of these sources."""
    try:
        made = json.loads(_record(places).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return False
    return bool(made == [places.site.resolve().name, sources] and (places.site / "index.html").exists())


def _record(places: Places) -> Path:
    return places.site.parent / "published.json"


def _replace(edition: Path, published: Path) -> None:
    """Replace the site by one rename of a link, so that a reader never meets half a book."""
    link = published.parent / f"{edition.name}.link"
    link.symlink_to(edition.name)
    link.replace(published)
    for old in published.parent.glob("edition-*"):
        if old.is_dir() and not old.is_symlink() and old.name != edition.name:
            shutil.rmtree(old)
