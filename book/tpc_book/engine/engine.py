"""Jupyter Book's engine: from a project folder to syntax trees, and its faults as problems with file and line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from importlib.metadata import distribution
from pathlib import Path

import yaml
from tpc_courses.base.problems import Problem

from tpc_book.engine import changed, trees
from tpc_book.engine.described import undescribed
from tpc_book.engine.normalise import settle
from tpc_book.engine.prerender import drawing
from tpc_book.engine.project import ENGINE_FOLDER, Project

FAULT = re.compile(r"^(?:⛔️?|⚠️?)\s+(.*)$")
PLACE = re.compile(r"^([\w./-]+\.(?:md|ipynb|yml|bib))(?::(\d+)(?::\d+)?)?\s+(.*)$")
QUOTED = re.compile(r"[\"'<`]#?([^\"'<>`]{2,})[\"'>`]")
UNKNOWN = re.compile(
    r"unknown (?:directive|role): (\S+)|label \"(\S+)\"|not found: (?:term-)?(\S+)|option \"(\S+)\""
)
# What follows from another fault, or is none.
HARMLESS = re.compile(
    r"Link text is empty|unknown format for raw content|No page headings found|BASE_URL|is taking a while|"
    r"Cannot find asset for 'esm' \"/[\w.-]+-[0-9a-f]{32}\.mjs\"|"  # one that it has placed before, while it watches
    r"Treating content as text|'frontmatter' extra key ignored: (?:objectives|minutes|prerequisites)"
)
# What the engine would write in another way; the page is as meant.
HINTS = re.compile(
    r"to an implicit .* reference|Legacy syntax used|best practice|is deprecated|is not recommended|"
    r"Language is not defined for code block|option \".*\" used instead of|Replacing .begin|Wrapping with|"
    r"Removing matplotlib string|Page heading levels do not start|missing heading depth|should not contain spaces|"
    r"Duplicate index entry with different cases|Labelling an unnumbered math node"
)
REMEDIES = {
    "No target for internal reference": "Correct the label, or give one to what is meant: `(label)=` above it",
    "Could not link citation": "Add the work to book/content/references.bib, or correct its key",
    "Cross reference target was not found": "Add the word to book/data/glossary.yml, or correct the label",
    "unknown directive": "Correct its name; book/content/contract.md shows every one",
    "unknown role": "Correct its name; book/content/contract.md shows every one",
    "Could not find DOI": "Add the work to book/content/references.bib; the build asks nobody",
    "DOI is not valid": "Correct it; a DOI begins with 10. and stands in book/content/references.bib",
    "frontmatter": "Correct the lines between `---` at the top of the file",
    "Cannot find image": "Put the file beside the page, or correct its name",
    "unexpected option": "Remove it or correct its name",
    "Include Directive": "Correct the path; it begins at the page",
}
# Students get a lesson as one file.
IN_LESSONS = {"Cannot find image": "A lesson brings no files along; draw the picture in one of its cells"}


PROGRAM = "jupyter_book/dist/jupyter-book.cjs"
EXTRA_KEY = re.compile(r"extra key ignored: (\S+)")


class EngineError(RuntimeError):
    """The engine did not come to an end."""


def run(project: Project, say: Callable[[str], None] = lambda line: None) -> list[Problem]:
    """Bring the kept syntax trees up to date; return every fault of the sources, none if all is well.

    What the engine only advises is said, and hinders nothing.
    With faults, the trees stay those of the last good run. Raises EngineError when the engine itself fails.
    """
    now = trees.inputs(project)
    if trees.made_from(project.trees) == now or changed.update(project, now, partial(_run_some, project)):
        return []
    with drawing(project.folder / "lessons"):
        log, code, site = _start(project, project.folder)
    for note in sorted(set(problems(log, project, hints=True))):
        say(f"Note: {note.path}: {note.where}: {note.found}")
    faults = sorted({*problems(log, project), *undescribed(project, site)})
    if not faults and (code or not (site / "config.json").exists()):
        tail = "\n".join(log.splitlines()[-15:])
        raise EngineError(f"{tail}\nJupyter Book ended with code {code}. The book was not replaced.")
    if not faults:
        settle(site)
        trees.keep(project.trees, now, site)
    return faults


def _run_some(project: Project, folder: Path, others: Collection[str]) -> Path | None:
    """Return the trees that the engine makes in a folder; nothing when more is wrong than with the `others`."""
    log, code, site = _start(project, folder)
    faulty = any(name not in others for name, _, _ in _faults(log))
    if faulty or code or not (site / "config.json").exists() or [*undescribed(project, site)]:
        return None
    settle(site)
    return site


def _start(project: Project, folder: Path) -> tuple[str, int, Path]:
    """Run the engine in a folder; return what it said, its exit code, and where its trees are."""
    site = folder / ENGINE_FOLDER / "site"
    # What is left there of an earlier run would be taken for that of this one.
    shutil.rmtree(site, ignore_errors=True)
    done = subprocess.run(
        command("build", "--site"), cwd=folder, env=environment(project), capture_output=True, text=True
    )
    log = done.stdout + done.stderr
    (project.places.state / "book" / "build.log").write_text(log, encoding="utf-8")
    return log, done.returncode, site


def command(*arguments: str) -> list[str]:
    """Return how to call the engine: itself where there is a Node, else through Python, which says what is missing."""
    node, engine = shutil.which("node"), distribution("jupyter-book").locate_file(PROGRAM)
    if node and Path(str(engine)).exists():
        return [node, str(engine), *arguments]
    return [str(Path(sys.executable).with_name("jupyter-book")), *arguments]


def environment(project: Project) -> Mapping[str, str]:
    """Return the environment of the engine: our Python first, no asking for Node, no waiting at the start."""
    hooks = project.places.book / "theme" / "engine_start.cjs"
    return os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "NODE_OPTIONS": f'{os.environ.get("NODE_OPTIONS", "")} --require "{hooks}"'.strip(),
        "ENGINE_CACHE": str(project.places.state / "book"),
        "JB_ALLOW_NODEENV": "0",
        "MYST_LANG": "PYTHON",
        "NO_COLOR": "1",
    }


def problems(log: str, project: Project, hints: bool = False) -> Iterator[Problem]:
    """Yield what the engine found wrong, or only its hints; it prints both and goes on, also with `--strict`."""
    for name, number, said in _faults(log, hints):
        message = _for_authors(said, project)
        source = project.source_of(name)
        shown = source.relative_to(project.places.root).as_posix() if source else f"book: {name}"
        where = _line(source, name, number, message)
        remedies = REMEDIES | IN_LESSONS if name.startswith("lessons/") else REMEDIES
        remedy = next((text for part, text in remedies.items() if part in message), "Correct it")
        yield Problem(shown, f"line {where}" if where else "text", message.rstrip(".:"), remedy)


def _faults(log: str, hints: bool = False) -> Iterator[tuple[str, str | None, str]]:
    """Yield the file, the line and the words of what the engine found wrong."""
    for line in log.splitlines():
        fault = FAULT.match(line)
        if fault and not HARMLESS.search(line) and bool(HINTS.search(line)) == hints:
            place = PLACE.match(fault[1])
            yield (place[1], place[2], place[3]) if place else ("the book", None, fault[1])


def _for_authors(message: str, project: Project) -> str:
    """Return a message without the folder in which the engine works; authors know the names that they wrote."""
    message = re.sub(r'^(Cannot find image ".*") in .*$', r"\1", message)
    return message.replace(f"{project.folder.resolve().as_posix()}/", "")


def _line(source: Path | None, name: str, number: str | None, message: str) -> int | None:
    """Return the line of a fault in its source. In a lesson the engine counts within a cell, or not at all."""
    exact = number is not None and not name.endswith(".ipynb")
    if exact or source is None:
        return int(number) if number else None
    lines = source.read_text(encoding="utf-8").splitlines()
    if "Invalid YAML frontmatter" in message:
        return _line_of_yaml(lines)
    if key := EXTRA_KEY.search(message):
        return next((n for n, line in enumerate(lines, start=1) if line.startswith(f"{key[1]}:")), None)
    named = [
        *QUOTED.findall(message),
        *(word for found in UNKNOWN.findall(message) for word in found if word),
    ]
    for word in named:
        for index, line in enumerate(lines, start=1):
            if word.strip("\"'#.") in line:
                return index
    return None


def _line_of_yaml(lines: list[str]) -> int | None:
    """Return the line at which the front matter of a page stops being YAML."""
    end = next((index for index, line in enumerate(lines[1:], start=1) if line.startswith("---")), len(lines))
    try:
        yaml.safe_load("\n".join(lines[1:end]))
    except yaml.MarkedYAMLError as e:
        return e.problem_mark.line + 2 if e.problem_mark else None
    return None
