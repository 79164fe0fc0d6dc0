"""What a campus does once before it serves, and the small processes that stay."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from sqlalchemy import create_engine, inspect
from tpc_courses.base.problems import SourceError
from tpc_hub.deploy.preparation import prepare
from tpc_kernels.forkserver.client import ensure


@pytest.fixture(scope="module")
def preloaded(tmp_path_factory):
    """Return the socket of a forkserver, as the campus has one for its servers."""
    folder = tmp_path_factory.mktemp("preloaded")
    ensure(
        folder / "socket", ("tpc_hub.deploy.preparation",), dict(os.environ), folder / "log", idle_seconds=60
    )
    return str(folder / "socket")


@pytest.fixture(params=["child", "preloaded"])
def socket(request):
    """Return where the preparing process is forked from: from us, or from the preloaded one."""
    return request.getfixturevalue("preloaded") if request.param == "preloaded" else ""


def test_a_campus_is_made_ready_with_a_code_for_each_course(tree, capfd, socket):
    instructor, *codes = prepare(tree, preloaded=socket)
    assert "instructor, password" in instructor
    assert all("class code" in line for line in codes)
    assert "Lessons: student repository updated" in capfd.readouterr().out
    tables = inspect(create_engine(tree.database_url)).get_table_names()
    assert {"person", "submission"} <= set(tables)
    again, *same = prepare(tree, preloaded=socket)
    assert "with the password of the first start" in again
    assert same == codes


def test_all_problems_of_the_sources_come_back_from_the_process_that_found_them(tree, socket):
    for manifest in tree.courses.glob("*.yml"):
        manifest.write_text(manifest.read_text() + "\ncolour: red\n")
    with pytest.raises(SourceError, match="colour") as e:
        prepare(tree, preloaded=socket)
    assert len(e.value.problems) == len(list(tree.courses.glob("*.yml")))


@pytest.mark.parametrize(
    ("stays", "loads_no"),
    [
        (
            "tpc_hub.cli, tpc_hub.deploy.up, tpc_hub.engines.local",
            ("sqlalchemy", "jupyterhub", "nbgrader", "nbformat"),
        ),
        ("tpc_hub.cli, tpc_grader.worker.worker", ("alembic", "jupyterhub", "nbgrader", "nbformat")),
    ],
)
def test_what_runs_as_long_as_a_campus_stays_small(stays, loads_no):
    code = f"import sys, {stays}; print(*[name for name in {loads_no!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
