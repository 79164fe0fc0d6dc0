"""Who goes first when the processor is short."""

import os
import subprocess
import sys

import pytest
from tpc_kernels.box import cpu_shares as turns
from tpc_kernels.box.limits import Group, Limits, remove_group

pytestmark = pytest.mark.serial
BUSY = "import sys\nwhile True: pass"


@pytest.fixture
def busy():
    """Yield a control group with a process that never rests."""
    group = Group(f"test-turns-{os.getpid()}", Limits())
    process = subprocess.Popen([sys.executable, "-c", BUSY])
    group.add(process.pid)
    yield group
    process.kill()
    process.wait()
    remove_group(group.name)


@pytest.mark.skipif(
    not Group.kinds()["cpu"], reason="no control group can be written here, the doctor says so"
)
def test_long_work_goes_later_and_a_click_after_a_rest_goes_first(busy, monkeypatch):
    monkeypatch.setattr(turns, "SHORT_CPU_SECONDS", 0.5)
    followed = turns.Turns(busy)
    assert share(busy) == turns.FIRST
    for _ in range(4):
        burn(busy, 0.2)
        followed.look()
    assert share(busy) == turns.LATER
    now = turns.time.monotonic()
    monkeypatch.setattr(turns.time, "monotonic", lambda: now + 10 * turns.HALF_LIFE_SECONDS)
    followed.look()
    assert share(busy) == turns.FIRST


def test_without_groups_nobody_is_held_back(monkeypatch):
    monkeypatch.setattr("tpc_kernels.box.limits._writable_controllers", dict)
    group = Group("test-turns-none", Limits())
    assert group.cpu_seconds() is None
    turns.Turns(group).look()


def burn(group: Group, seconds: float) -> None:
    """Wait until the group has used so much more of the processor."""
    until = group.cpu_seconds() + seconds
    while group.cpu_seconds() < until:
        os.sched_yield()


def share(group: Group) -> int:
    """Return the share as the kernel has it, in hundredths of the default."""
    folder = group.folders["cpu"]
    if (folder / "cpu.weight").exists():
        return int((folder / "cpu.weight").read_text())
    return round(int((folder / "cpu.shares").read_text()) / 10.24)
