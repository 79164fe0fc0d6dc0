"""The student's copy of the lessons: notebooks in a bare git repository that their servers pull from.

A rebuild with unchanged sources makes no commit. The repository is derived: one that is lost or damaged is made again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import nbformat

from tpc_courses.base.places import Places
from tpc_courses.pulling.store import PUBLISHER, remove
from tpc_courses.sources.lesson import notebook_from
from tpc_courses.sources.manifest import Course

_AUTHOR = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "TPC Campus"), ("EMAIL", PUBLISHER))
}


def publish_lessons(places: Places, courses: tuple[Course, ...]) -> bool:
    """Bring the student repository up to date with the lessons; returns whether anything changed."""
    tree = places.lessons_tree
    tree.mkdir(parents=True, exist_ok=True)
    wanted = {f"{slug}.ipynb": slug for course in courses for slug in course.lessons}
    for name, slug in sorted(wanted.items()):
        _write_if_changed(tree / name, str(nbformat.writes(notebook_from(places.lesson(slug)))) + "\n")
    for path in tree.glob("*/*.ipynb"):
        if path.relative_to(tree).as_posix() not in wanted:
            path.unlink()
    if (tree / ".git").exists():  # of an older campus, which committed here
        shutil.rmtree(tree / ".git")
    bare = places.lessons_git
    try:
        return _commit(bare, tree)
    except (RuntimeError, OSError):
        # Lost or damaged. Students' servers ask for the newest only, whatever was before.
        remove(bare)
        return _commit(bare, tree)


def _commit(bare: Path, tree: Path) -> bool:
    """Commit what lies in `tree`, unless that is what the repository has; raises RuntimeError where it is damaged."""
    bare.mkdir(parents=True, exist_ok=True)
    if not (bare / "HEAD").exists():
        _git(bare, "init", "--quiet", "--bare", "--initial-branch=main")
    for lock in bare.rglob("*.lock"):  # of a build that was killed
        lock.unlink()
    _git(bare, "fsck", "--no-dangling", "--no-progress")
    with tempfile.TemporaryDirectory() as name:
        index = f"{name}/index"
        _git(bare, f"--work-tree={tree}", "add", "--all", "--force", ".", folder=tree, index=index)
        found = _git(bare, "write-tree", index=index).strip()
    last = _git(bare, "for-each-ref", "--format=%(objectname) %(tree)", "refs/heads/main").split()
    changed = last[1:] != [found]
    if changed:
        parents = [part for commit in last[:1] for part in ("-p", commit)]
        commit = _git(bare, "commit-tree", found, *parents, "-m", "Update lessons").strip()
        _git(bare, "update-ref", "refs/heads/main", commit)
    # Students pull over plain HTTP, which reads these index files instead of talking to git.
    _git(bare, "update-server-info")
    return changed


def _write_if_changed(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _git(bare: Path, *arguments: str, folder: Path | None = None, index: str = "") -> str:
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"} | (
        {"GIT_INDEX_FILE": index} if index else {}
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    done = subprocess.run(
        ["git", f"--git-dir={bare}", *arguments],
        cwd=folder or bare,
        env=environment | _AUTHOR | own,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"git {' '.join(arguments)} in {bare} failed: {done.stderr.strip()}")
    return done.stdout
