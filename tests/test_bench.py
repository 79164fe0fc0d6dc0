"""A benchmark that is ended ends the campus it runs on."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest
from campus_tree import make_tree
from running_campus import environment, wait_for

pytestmark = [pytest.mark.hub, pytest.mark.timeout(400)]


@pytest.mark.parametrize(
    ("number", "part"), [(signal.SIGTERM, "tpc_hub.cli"), (signal.SIGHUP, "configurable-http-proxy")]
)
def test_a_benchmark_that_is_ended_leaves_nothing_running(tmp_path, number, part):
    """As soon as a part of its campus is there; asked twice, as somebody who is in a hurry does."""
    places = make_tree(tmp_path / "root", tmp_path / "state")
    short = Path(tempfile.mkdtemp())  # sockets lie below it
    with open(tmp_path / "said", "wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "tpc_hub.cli", "bench", "soak", "--students", "1"],
            env=environment(places, 0) | {"TMPDIR": str(short)},
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        wait_for(lambda: any(part in each for each in commands(short)), process)
        process.send_signal(number)
        process.send_signal(number)
        process.wait(200)
        assert (tmp_path / "said").read_text().endswith("Aborted!\n")
        wait_for(lambda: not commands(short), seconds=30)
        assert not list(short.glob("campus-*"))
    finally:
        process.kill()
        shutil.rmtree(short, ignore_errors=True)


def commands(folder: Path) -> list[str]:
    """Return the commands of all processes whose campus has its state in a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("CAMPUS_STATE", "").startswith(str(folder)):
                found.append(" ".join(process.cmdline()))
        except (psutil.Error, OSError):
            continue
    return found
