"""Who waits for work is woken by who brings it; a ring that nobody hears does no harm."""

from __future__ import annotations

import select
import shutil

import pytest
from test_worker import hand_in, places, run_all  # noqa: F401
from tpc_grader.queue import queue
from tpc_grader.queue.wakeup import Bell, ring


def rung(bell: Bell) -> bool:
    """Return whether somebody rang, and take it in."""
    found = bool(select.select([bell], [], [], 0)[0])
    bell.hear()
    return found


def test_work_rings_and_a_result_rings(places):  # noqa: F811
    worker, writer = Bell(places, "worker"), Bell(places, "writer")
    submission = hand_in(places, "ada", "points=7")
    assert (rung(worker), rung(writer)) == (True, False)
    queue.submitted(places, submission)
    assert not rung(worker), "nothing new"
    run_all(places)
    assert (rung(worker), rung(writer)) == (False, True)
    worker.close()
    writer.close()


def test_many_rings_are_one_and_nobody_waits_to_ring(places):  # noqa: F811
    ring(places, "worker")  # nobody is there
    bell = Bell(places, "worker")
    for _ in range(70_000):  # more than a pipe holds
        ring(places, "worker")
    assert rung(bell)
    assert not rung(bell)
    bell.close()


def test_a_stopped_grader_leaves_a_state_folder_that_any_copy_takes(places, tmp_path):  # noqa: F811
    run_all(places)
    assert not list(places.state.rglob("*.bell"))
    shutil.copytree(places.state, tmp_path / "copy")


def test_what_is_no_pipe_is_not_written_to(places):  # noqa: F811
    places.intake.mkdir()
    path = places.intake / ".worker.bell"
    path.write_text("a file")
    ring(places, "worker")
    assert path.read_text() == "a file"
    with pytest.raises(RuntimeError, match="not a pipe"):
        Bell(places, "worker")
