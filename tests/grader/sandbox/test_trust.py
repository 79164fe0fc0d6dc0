"""A machine on which nobody can be confined: no campus there, unless the operator trusts everyone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from campus_tree import REPOSITORY, make_tree, write
from running_campus import RunningCampus, environment, free_ports, running_campus, start_campus, wait_for
from test_engine_local import Student
from tpc_bench.measure.seat import browser
from tpc_bench.soak import _hand_in
from tpc_courses.base.places import Places
from tpc_kernels.linux import calls as linux
from tpc_kernels.linux import seccomp

pytestmark = [pytest.mark.hub, pytest.mark.timeout(300)]
PROFILE = "trust_everyone = true\n[limits]\nmemory_gib = 1.5\n"


def confine_nothing() -> None:
    """Refuse this process what a box is made of, for good: namespaces and mounts, whoever it runs as."""
    linux.forbid_new_privileges()
    here, none = seccomp.MACHINES[platform.machine()], 2**30 - 1
    # A box is under its limits when it is closed; here programs set limits after it.
    seccomp.apply(replace(here, setrlimit=none, prlimit64=none))


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A small tree with a profile whose operator trusts everyone."""
    places = make_tree(tmp_path / "root", tmp_path / "state")
    hub = places.root / "hub"
    hub.unlink()
    write(hub / "profiles" / "laptop.toml", PROFILE)
    for name in ("jupyterhub_config.py", "profiles/local.toml"):
        (hub / name).symlink_to(REPOSITORY / "hub" / name)
    return places


def command(places: Places, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a `campus` command where nothing can be confined."""
    return subprocess.run(
        [sys.executable, "-m", "tpc_hub.cli", *arguments],
        env=environment(places, free_ports()),
        preexec_fn=confine_nothing,
        capture_output=True,
        text=True,
    )


def test_without_confinement_nothing_starts_and_the_refusal_says_why_and_what_to_do(places):
    refused = command(places, "up")
    assert refused.returncode == 1
    assert "engine: local: people cannot be isolated here (" in refused.stderr
    assert "Operation not permitted" in refused.stderr
    assert "Run as root or allow user namespaces" in refused.stderr
    assert "campus up --trust-everyone" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (places.state / "hub").exists()
    told = command(places, "doctor")
    assert told.returncode == 1
    assert "Protected on this machine" not in told.stdout
    assert "No box can be built here" in told.stdout
    assert "so nothing is graded" in told.stdout


def test_the_flag_starts_it_all_the_same(places):
    started = start_campus(places, free_ports(), "--trust-everyone", preexec_fn=confine_nothing)
    with ended(started):
        wait_for(lambda: "Building lessons" in started.screen, started.process)


def test_a_profile_that_trusts_everyone_reaches_hub_servers_and_grader(places):
    told = command(places, "doctor", "--profile", "laptop")
    assert told.returncode == 0, told.stdout + told.stderr
    assert "NOT confined: students' code runs as you" in told.stdout
    assert "students can read each other's files" in told.stdout
    with running_campus(places, None, "--profile", "laptop", preexec_fn=confine_nothing) as campus:
        assert "Student servers run under the operator's account" in campus.screen
        assert "Protected on this machine" not in campus.screen
        sam = Student(campus, "sam")
        owner, limit = asyncio.run(work_and_hand_in(sam)).split()
        assert (int(owner), int(limit)) == (os.getuid(), int(1.5 * 2**30))
        assert "sam" in campus.run("grade", "scaling", "double-scaling")
        assert '"what": "score"' in campus.run("audit", "--student", "sam")


async def work_and_hand_in(student: Student) -> str:
    """Hand in the exercise as it was fetched; return what a kernel says of its owner and its limit."""
    async with browser() as session:
        seat = await student.seat(session)
        kernel = await seat.start_kernel()
        said = await seat.run(kernel, "import os; print(os.getuid(), os.environ['MEM_LIMIT'])")
        await _hand_in(seat, "scaling", "double-scaling")
        return said


@contextlib.contextmanager
def ended(campus: RunningCampus) -> Iterator[None]:
    """End a campus that is still starting."""
    try:
        yield
    finally:
        campus.process.terminate()
        campus.process.wait(60)
