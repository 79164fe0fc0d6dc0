"""Fixtures that several test modules share."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
# nbgrader runs `alembic` by name; an activated environment has it on PATH, a bare `.venv/bin/pytest` has not.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """When a browser test fails, keep what its pages showed: $CAMPUS_FAILURES/<test>-<fixture>.png."""
    report = yield
    folder = os.environ.get("CAMPUS_FAILURES")
    if folder and report.when == "call" and report.failed:
        for name in ("ada", "teacher"):
            if name in item.funcargs:
                item.funcargs[name].screenshot(path=f"{folder}/{item.name}-{name}.png")
    return report
