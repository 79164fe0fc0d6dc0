"""Lessons as a campus publishes them, one edition after the other, and a person's home that pulls them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import nbformat
from tpc_courses.pulling.pull import pull

IDENTITY = ("-c", "user.name=TPC Campus", "-c", "user.email=campus@localhost")


def notebook(*cells: str) -> str:
    """Return a notebook with these cells, whose ids are the same each time."""
    made = [nbformat.v4.new_code_cell(text, id=f"cell-{index}") for index, text in enumerate(cells)]
    return nbformat.writes(nbformat.v4.new_notebook(cells=made)) + "\n"


def git(folder: Path, *arguments: str) -> str:
    """Run git as somebody does by hand."""
    done = subprocess.run(["git", *IDENTITY, *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Home:
    """Somebody's home, and the repository that it pulls from."""

    def __init__(self, folder: Path) -> None:
        self.bare, self.tree = folder / "lessons.git", folder / "tree"
        self.home = folder / "home"
        self.lessons, self.store = self.home / "lessons", self.home / ".local" / "share" / "lessons.git"
        self.home.mkdir()
        self.found_again()

    def found_again(self) -> None:
        """Begin with a repository that knows nothing."""
        for each in (self.bare, self.tree):
            shutil.rmtree(each, ignore_errors=True)
        self.tree.mkdir()
        git(self.tree, "init", "-q", "--bare", "-b", "main", str(self.bare))
        git(self.tree, "init", "-q", "-b", "main")

    def publish(self, files: dict[str, str]) -> None:
        """Publish these files in place of all before."""
        for each in [*self.tree.glob("[!.]*")]:
            shutil.rmtree(each) if each.is_dir() else each.unlink()
        for name, text in files.items():
            self.write(self.tree / name, text)
        git(self.tree, "add", "-A")
        git(self.tree, "commit", "-q", "--allow-empty", "-m", "Update lessons")
        git(self.tree, "push", "-q", "--force", str(self.bare), "main")

    def pull(self, wanted: str = "") -> list[str]:
        """Pull as a server does; returns what the person is told."""
        told = list[str]()
        pull(str(self.bare), self.lessons, self.store, wanted, told)
        return told

    def mine(self, name: str, text: str) -> Path:
        """Write a file of the person's own."""
        return self.write(self.lessons / name, text)

    def files(self) -> dict[str, str]:
        """Return what lies in the person's folder."""
        found = [path for path in sorted(self.lessons.rglob("*")) if ".git" not in path.parts]
        return {
            path.relative_to(self.lessons).as_posix(): path.read_text() for path in found if path.is_file()
        }

    @staticmethod
    def write(path: Path, text: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path
