"""Lays out the folder that the engine builds: hand-written pages, lessons, table of contents, theme."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import nbformat
import yaml
from nbformat import NotebookNode
from tpc_courses.lesson import Lesson, notebook_from, read_lesson
from tpc_courses.manifest import Course
from tpc_courses.places import Places

from tpc_book.execution import Run, executed_notebook, last_good_run
from tpc_book.theme_outputs import widget_file, widget_modules

_VENDOR = {
    "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2": "inter.woff2",
    "@fontsource-variable/inter/LICENSE": "inter-LICENSE",
    "@fontsource-variable/source-code-pro/files/source-code-pro-latin-wght-normal.woff2": "source-code-pro.woff2",
    "@fontsource-variable/source-code-pro/LICENSE": "source-code-pro-LICENSE",
    "katex/dist/katex.css": "katex/katex.css",
    "katex/LICENSE": "katex/LICENSE",
}


def lay_out(places: Places, courses: tuple[Course, ...], campus_url: str, folder: Path) -> str:
    """Write the project into the new `folder`; returns a digest of everything in it."""
    folder.mkdir(parents=True)
    lessons = {slug: read_lesson(places.lesson(slug)) for course in courses for slug in course.lessons}
    shutil.copytree(places.book / "theme", folder / "theme")
    _copy_vendor(places, folder / "theme" / "public" / "vendor")
    for path in sorted((places.book / "content").glob("*.md")):
        text = path.read_text(encoding="utf-8").replace("{{campus}}", campus_url)
        text = text.replace("% courses\n", _course_list(courses, lessons))
        (folder / path.name).write_text(text, encoding="utf-8")
    for lesson in lessons.values():
        _write_lesson(places, lesson, folder)
    _write_facts(places, courses, lessons, campus_url, folder / "theme" / "facts.json")
    _write_configuration(places, courses, folder)
    return _digest(folder)


def _write_lesson(places: Places, lesson: Lesson, folder: Path) -> None:
    executed = executed_notebook(places, lesson.slug)
    notebook = (
        nbformat.read(executed, as_version=4)
        if executed.exists()
        else notebook_from(places.lesson(lesson.slug))
    )
    cells = [c for c in notebook.cells if "injected-parameters" not in c.metadata.get("tags", [])]
    front = yaml.safe_dump({"title": lesson.title, "description": lesson.description or lesson.title})
    heading = nbformat.v4.new_markdown_cell(f"---\n{front}---")
    heading["id"] = "front-matter"
    notebook.cells = [heading, *_without_title(cells)]
    for cell in notebook.cells:
        # Ids are unique in a notebook; the engine wants them unique in the book.
        cell["id"] = f"{lesson.slug.replace('/', '-')}-{cell['id']}"[:64]
        # Readers learn nothing from papermill's timings, and they would change the digest.
        cell.metadata.pop("papermill", None)
    notebook.metadata.pop("papermill", None)
    for module in widget_modules(notebook.metadata):
        target = folder / "theme" / "public" / widget_file(module)
        target.parent.mkdir(exist_ok=True)
        target.write_text(module, encoding="utf-8")
    path = folder / f"{lesson.slug}.ipynb"
    path.parent.mkdir(exist_ok=True)
    nbformat.write(notebook, path)


def _without_title(cells: list[NotebookNode]) -> list[NotebookNode]:
    """Drop the heading that repeats the title: the page shows the one in the front matter."""
    if cells and cells[0].cell_type == "markdown" and cells[0].source.startswith("# "):
        cells[0].source = cells[0].source.partition("\n")[2].lstrip("\n")
    return cells


def _course_list(courses: tuple[Course, ...], lessons: dict[str, Lesson]) -> str:
    parts = []
    for course in courses:
        rows = "\n".join(
            f"{number}. [{lessons[slug].title}](./{slug}.ipynb), {lessons[slug].minutes} minutes"
            for number, slug in enumerate(course.lessons, start=1)
        )
        parts.append(f"### {course.title}\n\n{course.summary}\n\n{rows}\n")
    return "\n".join(parts)


def _write_facts(
    places: Places, courses: tuple[Course, ...], lessons: dict[str, Lesson], campus_url: str, path: Path
) -> None:
    course_of = {slug: course.title for course in reversed(courses) for slug in course.lessons}
    facts = {
        slug: {
            "course": course_of[slug],
            "description": lesson.description,
            "minutes": lesson.minutes,
            "objectives": lesson.objectives,
            "prerequisites": [
                _prerequisite(need.lesson, need.text, lessons) for need in lesson.prerequisites
            ],
            "open_url": f"{campus_url}/open/{slug}",
            "last_run": _last_run(last_good_run(places, slug)),
        }
        for slug, lesson in lessons.items()
    }
    path.write_text(json.dumps({"campus_url": campus_url, "lessons": facts}, indent=1), encoding="utf-8")


def _prerequisite(slug: str | None, text: str | None, lessons: dict[str, Lesson]) -> dict[str, str | None]:
    known = slug if slug in lessons else None
    return {"text": text or (lessons[known].title if known else slug), "lesson": known}


def _last_run(run: Run | None) -> str:
    if run is None:
        return "This lesson has not run here yet, so its results are not shown."
    versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    when = f"{run.finished.day} {run.finished:%B %Y, %H:%M} UTC"
    return f"Last run {when}: {run.seconds:.0f} s, {run.peak_memory_mib} MiB, with {versions}."


def _write_configuration(places: Places, courses: tuple[Course, ...], folder: Path) -> None:
    configuration: dict[str, Any] = yaml.safe_load((places.book / "myst.yml").read_text(encoding="utf-8"))
    toc: list[dict[str, Any]] = [{"file": "index.md"}]
    seen: set[str] = set()
    for course in courses:
        # A lesson of two courses has one page, under the first.
        own = [slug for slug in course.lessons if slug not in seen]
        seen.update(own)
        if own:
            toc.append({"title": course.title, "children": [{"file": f"{slug}.ipynb"} for slug in own]})
    pages = sorted((places.book / "content").glob("*.md"))
    toc += [{"file": path.name} for path in pages if path.name != "index.md"]
    configuration["project"]["toc"] = toc
    (folder / "myst.yml").write_text(yaml.safe_dump(configuration, sort_keys=False), encoding="utf-8")


def _copy_vendor(places: Places, target: Path) -> None:
    modules = places.root / "node_modules"
    for source, name in _VENDOR.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(modules / source, target / name)
    (target / "katex" / "fonts").mkdir()
    for font in (modules / "katex" / "dist" / "fonts").glob("*.woff2"):
        shutil.copy(font, target / "katex" / "fonts")


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    # The renderers shape the pages as much as the sources do.
    code = Path(__file__).parent
    for path in (*sorted(folder.rglob("*")), *sorted(code.glob("*.py"))):
        if path.is_file():
            root = folder if path.is_relative_to(folder) else code
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
