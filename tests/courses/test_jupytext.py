"""Saving a source in JupyterLab, as CONTRIBUTING recommends, keeps all that it says."""

from __future__ import annotations

import shutil

import pytest
from campus_tree import REPOSITORY
from jupytext import TextFileContentsManager
from tpc_courses.sources.lesson import front_matter, notebook_from

SOURCES = sorted(
    path.relative_to(REPOSITORY).as_posix()
    for folder in ("notebooks", "exercises")
    for path in (REPOSITORY / folder).glob("*/*.md")
)


@pytest.fixture
def lab(tmp_path):
    """JupyterLab's door to files, on a folder with the project's settings of jupytext."""
    shutil.copy(REPOSITORY / "jupytext.toml", tmp_path)
    manager = TextFileContentsManager()
    manager.root_dir = str(tmp_path)
    return manager


def save(lab, name: str) -> None:
    model = lab.get(name, type="notebook")
    lab.save({"type": "notebook", "format": "json", "content": model["content"]}, name)


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_that_was_opened_and_saved_says_the_same(lab, tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    shutil.copy(REPOSITORY / name, path)
    facts, cells = front_matter(path), notebook_from(path).cells
    save(lab, name)
    kept = front_matter(path)
    # jupytext spells its own entry in more lines; everything else must be what the author wrote.
    assert {**kept, "jupytext": None} == {**facts, "jupytext": None}
    saved = notebook_from(path).cells
    assert [(c.cell_type, c.source, c.metadata) for c in saved] == [
        (c.cell_type, c.source, c.metadata) for c in cells
    ]
    text = path.read_text("utf-8")
    save(lab, name)
    assert path.read_text("utf-8") == text, "saving again changes nothing"
    assert "jupytext_version" not in text, "another version of jupytext would change every file"
