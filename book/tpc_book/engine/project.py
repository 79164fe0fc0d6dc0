"""The folder that the engine reads: hand-written pages, pages made from data, lessons with their outputs.

Only what changed is written, so that the engine, which watches the folder while somebody writes, does little.
"""

from __future__ import annotations

import functools
import json
import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import yaml
from tpc_courses.base.places import Places
from tpc_courses.base.problems import Problem, SourceError
from tpc_courses.sources.manifest import Course

from tpc_book.base.cache import Kept, kept_texts
from tpc_book.data.outreach import Term, load_outreach
from tpc_book.data.sources import of_generated
from tpc_book.engine.dead_links import dead_links
from tpc_book.engine.misread import misread
from tpc_book.engine.outside_links import REMEDY, leads_out, stray_paths
from tpc_book.lessons import lessons
from tpc_book.lessons.showcase import showcases
from tpc_book.pages import generated
from tpc_book.render.diagram import drawings

ENGINE_FOLDER = "_build"
# What the theme says around lessons; the engine does not read it.
LESSONS = "lessons.json"
# A file that is no page: when it changes, the engine that watches makes all pages anew, not only those that changed.
ALL_ANEW = "all-anew.txt"
# What only graders may see must not pass into the book.
SECRETS = re.compile(r"### (?:BEGIN|END) (?:SOLUTION|HIDDEN TESTS)")


