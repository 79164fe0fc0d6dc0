"""Jupyter Book 1, for comparison: in an environment of its own, on the pages that our engine reads."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

VERSION = "1.0.4.post1"
# What only our theme and the engine of Jupyter Book 2 know.
LEFT_OUT = {"contract.md", "myst.yml", "lessons.json"}
CONFIGURATION = {
    "title": "TPC Campus",
    "only_build_toc_files": True,
    "execute": {"execute_notebooks": "off"},
    "bibtex_bibfiles": ["references.bib"],
    "parse": {"myst_enable_extensions": ["colon_fence", "dollarmath", "amsmath", "deflist", "tasklist"]},
}


def ensure_program(folder: Path, say: Callable[[str], None]) -> Path:
    """Return the program of Jupyter Book 1, installed into `folder` when it is not there."""
    program = folder / "bin" / "jupyter-book"
    if not program.exists():
        say(f"Installing Jupyter Book {VERSION} beside this campus (a minute) ...")
        venv.create(folder, with_pip=True, clear=True)
        pip = [
            str(folder / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]
        subprocess.run([*pip, f"jupyter-book=={VERSION}", "setuptools<81"], check=True, stdout=sys.stderr)
    return program


def write_sources(pages: Path, folder: Path) -> int:
    """Write what Jupyter Book 1 reads, from the folder that our engine reads; return the number of pages."""
    shutil.copytree(pages, folder, ignore=lambda _, names: {*names} & {*LEFT_OUT, "_build", "theme"})
    toc = yaml.safe_load((pages / "myst.yml").read_text(encoding="utf-8"))["project"]["toc"]
    first, *groups = toc
    parts = [part for group in groups if (part := _part(group))]
    contents = {"format": "jb-book", "root": _name(first), "parts": parts}
    (folder / "_toc.yml").write_text(yaml.safe_dump(contents, sort_keys=False), encoding="utf-8")
    (folder / "_config.yml").write_text(yaml.safe_dump(CONFIGURATION), encoding="utf-8")
    return 1 + sum(1 for group in groups for _ in _files(group))


def build(program: Path, folder: Path) -> tuple[Path, int]:
    """Return the folder of the pages that Jupyter Book 1 makes, and how many warnings it gave."""
    done = subprocess.run([str(program), "build", str(folder)], capture_output=True, text=True)
    site = folder / "_build" / "html"
    if done.returncode or not (site / "index.html").exists():
        raise RuntimeError(f"Jupyter Book {VERSION} failed:\n{(done.stdout + done.stderr)[-2000:]}")
    return site, (done.stdout + done.stderr).count("WARNING")


def _part(group: dict[str, Any]) -> dict[str, Any] | None:
    chapters = [_chapter(child) for child in group.get("children", []) if child.get("file") not in LEFT_OUT]
    return {"caption": group.get("title", "More"), "chapters": chapters} if chapters else None


def _chapter(entry: dict[str, Any]) -> dict[str, Any]:
    below = [_chapter(child) for child in entry.get("children", [])]
    return {"file": _name(entry)} | ({"sections": below} if below else {})


def _files(group: dict[str, Any]) -> list[str]:
    """Return the names of the pages in a group, those below others too."""
    own = [group["file"]] if group.get("file") not in {None, *LEFT_OUT} else []
    return own + [name for child in group.get("children", []) for name in _files(child)]


def _name(entry: dict[str, Any]) -> str:
    return str(Path(entry["file"]).with_suffix(""))
