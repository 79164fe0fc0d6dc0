"""JupyterHub's own tests, which ship with it, run against our spawner in the place of its own."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jupyterhub.tests
import pytest
from campus_tree import REPOSITORY, SUPPORT
from suite_list import SUITE, matches, modules_that_run
from tpc_courses.base.places import Places
from tpc_hub.deploy.up import stop_leftovers

FOLDER = Path(jupyterhub.tests.__file__).parent
SECONDS = 600
Notes = dict[str, set[str]]


@pytest.fixture(scope="module")
def suite(tmp_path_factory) -> Iterator[tuple[Notes, str]]:
    """What was noted of the tests (what: names), and what pytest said."""
    folder = tmp_path_factory.mktemp("suite")
    state = folder / "state"
    state.mkdir()
    environment = os.environ | {
        "CAMPUS_STATE": str(state),
        "CAMPUS_ROOT": str(REPOSITORY),
        "PYTHONPATH": SUPPORT,
        "PATH": f"{REPOSITORY}/node_modules/.bin{os.pathsep}{os.environ['PATH']}",
    }
    loops = ("asyncio_default_fixture_loop_scope=module", "asyncio_default_test_loop_scope=module")
    options = [f"--override-ini={each}" for each in ("asyncio_mode=auto", *loops)]
    command = [sys.executable, "-m", "pytest", "-p", "box_suite", "-p", "no:cacheprovider", "-c", os.devnull]
    modules = [f"jupyterhub.tests.{each}" for each in modules_that_run()]
    try:
        done = subprocess.run(
            [*command, *options, "-q", "--timeout=60", "--pyargs", *modules],
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        yield noted(state), done.stdout + done.stderr
    finally:
        stop_leftovers(Places(REPOSITORY, state))  # some of JupyterHub's tests leave servers


def noted(state: Path) -> Notes:
    notes: Notes = {what: set() for what in ("wanted", "started", "passed", "failed", "skipped")}
    for line in (state / "notes").read_text().splitlines():
        for what, name in json.loads(line).items():
            notes[what].add(name)
    return notes


@pytest.mark.timeout(SECONDS + 60)
@pytest.mark.parametrize("module", modules_that_run())
def test_the_suite_of_jupyterhub_holds(suite, module):
    notes = {
        what: {each for each in names if each.startswith(f"{module}::")} for what, names in suite[0].items()
    }
    assert notes["wanted"]
    assert notes["wanted"] == notes["passed"] | notes["failed"] | notes["skipped"], suite[1][-9000:]
    assert not {each for each in notes["failed"] if not matches(each, "not_applicable")}, suite[1][-30000:]
    assert not {each for each in notes["passed"] - notes["failed"] if matches(each, "not_applicable")}
    assert notes["started"] & notes["passed"]  # servers of ours, not of somebody else


def test_every_module_and_test_is_listed():
    there = {path.stem: functions(path) for path in FOLDER.glob("test_*.py")}
    others = [name for table in ("no_servers", "not_about_servers", "not_supported") for name in SUITE[table]]
    assert sorted(there) == sorted([*modules_that_run(), *others])
    for module, names in SUITE["part"].items():
        assert sorted(there[module]) == sorted([*names["runs"], *names["others"]]), module
    for pattern in (*SUITE["not_run"], *SUITE["not_applicable"]):
        module, _, test = pattern.partition("::")
        assert any(re.match(test.partition("\\[")[0], name) for name in there[module]), pattern


def functions(path: Path) -> list[str]:
    """Return the names of the tests in a module."""
    found = [each for each in ast.walk(ast.parse(path.read_text())) if hasattr(each, "name")]
    return [each.name for each in found if each.name and each.name.startswith("test_")]
