"""Benchmarks: one that is ended ends the campus it runs on, and what they count is what happened."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest
from campus_tree import REPOSITORY, make_tree
from running_campus import environment, wait_for
from tpc_bench import fairness
from tpc_courses.base.places import Places

pytestmark = [pytest.mark.hub, pytest.mark.serial, pytest.mark.timeout(400)]


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
        wait_for(lambda: not commands(short))
        assert not list(short.glob("campus-*"))
    finally:
        process.kill()
        shutil.rmtree(short, ignore_errors=True)


def test_fairness_follows_honest_work_to_its_score_while_others_loop(tmp_path):
    """The whole program, with one who loops and two who do not."""
    one = fairness.Scenario("one", 1, fairness.loops_at_the_end, first_seconds=0.5, each_seconds=0.5)
    said = list[str]()
    found = fairness.bench_fairness(
        Places(REPOSITORY, tmp_path), "error-bars", 2, 2, 200, said.append, scenarios=(one,)
    )
    result = found["scenarios"]["one"]
    assert result["without_result"] == 0
    assert result["public_seconds"]["count"] == result["recorded_seconds"]["count"] == 2
    assert result["public_seconds"]["max"] <= result["recorded_seconds"]["max"]
    assert result["estimates"] + result["said_not_known"] > 0
    assert any("2 honest students" in line for line in said)


class TestFigures:
    """What the fairness program says of those who waited."""

    @pytest.mark.parametrize(
        ("public", "recorded", "said", "ratio", "silent", "met"),
        [
            (4.0, 8.0, [(0.0, 4.0, 8.0)], 1.0, 0, True),
            (4.0, 8.0, [(0.0, 2.0, 8.0)], 0.5, 0, True),
            (4.0, 8.0, [(0.0, 4.0, 3.0)], 0.38, 0, False),
            (40.0, 80.0, [(0.0, 40.0, 80.0)], 1.0, 0, False),
            (4.0, 8.0, [(0.0, None, None)], None, 2, True),
            (4.0, 8.0, [(6.0, 0.0, 2.0)], 1.0, 0, True),  # its public result is there at that look
            (0.2, 0.4, [(0.0, 0.1, 0.1)], 1.0, 0, True),  # nobody counts a second
            (None, None, [(0.0, 4.0, 8.0), (30.0, 4.0, 8.0)], 0.13, 0, False),  # no result in time
        ],
    )
    def test_an_estimate_is_held_against_what_it_took(self, public, recorded, said, ratio, silent, met):
        wait = fairness.Wait(None, public, recorded, said)
        found = fairness.figures([wait], 60.0, 10.0)
        assert (found["least_estimate_ratio"], found["said_not_known"], found["met"]) == (ratio, silent, met)
        assert found["public_seconds"]["max"] == (public or 60.0)


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
