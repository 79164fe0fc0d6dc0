"""A pytest plugin for nbgrader's own tests: they run against our exchange, over HTTP, with an intake for each test.

Only the hub is replaced: every request is that of whoever runs the tests, who is in every course that there is.
"""

from __future__ import annotations

import datetime as dt
import functools
import os
import tempfile
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbgrader.api
import pytest
import uvicorn
from fastapi import FastAPI
from nbgrader.utils import get_username
from tpc_courses.base.places import Places
from tpc_grader.exchange import course as course_exchange
from tpc_grader.exchange import student as student_exchange
from tpc_grader.exchange.base import TIMESTAMP
from tpc_grader.submissions.archive import Refused
from tpc_grader.submissions.store import Store
from tpc_grader.versions.releases import courses
from tpc_hub.web.api import intake

CONFIG = """
import os
from pathlib import Path
from tpc_courses.base.places import Places
from tpc_grader.exchange.base import select_exchange
from tpc_grader.feedback.page import set_feedback
from tpc_grader.grading.preprocessors import set_preprocessors
from tpc_grader.gradebook.save_cells import set_save_cells

c = get_config()
select_exchange(c, "student")
select_exchange(c, "course")
c.ExchangeFactory.list = "nbgrader_plugin.List"
c.ExchangeFactory.submit = "nbgrader_plugin.Submit"
c.Exchange.path_includes_course = False
set_feedback(c)
state = Path(os.environ["NBGRADER_TEST_STATE"])
set_preprocessors(c, Places(state, state), "")
set_save_cells(c)
# The suite's sources are what students handed in: no solution of an author is in them to be tried.
c.GenerateAssignment.preprocessors = [
    each for each in c.GenerateAssignment.preprocessors if not each.endswith(".TrySolution")
]
"""
_make_folder = tempfile.mkdtemp
_app = FastAPI()


class List(student_exchange.List):
    """Takes the side that an option asks for: the tests play both in one folder, and know no receipts."""

    def start(self) -> Any:
        if (self.inbound or self.remove) and not self.cached:
            side = course_exchange.List(
                self.coursedir, self.authenticator, config=self.config, parent=self.parent
            )
            return side.start()
        return super().start()

    def _submitted(self, each: Any) -> dict[str, Any]:
        return super()._submitted(each) | {"timestamp": stamp_of(each)}


def stamp_of(each: Any) -> str:
    """Return the time of a submission as nbgrader writes it, also as the name of its feedback's folder."""
    return dt.datetime.fromisoformat(each["received_at"]).strftime(TIMESTAMP)


# The tests look for feedback where nbgrader's own exchange puts it.
student_exchange.folder_of = stamp_of


class Submit(student_exchange.Submit):
    """Writes what the store received where the tests look for it: the inbound folder and the student's cache.

    Each submission differs from the one before, as that of a student does who went on working: the same files
    once more are one submission here, and its first time stands.
    """

    def _files(self) -> dict[str, bytes]:
        return super()._files() | {"went-on.txt": str(time.time_ns()).encode()}

    def copy_files(self) -> None:
        super().copy_files()
        places: Places = _app.state.campus.places
        submission = Store(places).newest(self.course, self.exercise, get_username())
        assert submission is not None
        stamp = submission.received_at.strftime(TIMESTAMP)
        name = f"{submission.student}+{submission.exercise}+{stamp}"
        for folder in (places.intake / self.course / "inbound" / name, Path(self.cache, self.course, name)):
            if not folder.exists():
                submission.write_to(folder)
                (folder / "timestamp.txt").write_text(stamp)


def pytest_configure(config: pytest.Config) -> None:
    """Start the service and let nbgrader find our configuration."""
    folder = Path(_make_folder(prefix="nbgrader-config-"))
    (folder / "nbgrader_config.py").write_text(CONFIG)
    os.environ["JUPYTER_CONFIG_PATH"] = str(folder)
    os.environ["CAMPUS_INTAKE_URL"] = f"http://127.0.0.1:{_serve()}/intake"
    os.environ.setdefault("USER", get_username())
    tempfile.mkdtemp = _make_places
    # nbgrader asks another process for this constant whenever it makes a gradebook.
    nbgrader.api.get_alembic_version = functools.cache(nbgrader.api.get_alembic_version)


def _make_places(suffix: Any = None, prefix: Any = None, dir: Any = None) -> str:
    """Make the folders of a test so that they are those of one campus: the course folder, then the exchange."""
    folder = _make_folder(suffix, prefix, dir)
    if prefix == "tmp-coursedir-":
        os.environ["NBGRADER_TEST_STATE"] = folder
    if prefix not in ("tmp-coursedir-", "tmp-exchange-"):
        return folder
    state = Path(os.environ["NBGRADER_TEST_STATE"])
    places = Places(state, state)
    made = places.intake if prefix == "tmp-exchange-" else places.nbgrader("")
    made.mkdir(parents=True)
    _app.state.campus = SimpleNamespace(places=places, courses={}, intake=None)
    return str(made)


def _serve() -> int:
    _app.include_router(intake.router)
    _app.add_exception_handler(Refused, intake.refused)
    _app.dependency_overrides[intake.caller] = _caller
    server = uvicorn.Server(uvicorn.Config(_app, port=0, log_level="error"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.05)
    return int(server.servers[0].sockets[0].getsockname()[1])


async def _caller() -> intake.Caller:
    roles = dict.fromkeys(courses(_app.state.campus.places.intake), "student")
    return intake.Caller(get_username(), roles)
