"""Fixtures that several test modules share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from campus_tree import REPOSITORY, make_tree
from tpc_courses.places import Places


@pytest.fixture
def tree(tmp_path: Path) -> Places:
    """A small campus source tree with an empty state folder."""
    return make_tree(tmp_path / "root", tmp_path / "state")


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Places:
    """The real sources, with an empty state folder."""
    return Places(REPOSITORY, tmp_path_factory.mktemp("state"))
