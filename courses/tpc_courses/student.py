"""The student's copy of the lessons: notebooks in a bare git repository that nbgitpuller pulls from.

A rebuild with unchanged sources makes no commit, so a student's pull has nothing to merge.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import nbformat

from tpc_courses.lesson import notebook_from
from tpc_courses.manifest import Course
from tpc_courses.places import Places

_AUTHOR = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "TPC Campus"), ("EMAIL", "campus@localhost"))
}


def publish_lessons(places: Places, courses: tuple[Course, ...]) -> bool:
    """Bring the student repository up to date with the lessons; returns whether anything changed."""
    tree = places.lessons_tree
    _ensure_repository(tree, places.lessons_git)
    wanted = {f"{slug}.ipynb" for course in courses for slug in course.lessons}
    for slug in sorted({slug for course in courses for slug in course.lessons}):
        _write_if_changed(
            tree / f"{slug}.ipynb", str(nbformat.writes(notebook_from(places.lesson(slug)))) + "\n"
        )
    for path in tree.glob("*/*.ipynb"):
        if path.relative_to(tree).as_posix() not in wanted:
            path.unlink()
    _git(tree, "add", "--all")
    changed = bool(_git(tree, "status", "--porcelain"))
    if changed:
        _git(tree, "commit", "--quiet", "--message", "Update lessons")
    _git(tree, "push", "--quiet", str(places.lessons_git), "main")
    # Students pull over plain HTTP, which reads these index files instead of talking to git.
    _git(places.lessons_git, "update-server-info")
    return changed


def _ensure_repository(tree: Path, bare: Path) -> None:
    tree.mkdir(parents=True, exist_ok=True)
    if not (tree / ".git").exists():
        _git(tree, "init", "--quiet", "--initial-branch=main")
    if not bare.exists():
        _git(tree, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))


def _write_if_changed(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _git(folder: Path, *arguments: str) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={**environment, **_AUTHOR, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"git {' '.join(arguments)} in {folder} failed: {done.stderr.strip()}")
    return done.stdout
