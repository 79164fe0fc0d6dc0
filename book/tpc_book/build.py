"""Builds the book from the lessons and publishes it in one step; a failure leaves the last good book."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tpc_courses.manifest import Course, load_courses
from tpc_courses.places import Places

from tpc_book.engine import BookError, build_html
from tpc_book.execution import run_lessons
from tpc_book.project import lay_out

Say = Callable[[str], None]


def build_book(places: Places, campus_url: str, execute: bool = True, say: Say = print) -> Path:
    """Bring the published book up to date; returns its folder.

    With `execute`, changed lessons run first; where no book is published yet, one without their results is
    published before. Raises BookError, also for a full disk; the book published before then stays.
    """
    courses = load_courses(places)
    with _one_at_a_time(places):
        try:
            if execute and not places.site.exists():
                _publish(places, courses, campus_url, say)
            if execute:
                run_lessons(places, (slug for course in courses for slug in course.lessons), say)
            return _publish(places, courses, campus_url, say)
        except OSError as e:
            raise BookError(f"the book was not built, the last good one stays: {e}") from e


def _publish(places: Places, courses: tuple[Course, ...], campus_url: str, say: Say) -> Path:
    folder = places.state / "book" / "src"
    shutil.rmtree(folder, ignore_errors=True)
    edition = lay_out(places, courses, campus_url, folder)[:16]
    target = places.state / "book" / "editions" / edition
    if not target.exists():
        html = build_html(folder, places.logs / "book.log")
        target.parent.mkdir(exist_ok=True)
        os.replace(html, target)
        say(f"Book: {sum(1 for _ in target.rglob('index.html'))} pages")
    _point(places.site, target)
    _forget_older(target)
    return places.site


def _point(site: Path, edition: Path) -> None:
    """Let `site` lead to the edition: a renamed link, so that no reader meets half a book."""
    if site.is_dir() and not site.is_symlink():
        shutil.rmtree(site)
    draft = site.with_name("html.new")
    draft.unlink(missing_ok=True)
    draft.symlink_to(edition.relative_to(site.parent))
    os.replace(draft, site)


def _forget_older(kept: Path) -> None:
    """Keep two editions: a reader may be in the middle of a page of the one before."""
    others = sorted(
        (path for path in kept.parent.iterdir() if path != kept), key=lambda path: path.stat().st_mtime
    )
    for path in others[:-1]:
        shutil.rmtree(path)


@contextmanager
def _one_at_a_time(places: Places) -> Iterator[None]:
    """Wait for another build of the same state; its lock ends with its process."""
    folder = places.state / "book"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
