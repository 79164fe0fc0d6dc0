"""Fixtures that several test modules share."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Before numpy is imported: on busy machines two BLAS threads wait for each other, and fits take 20 times as long.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# nbgrader runs `alembic` by name; an activated environment has it on PATH, a bare `.venv/bin/pytest` has not.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

from campus_tree import REPOSITORY, make_tree
from hypothesis import HealthCheck, settings
from postgres import new_database, running_postgres
from tpc_courses.base.places import Places

# A property holds or not; how fast examples are made depends on what else the machine does.
settings.register_profile("campus", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("campus")


@pytest.fixture
def tree(tmp_path: Path) -> Places:
    """A small campus source tree with an empty state folder."""
    return make_tree(tmp_path / "root", tmp_path / "state")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A running PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="campus-db-") as folder, running_postgres(Path(folder)) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def each_database(request: pytest.FixtureRequest, tree: Places, monkeypatch: pytest.MonkeyPatch) -> Places:
    """The tree, with its tables in a file, and with those in a database of their own of a real PostgreSQL."""
    if request.param == "postgresql":
        monkeypatch.setenv("CAMPUS_DB", new_database(request.getfixturevalue("postgres")))
    return tree


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Places:
    """The real sources, with an empty state folder."""
    return Places(REPOSITORY, tmp_path_factory.mktemp("state"))


# Modules that take more than ten seconds, longest first: a process that began a long one last would run on alone.
LONG = (REPOSITORY / "tests" / "support" / "long_modules.txt").read_text().split()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long modules first, and mark them slow."""
    for item in items:
        if item.path.stem in LONG:
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Have tests that run on several processes distributed by module."""
    from by_module import ByModule

    return ByModule(config, log)


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
