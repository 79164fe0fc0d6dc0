"""What `campus build` makes again, and when."""

from __future__ import annotations

import pytest
from campus_tree import write
from tpc_hub.deploy import build


@pytest.fixture
def built(tree, monkeypatch, tmp_path):
    """A campus that was built once, by a grader whose sources lie in a folder of their own."""
    monkeypatch.setattr(build, "_GRADER", tmp_path / "grader")
    write(tmp_path / "grader" / "coursework.py", "version = 1\n")
    build.build(tree, say=lambda line: None)
    return tree


def test_a_new_version_of_the_grader_sets_nbgrader_up_again(built, tmp_path):
    config = built.nbgrader("scaling") / "nbgrader_config.py"
    made = config.read_text()
    config.write_text("c = get_config()\nc.HTMLExporter.template_name = 'feedback'\n")
    build.build(built, say=lambda line: None)
    assert config.read_text() != made, "nothing changed, nothing is made"
    write(tmp_path / "grader" / "coursework.py", "version = 2\n")
    told = list[str]()
    build.build(built, say=told.append)
    assert config.read_text() == made
    assert "Exercises: scaling: unchanged" in told
