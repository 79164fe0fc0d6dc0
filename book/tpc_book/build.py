"""Builds the book: lessons and hand-written pages to a site that replaces the last one as a whole."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import yaml
from pygments.formatters import HtmlFormatter
from tpc_courses.lesson import notebook_from, read_lesson
from tpc_courses.manifest import Course, load_courses
from tpc_courses.places import Places

from tpc_book.execution import executed, is_current, run_lessons

Say = Callable[[str], None]
# What the engine prints for a fault that it does not count as one.
FAULTS = re.compile(r"⛔|unknown directive|theme error|no renderer|Error fetching", re.IGNORECASE)
BASE_URL = "/book"


class BookError(RuntimeError):
    """The book could not be built; the last good one stays."""


def build_book(places: Places, campus_url: str, execute: bool = True, say: Say = print) -> Path:
    """Return the folder of the published book, built anew.

    With `execute` the lessons run first. Only a build without faults replaces the site; raises BookError.
    """
    courses = load_courses(places)
    slugs = list(dict.fromkeys(slug for course in courses for slug in course.lessons))
    if not places.site.exists():
        # Readers get the text at once; outputs follow when the lessons have run.
        _render(places, courses, slugs, {}, campus_url)
        say("Book: readable, outputs follow")
    records = run_lessons(places, slugs, say) if execute else {}
    _render(places, courses, slugs, records, campus_url)
    say(f"Book: built with {len(slugs)} lessons")
    failed = {slug: str(record["error"]) for slug, record in records.items() if record["status"] == "failed"}
    if failed:
        reasons = "\n".join(
            f"notebooks/{slug}.md: {error.strip().splitlines()[-1]}" for slug, error in failed.items()
        )
        raise BookError(f"{reasons}\nThese lessons did not run; their pages show the last good outputs.")
    return places.site


def _render(
    places: Places, courses: tuple[Course, ...], slugs: list[str], records: dict[str, Any], campus_url: str
) -> None:
    project = places.state / "book" / "src"
    _assemble(places, courses, slugs, project)
    (project / "records.json").write_text(json.dumps(records))
    log = _run_engine(places, project, campus_url)
    html = project / "_build" / "html"
    if FAULTS.search(log) or not (html / "index.html").exists():
        lines = [line for line in log.splitlines() if FAULTS.search(line)] or log.splitlines()[-15:]
        raise BookError("\n".join(lines) + f"\nThe book was not replaced. The sources are in {project}.")
    _publish(html, places.site)


def _assemble(places: Places, courses: tuple[Course, ...], slugs: list[str], project: Path) -> None:
    """Write the project folder that the engine reads."""
    shutil.rmtree(project, ignore_errors=True)
    shutil.copytree(places.book / "content", project)
    for slug in slugs:
        target = project / "lessons" / f"{slug}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        source = executed(places, slug)
        usable = source.exists() and is_current(places, slug)
        notebook = nbformat.read(source, as_version=4) if usable else notebook_from(places.lesson(slug))
        nbformat.write(_presentable(notebook, slug, read_lesson(places.lesson(slug)).title), target)
    theme = project / "theme"
    shutil.copytree(places.book / "theme", theme)
    _write_assets(places, theme / "public")
    (project / "myst.yml").write_text(
        yaml.safe_dump(_project(places, courses), sort_keys=False, allow_unicode=True)
    )


def _presentable(notebook: nbformat.NotebookNode, slug: str, title: str) -> nbformat.NotebookNode:
    """Return the notebook as a page: titled, without the cells that steer papermill."""
    hidden = {"parameters", "injected-parameters"}
    notebook.cells = [cell for cell in notebook.cells if not hidden & set(cell.metadata.get("tags", []))]
    for cell in notebook.cells:
        # Ids come from the content: an equal cell in two lessons would have the same one twice in the book.
        cell["id"] = f"{slug.replace('/', '-')}-{cell['id']}"[:64]
    notebook.metadata = nbformat.NotebookNode(
        title=title, kernelspec={"name": "python3", "display_name": "Python 3", "language": "python"}
    )
    return notebook


def _project(places: Places, courses: tuple[Course, ...]) -> dict[str, Any]:
    toc: list[dict[str, Any]] = [{"file": "index.md"}]
    toc += [
        {"file": path.name} for path in sorted((places.book / "content").glob("*.md")) if path.stem != "index"
    ]
    for course in courses:
        children = [{"file": f"lessons/{slug}.ipynb"} for slug in course.lessons]
        toc.append({"title": course.title, "children": children})
    rules = ("reference-target-resolves", "link-resolves", "image-exists", "math-renders")
    return {
        "version": 1,
        "project": {
            "title": "TPC Campus",
            "description": "Lessons on scaling, data and evaluation for large AI models in science.",
            "license": {"content": "CC-BY-4.0", "code": "BSD-3-Clause"},
            "toc": toc,
            "error_rules": [
                *({"rule": rule, "severity": "error"} for rule in rules),
                # The engine asks doi.org for every link to it; without the network that is no fault.
                {"rule": "doi-link-valid", "severity": "ignore"},
            ],
        },
        "site": {"template": "theme", "options": {"folders": True}},
    }


def _write_assets(places: Places, public: Path) -> None:
    """Put styles, script, fonts and KaTeX where the engine publishes them; all from this machine."""
    public.mkdir(parents=True, exist_ok=True)
    static = public.parent / "static"
    for path in static.iterdir():
        shutil.copy(path, public / path.name)
    modules = places.root / "node_modules"
    fonts = {
        "inter.woff2": "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
        "code.woff2": "@fontsource-variable/source-code-pro/files/source-code-pro-latin-wght-normal.woff2",
    }
    for name, source in fonts.items():
        shutil.copy(modules / source, public / name)
    katex = modules / "katex" / "dist"
    text = (katex / "katex.min.css").read_text()
    (public / "katex.css").write_text(
        re.sub(r",url\(fonts/[^)]*\.(?:woff|ttf)\)\s*format\([^)]*\)", "", text)
    )
    (public / "fonts").mkdir(exist_ok=True)
    for path in (katex / "fonts").glob("*.woff2"):
        shutil.copy(path, public / "fonts" / path.name)
    styles = HtmlFormatter(style="default").get_style_defs(".code")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".code")
    with (public / "book.css").open("a") as file:
        file.write(f"\n{styles}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n")
        file.write(".code { background: var(--panel); }\n")


def _run_engine(places: Places, project: Path, campus_url: str) -> str:
    folder = os.path.dirname(sys.executable)
    environment = os.environ | {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "BASE_URL": BASE_URL,
        "CAMPUS_URL": campus_url,
        "CAMPUS_RUN_RECORDS": str(project / "records.json"),
        "JB_ALLOW_NODEENV": "0",
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        ["jupyter-book", "build", "--html", "--strict"],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
    )
    log = done.stdout + done.stderr
    (places.state / "book" / "build.log").write_text(log)
    if done.returncode:
        raise BookError(
            f"{log[-3000:]}\nJupyter Book ended with code {done.returncode}. The book was not replaced."
        )
    return log


def _publish(html: Path, site: Path) -> None:
    """Replace the site by one rename of a link, so that a reader never meets half a book."""
    site.parent.mkdir(parents=True, exist_ok=True)
    edition = site.parent / f"edition-{uuid.uuid4().hex[:8]}"
    try:
        shutil.copytree(html, edition)
    except OSError as e:
        shutil.rmtree(edition, ignore_errors=True)
        free = shutil.disk_usage(site.parent).free // 2**20
        raise BookError(
            f"{edition}: cannot be written, {free} MiB free. The last good book stays; free some space."
        ) from e
    link = site.parent / f"{edition.name}.link"
    link.symlink_to(edition.name)
    link.replace(site)
    for old in site.parent.glob("edition-*"):
        if old.is_dir() and not old.is_symlink() and old.name != edition.name:
            shutil.rmtree(old)
