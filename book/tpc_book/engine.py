"""Jupyter Book's engine: from a project folder to syntax trees, and its faults as problems with file and line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml
from tpc_courses.problems import Problem

from tpc_book.described import undescribed
from tpc_book.project import Project
from tpc_book.settled import settle

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


EXTRA_KEY = re.compile(r"extra key ignored: (\S+)")


class EngineError(RuntimeError):
    """The engine did not come to an end."""


def run(project: Project) -> list[Problem]:
    """Write the syntax trees to `_build/site`; return every fault of the sources, none if all is well.

    Raises EngineError when the engine itself fails.
    """
    site = project.folder / "_build" / "site"
    # What is left there of an earlier run would be taken for that of this one.
    shutil.rmtree(site, ignore_errors=True)
    done = subprocess.run(
        command("build", "--site"),
        cwd=project.folder,
        env=environment(project),
        capture_output=True,
        text=True,
    )
    log = done.stdout + done.stderr
    (project.places.state / "book" / "build.log").write_text(log, encoding="utf-8")
    faults = sorted({*problems(log, project), *undescribed(project, site)})
    if not faults and (done.returncode or not (site / "config.json").exists()):
        tail = "\n".join(log.splitlines()[-15:])
        raise EngineError(
            f"{tail}\nJupyter Book ended with code {done.returncode}. The book was not replaced."
        )
    if not faults:
        settle(site)
    return faults


def command(*arguments: str) -> list[str]:
    return [str(Path(sys.executable).with_name("jupyter-book")), *arguments]


def environment(project: Project) -> Mapping[str, str]:
    """Return the environment of the engine: our Python first, no asking for Node, no waiting for timers."""
    timers = project.places.book / "theme" / "engine_timers.cjs"
    options = f'{os.environ.get("NODE_OPTIONS", "")} --require "{timers}"'.strip()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return os.environ | {"PATH": path, "NODE_OPTIONS": options, "JB_ALLOW_NODEENV": "0", "NO_COLOR": "1"}


def problems(log: str, project: Project) -> Iterator[Problem]:
    """Yield what the engine found wrong; it prints such lines and goes on, also with `--strict`."""
    for line in log.splitlines():
        fault = FAULT.match(line)
        if not fault or HARMLESS.search(line):
            continue
        place = PLACE.match(fault[1])
        name, number, said = place.groups() if place else ("the book", None, fault[1])
        message = _for_authors(said, project)
        source = project.source_of(name)
        shown = source.relative_to(project.places.root).as_posix() if source else f"book: {name}"
        where = _line(source, name, number, message)
        remedies = REMEDIES | IN_LESSONS if name.startswith("lessons/") else REMEDIES
        remedy = next((text for part, text in remedies.items() if part in message), "Correct it")
        yield Problem(shown, f"line {where}" if where else "text", message.rstrip(".:"), remedy)


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
