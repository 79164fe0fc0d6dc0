"""A pytest plugin that puts our spawner in the place of JupyterHub's, for JupyterHub's own tests.

Load it with `-p box_suite` before anything of `jupyterhub.tests` is imported.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import jupyterhub.spawner
import pytest
from suite_list import runs
from tpc_courses.base.places import Places
from tpc_hub.engines import local, runtime
from tpc_hub.engines.box_spawner import BoxSpawner
from tpc_hub.engines.runtime import base_environment, runtime_folder
from tpc_kernels.jupyter.provisioner import ForkedProcess
from traitlets import default

STATE = Path(os.environ["CAMPUS_STATE"])
MOCK = [sys.executable, "-m", "jupyterhub.tests.mocksu"]
SLOW_SECONDS = 2
PATIENCE = 2


class Handle(ForkedProcess):
    def wait(self, timeout: float | None = None) -> int:
        return self.forked.wait(timeout).exit_code


class SuiteSpawner(BoxSpawner):
    """Our spawner as a campus configures it, with the folders of this test run; it forks the suite's mock server."""

    @default("env_keep")
    def _env_keep(self) -> list[str]:
        return ["LANG", "LC_ALL", "TZ"]

    @default("homes")
    def _homes(self) -> str:
        return str(STATE / "homes")

    @default("runtime")
    def _runtime(self) -> str:
        return str(runtime_folder(places()))

    @default("logs")
    def _logs(self) -> str:
        return str(places().logs)

    @default("campus_port")
    def _campus_port(self) -> str:
        return "9"

    @default("base_environment")
    def _base_environment(self) -> dict[str, str]:
        return surroundings()

    @property
    def proc(self):
        """Return a handle of the server's process, where JupyterHub's own spawner has a Popen."""
        return None if self.forked is None else Handle(self.forked)

    @proc.setter
    def proc(self, value) -> None:
        """Keep no other than our own."""

    def _program(self, environment):
        if list(self.cmd) != MOCK:
            return super()._program(environment)
        return "mock_server:serve", {"arguments": self.get_args()}


def places() -> Places:
    return Places(Path(os.environ["CAMPUS_ROOT"]), STATE)


def surroundings() -> dict[str, str]:
    """Return the environment of the preloaded process, which finds the mock server beside this file."""
    return base_environment(places()) | {"PYTHONPATH": str(Path(__file__).parent)}


def pytest_sessionstart() -> None:
    """Preload, as a campus does before it opens: the hub of the tests waits a few seconds for a server, no more."""
    places().logs.mkdir(exist_ok=True)
    modules = (*runtime.preloads(), "mock_server")
    runtime.preloads = lambda: modules
    path = runtime_folder(places()) / "forkserver.sock"
    local.ensure(path, modules, surroundings(), places().logs / "forkserver.log")


@pytest.fixture(autouse=True)
def adapt(monkeypatch):
    """Let tests compare the noted state without our addition to it, and slow spawners be slow for a shorter time."""
    from jupyterhub.tests import mocking, test_api, test_named_servers, test_spawner

    normalize = test_api.normalize_user

    def normalize_user(user):
        for server in user["servers"].values():
            server["state"].pop("started", None)
        return normalize(user)

    for module in (test_api, test_named_servers):
        monkeypatch.setattr(module, "normalize_user", normalize_user)
    monkeypatch.setattr(mocking.SlowSpawner, "delay", SLOW_SECONDS)
    # A program needs a second to begin, on a busy machine two.
    patient = vars(asyncio) | {"sleep": lambda seconds: asyncio.sleep(PATIENCE * seconds)}
    monkeypatch.setattr(test_spawner, "asyncio", SimpleNamespace(**patient))


@pytest.fixture(autouse=True)
def note_starts(monkeypatch, request):
    """Note which tests start a server of ours."""

    def order(self, home, visible, make=BoxSpawner._order):
        note("started", request.node)
        return make(self, home, visible)

    monkeypatch.setattr(SuiteSpawner, "_order", order)


def pytest_collection_modifyitems(items) -> None:
    """Keep what is to run, and note it."""
    items[:] = [item for item in items if runs(name_of(item))]
    for item in items:
        note("wanted", item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed or report.when == "call":
        note(report.outcome, item)
    return report


def note(what: str, item: pytest.Item) -> None:
    """Write a line for whoever runs this suite: {what: name of the test}."""
    with open(STATE / "notes", "a") as file:
        file.write(json.dumps({what: name_of(item)}) + "\n")


def name_of(item: pytest.Item) -> str:
    return f"{item.module.__name__.rpartition('.')[2]}::{item.name}"


jupyterhub.spawner.SimpleLocalProcessSpawner = SuiteSpawner