@dataclass(frozen=True)
class Project:
    """A folder for the engine, and where its files come from."""

    places: Places
    courses: tuple[Course, ...]
    campus_url: str

    @property
    def folder(self) -> Path:
        return self.places.state / "book" / "src"

    @property
    def trees(self) -> Path:
        """Return where the trees of the engine's last good run are kept."""
        return self.places.state / "book" / "trees"

    @functools.cached_property
    def kept(self) -> Kept:
        """Return what earlier builds made."""
        return kept_texts(self.places)

    @functools.cached_property
    def drawings(self) -> Kept:
        """Return the diagrams that were drawn before."""
        return drawings(self.places)

    @property
    def book_url(self) -> str:
        """Return the address of the book, which stands on the hub's own host and not on that of the service."""
        return self.campus_url.removesuffix("/services/campus").replace("//campus--service.", "//") + "/book"

    @property
    def slugs(self) -> list[str]:
        """Return the lessons of all courses, each once, in their order."""
        return list(dict.fromkeys(slug for course in self.courses for slug in course.lessons))

    @property
    def template(self) -> str:
        return str(_declared(self.places)["site"]["template"])

    def write(self) -> None:
        """Bring the folder up to date with the sources; raises SourceError."""
        wanted = {"myst.yml", LESSONS, ALL_ANEW}
        content = self.places.book / "content"
        for path in sorted(content.rglob("*")):
            name = path.relative_to(content).as_posix()
            if leads_out(path, content):
                found = f"is a link to {path.readlink() if path.is_symlink() else path.resolve()}"
                raise SourceError([Problem(f"book/content/{name}", "file", found, REMEDY)])
            if path.is_file():
                wanted.add(self._put(name, path.read_bytes()))
        made = self._generated()
        about = made.pop(LESSONS)
        terms = load_outreach(self.places).glossary
        made |= {f"lessons/{slug}.ipynb": self._lesson(slug, terms) for slug in self.slugs}
        wanted |= {self._put(name, text.encode()) for name, text in made.items()}
        shutil.copytree(self.places.book / "theme", self.folder / "theme", dirs_exist_ok=True)
        self._put(LESSONS, about.encode())
        self._remove_strangers(wanted)
        if faults := [*self._dead_links(), *self._misread()]:
            raise SourceError(faults)
        configuration = yaml.safe_dump(self._configuration([*made]), sort_keys=False, allow_unicode=True)
        self._put("myst.yml", configuration.encode())

    def _dead_links(self) -> Iterator[Problem]:
        files = [name for name, _ in self.engine_files()]
        pages = {name: (self.folder / name).read_text("utf-8") for name in files if name.endswith(".md")}
        return dead_links(pages, {*files}, {name: self._shown(name) for name in pages})

    def _misread(self) -> Iterator[Problem]:
        sources = [
            self.source_of(name) for name, _ in self.engine_files() if name.endswith((".md", ".ipynb"))
        ]
        for path in filter(None, sources):
            if path.suffix == ".md":
                yield from misread(path.relative_to(self.places.root).as_posix(), path.read_text("utf-8"))

    def ask_for_all(self) -> None:
        """Have the engine that watches make all pages anew, as a whole build would."""
        self._put(ALL_ANEW, str(time.time_ns()).encode())

    def _lesson(self, slug: str, terms: Mapping[str, Term]) -> str:
        def make() -> str:
            return str(nbformat.writes(lessons.presentable(self.places, slug, terms)))

        return self.kept.text(make, "lesson", slug, *lessons.sources(self.places, slug), terms)

    def engine_files(self) -> Iterator[tuple[str, Path]]:
        """Yield the name of each file that the engine reads, and its path."""
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder)
            if path.is_file() and name.parts[0] not in {ENGINE_FOLDER, LESSONS, ALL_ANEW}:
                yield name.as_posix(), path

    def source_of(self, name: str) -> Path | None:
        """Return the source of a file in the folder; None for one that was made from data."""
        if name.startswith("lessons/"):
            return self.places.lesson(name.removeprefix("lessons/").rsplit(".", 1)[0])
        path = self.places.book / "content" / name
        return path if path.exists() else None

    def _shown(self, name: str) -> str:
        source = self.source_of(name)
        return source.relative_to(self.places.root).as_posix() if source else f"book: {name}"

    def _generated(self) -> dict[str, str]:
        """Return name -> text of every file that is made from data, but for lessons."""

        def make() -> str:
            made = {f"{name}.md": text for name, text in generated.pages(self.places, self.courses).items()}
            made["runs.md"] = lessons.runs_page(self.places, self.slugs)
            made |= generated.files(self.places, self.book_url)
            made |= {one.file: one.module for one in showcases(self.places, self.courses).values()}
            about = lessons.about(self.places, self.slugs, self.campus_url, self.book_url)
            made[LESSONS] = json.dumps(about, ensure_ascii=False)
            return json.dumps(made, ensure_ascii=False)

        return dict(json.loads(self.kept.text(make, "generated", of_generated(self.places, self.campus_url))))

    def _put(self, name: str, data: bytes) -> str:
        """Write a file if it is not like that yet; return its name."""
        found = (
            SECRETS.search(data.decode("utf-8", errors="ignore"))
            if name.endswith((".md", ".ipynb"))
            else None
        )
        if found:
            remedy = "Solutions and hidden tests belong into exercises/, which the book does not read"
            raise SourceError([Problem(name, "text", f"holds {found[0]!r}", remedy)])
        if name.endswith((".md", ".ipynb")):
            text = data.decode("utf-8", errors="ignore")
            if strays := [*stray_paths(name, self._shown(name), text, self.folder)]:
                raise SourceError(strays)
        path = self.folder / name
        if not path.exists() or path.read_bytes() != data:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return name

    def _remove_strangers(self, wanted: set[str]) -> None:
        kept = {ENGINE_FOLDER, "theme"}
        for path in self.folder.rglob("*"):
            name = path.relative_to(self.folder)
            if path.is_file() and name.parts[0] not in kept and name.as_posix() not in wanted:
                path.unlink()

    def _configuration(self, made: Sequence[str]) -> dict[str, Any]:
        """Return the engine's configuration: what book/myst.yml declares, and what follows from the sources."""
        declared = _declared(self.places)
        aside = {ENGINE_FOLDER, "theme", "parts"}
        paths = [path.relative_to(self.folder) for path in self.folder.rglob("*.md")]
        names = sorted(path.with_suffix("").as_posix() for path in paths if path.parts[0] not in aside)
        start, *others = generated.contents(names)
        courses = [
            {
                "file": f"courses/{course.id}.md",
                "children": [{"file": f"lessons/{slug}.ipynb"} for slug in course.lessons],
            }
            for course in self.courses
        ]
        # What readers come for stands before what they look up.
        toc = [{"file": "index.md"}, start, *courses, *others]
        feeds = [name for name in made if name.endswith((".ics", ".xml"))]
        return {**declared, "project": {**declared["project"], "toc": toc, "static_files": feeds}}


def _declared(places: Places) -> dict[str, Any]:
    return dict(yaml.safe_load((places.book / "myst.yml").read_text(encoding="utf-8")))
