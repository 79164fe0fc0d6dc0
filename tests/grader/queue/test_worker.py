"""The worker and its writer: faults are retried beside other work, a stop loses nothing, a score is logged once."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import quick_grading
from quick_service import EXERCISE, notebook
from running_campus import wait_for
from sqlalchemy import select, update
from test_class_page import work_off
from tpc_courses.base.places import Places
from tpc_grader.database import audit
from tpc_grader.database import engine as database
from tpc_grader.database.locks import is_serving
from tpc_grader.feedback.autograded import NoNotebook
from tpc_grader.grades.scores import class_scores
from tpc_grader.queue import queue
from tpc_grader.queue import retries as overdue
from tpc_grader.queue.jobs import JobRow
from tpc_grader.results.results import Graded
from tpc_grader.submissions.store import Store, Submission
from tpc_grader.worker import writer
from tpc_grader.worker.worker import Busy, Worker, work


@pytest.fixture
def places(tree: Places) -> Places:
    """A campus without a hub."""
    tree.state.mkdir()
    return tree


def hand_in(places: Places, student: str, text: str) -> Submission:
    """Hand in a line for the quick grader."""
    files = {f"{EXERCISE}.ipynb": notebook(text)}
    submission = Store(places).add("scaling", EXERCISE, student, "v1", files)
    queue.submitted(places, submission)
    return submission


def rows(places: Places, student: str, kind: str = "full") -> list[JobRow]:
    """Return a student's jobs."""
    query = select(JobRow).where(JobRow.student == student, JobRow.kind == kind)
    with database.session(places) as session:
        return list(session.scalars(query))


def written(places: Places) -> list[tuple[str, str]]:
    """Return (student, scores) of each score in the log."""
    return [(row.student, row.after) for row in audit.entries(places) if row.what == "score"]


def start_worker(places: Places, jobs: int = 2) -> subprocess.Popen[bytes]:
    """Start a worker that uses the quick grader."""
    script = Path(quick_grading.__file__)
    return subprocess.Popen([sys.executable, str(script), str(places.root), str(places.state), str(jobs)])


@pytest.mark.slow
def test_faults_of_the_grader_are_tried_again_and_hold_up_nobody(places):
    hand_in(places, "ada", "points=7")
    hand_in(places, "bob", "points=7 fault")
    hand_in(places, "eve", "points=7 die")

    def tried() -> bool:
        twice = all(rows(places, name)[0].attempts >= 2 for name in ("bob", "eve"))
        return twice and rows(places, "ada")[0].state == "graded"

    work(places, until=tried, run=quick_grading.run, record=quick_grading.record)
    (bob,), (eve,) = rows(places, "bob"), rows(places, "eve")
    assert "InfrastructureFault: the sandbox is away" in bob.reason
    assert "ended with code -9" in eve.reason
    assert written(places) == [("ada", '{"test-double": 7.0}')]
    assert not is_serving(places)


@pytest.mark.slow
def test_a_worker_that_is_stopped_gives_its_jobs_back_and_leaves_no_process(places):
    for index in range(6):
        hand_in(places, f"student-{index}", "points=7 slow")
    process = start_worker(places)
    wait_for(lambda: queue.workers(places) != set())
    family = psutil.Process(process.pid).children(recursive=True)
    with pytest.raises(Busy, match="serves this campus already"):
        work(places)
    process.send_signal(signal.SIGTERM)
    assert process.wait(120) == 0
    assert queue.workers(places) == set()
    _, alive = psutil.wait_procs(family, timeout=60)
    assert alive == []
    jobs = [row for index in range(6) for row in rows(places, f"student-{index}")]
    assert all(row.attempts <= (row.state != "queued") for row in jobs), "an attempt that was stopped is none"


@pytest.mark.slow
def test_no_process_of_a_worker_outlives_its_kill(places):
    hand_in(places, "ada", "points=7 slow")
    process = start_worker(places)
    wait_for(lambda: rows(places, "ada")[0].state in ("running", "ran", "recording", "graded"))
    family = psutil.Process(process.pid).children(recursive=True)
    assert family
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    _, alive = psutil.wait_procs(family, timeout=60)
    assert alive == []


@pytest.mark.slow
def test_newer_work_ends_what_runs_of_older_at_once(places, caplog):
    hand_in(places, "ada", "points=3 loop")
    newer = list[Submission]()

    def graded() -> bool:
        if not newer and {rows(places, "ada", kind)[0].state for kind in ("public", "full")} == {"running"}:
            newer.append(hand_in(places, "ada", "points=5"))
        return bool(newer) and rows(places, "ada")[-1].state == "graded"

    work(places, jobs=1, until=graded, run=quick_grading.run, record=quick_grading.record)
    assert [row.state for row in rows(places, "ada")] == ["superseded", "graded"]
    assert [row.state for row in rows(places, "ada", "public")] == ["superseded", "graded"]
    assert written(places) == [("ada", '{"test-double": 5.0}')]
    assert "gives way" not in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_those_who_loop_hold_up_nobody(places, monkeypatch, jobs):
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    loopers = [f"looper{number}" for number in range(4)]
    for name in loopers:
        hand_in(places, name, "points=7 loop")

    def graded() -> bool:
        public = [rows(places, name, "public")[0] for name in loopers]
        if all(row.started_at for row in public) and not rows(places, "zoe"):
            hand_in(places, "zoe", "points=9")
        return any(row.state == "graded" for row in rows(places, "zoe"))

    work(places, jobs=jobs, until=graded, run=quick_grading.run, record=quick_grading.record)
    assert written(places) == [("zoe", '{"test-double": 9.0}')]
    found = [row for name in loopers for kind in ("public", "full") for row in rows(places, name, kind)]
    assert {row.state for row in found} == {"queued"}, "all is given back, and nothing has failed"
    assert {row.attempts for row in found} == {0}, "what gives way has lost no attempt"


@pytest.mark.slow
def test_a_worker_that_is_killed_while_work_gives_way_loses_nothing_and_grades_nothing_twice(places):
    nappers = [f"napper{number}" for number in range(4)]
    for number, name in enumerate(nappers):
        hand_in(places, name, f"points={number} nap")
    process = start_worker(places, jobs=1)
    wait_for(lambda: any(row.outcome == "slow 1" for name in nappers for row in rows(places, name, "public")))
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process = start_worker(places, jobs=1)
    try:
        wait_for(lambda: all(rows(places, name)[0].state == "graded" for name in nappers), seconds=120)
    finally:
        process.terminate()
        process.wait(120)
    assert sorted(written(places)) == [
        (name, f'{{"test-double": {float(number)}}}') for number, name in enumerate(nappers)
    ]
    assert {row.state for name in nappers for row in rows(places, name, "public")} == {"graded"}


@pytest.mark.parametrize("killed_after", ["the note", "the gradebook"])
def test_a_score_is_logged_once_when_the_writer_dies_between_two_steps(places, monkeypatch, killed_after):
    class Killed(BaseException):
        """Stands for a kill."""

    def die(*arguments: object) -> None:
        if killed_after == "the gradebook":
            quick_grading.record(*arguments)
        raise Killed

    hand_in(places, "ada", "points=7")
    run_all(places)
    with pytest.raises(Killed):
        writer.write_next(places, die)
    assert rows(places, "ada")[0].state == "recording"
    assert written(places) == []
    work_off(places)
    (entry,) = [row for row in audit.entries(places) if row.what == "score"]
    assert (entry.before, entry.after) == ("", '{"test-double": 7.0}'), (
        "before is as it was before all attempts"
    )
    assert class_scores(places, "scaling")["ada", EXERCISE].points == 7


def test_a_result_that_is_not_written_in_time_is_invalid_and_holds_up_nobody(places):
    for student, text in (("eve", "points=7 stuck"), ("bob", "points=3"), ("ada", "points=7")):
        hand_in(places, student, text)
    run_all(places)
    process = Worker(places, 1, quick_grading.run, quick_grading.record).writer

    def writes(student: str) -> bool:
        process.tend()
        return process.job == rows(places, student)[0].number

    def ready(student: str) -> bool:
        process.tend()
        return rows(places, student)[0].state == "graded"

    try:
        for _ in range(overdue.TRIES):
            wait_for(lambda: writes("eve"))
            process.deadline = -math.inf
            process.tend()
            wait_for(lambda: ready("bob") and ready("ada"))
        wait_for(lambda: ready("eve"))
    finally:
        process.end()
    (row,) = rows(places, "eve")
    assert (row.outcome, row.reason) == ("invalid", "not recorded within 30 s")
    assert Graded.from_json(row.result).reason == overdue.REASON
    assert sorted(written(places)) == [
        ("ada", '{"test-double": 7.0}'),
        ("bob", '{"test-double": 3.0}'),
        ("eve", '{"test-double": 0.0}'),
    ]


def try_again_now(places: Places) -> None:
    """Let the time come at which jobs are tried again."""
    with database.transaction(places) as session:
        session.execute(update(JobRow).values(not_before=JobRow.queued_at))


def test_a_result_that_ends_its_writer_waits_for_a_person_and_holds_up_nobody(places):
    for student, text in (("eve", "points=7 lost"), ("bob", "points=3")):
        hand_in(places, student, text)
    run_all(places)
    process = Worker(places, 1, quick_grading.run, quick_grading.record).writer

    def has(student: str, **facts: object) -> bool:
        process.tend()
        (row,) = rows(places, student)
        return all(getattr(row, name) == value for name, value in facts.items())

    try:
        for attempt in range(1, overdue.MAXIMUM_ATTEMPTS + 1):
            wait_for(lambda attempt=attempt: has("eve", attempts=attempt))
            wait_for(lambda: has("bob", state="graded"))
            try_again_now(places)
        wait_for(lambda: has("eve", state="failed"))
    finally:
        process.end()
    assert rows(places, "eve")[0].reason == "not recorded: the writer ended with code -9"
    assert written(places) == [("bob", '{"test-double": 3.0}')]


def test_a_gradebook_that_cannot_be_read_is_a_fault_of_its_job_and_ends_no_writer(places):
    hand_in(places, "ada", "points=7")
    run_all(places)
    gradebook = places.nbgrader("scaling") / "gradebook.db"
    gradebook.parent.mkdir(parents=True)
    gradebook.write_bytes(b"no database" * 100)
    assert writer.write_next(places, quick_grading.record)
    assert rows(places, "ada")[0].reason == "not recorded: DatabaseError: file is not a database"
    gradebook.unlink()
    try_again_now(places)
    work_off(places)
    assert written(places) == [("ada", '{"test-double": 7.0}')]


def test_a_gradebook_that_cannot_be_written_is_tried_again_and_then_waits_for_a_person(places):
    def fail(*arguments: object) -> None:
        raise OSError("disk full")

    hand_in(places, "ada", "points=7")
    run_all(places)
    for _ in range(overdue.MAXIMUM_ATTEMPTS):
        assert writer.write_next(places, fail)
        assert not writer.write_next(places, fail), "not again at once"
        try_again_now(places)
    (row,) = rows(places, "ada")
    assert (row.state, row.reason) == ("failed", "not recorded: OSError: disk full")
    assert queue.retry(places, "scaling") == 1
    work_off(places)
    assert rows(places, "ada")[0].state == "graded"


def test_a_fault_and_a_late_writing_are_counted_apart(places):
    def fail(*arguments: object) -> None:
        raise OSError("database is locked")

    hand_in(places, "ada", "points=7")
    run_all(places)
    for _ in range(overdue.TRIES):
        assert writer.write_next(places, fail)
        try_again_now(places)
    for _ in range(overdue.TRIES - 1):
        overdue.note_overdue(places, rows(places, "ada")[0].number, 30)
    (row,) = rows(places, "ada")
    assert (row.outcome, row.state) == ("graded", "recording"), "its first late writing costs it no points"
    overdue.note_overdue(places, row.number, 30)
    assert rows(places, "ada")[0].outcome == "invalid"


def test_late_writings_bring_no_result_nearer_to_a_person(places):
    hand_in(places, "bob", "points=3")
    run_all(places)
    (row,) = rows(places, "bob")
    writer._begin(places)
    for _ in range(overdue.TRIES - 1):
        overdue.note_overdue(places, row.number, 30)
    for _ in range(overdue.MAXIMUM_ATTEMPTS - 1):
        overdue.note_fault(places, row.number, "disk full")
    assert rows(places, "bob")[0].state == "recording"
    overdue.note_fault(places, row.number, "disk full")
    assert rows(places, "bob")[0].state == "failed"


def test_a_result_of_an_older_grader_without_its_notebook_is_made_again(places):
    def refuse(*arguments: object) -> None:
        raise NoNotebook("made by an older version")

    hand_in(places, "ada", "points=7")
    run_all(places)
    assert writer.write_next(places, refuse)
    assert rows(places, "ada")[0].state == "queued"
    run_all(places)
    work_off(places)
    assert written(places) == [("ada", '{"test-double": 7.0}')]


def test_older_work_is_not_written_over_newer(places):
    hand_in(places, "ada", "points=3")
    run_all(places)
    hand_in(places, "ada", "points=5")
    work_off(places)
    assert written(places) == [("ada", '{"test-double": 5.0}')]
    assert [row.state for row in rows(places, "ada")] == ["superseded", "graded"]


def run_all(places: Places) -> None:
    """Run what is queued, without writing it down."""
    from tpc_courses.sources.manifest import read_course

    course = read_course(places.courses / "scaling.yml", places)
    while job := queue.claim(places, "test"):
        submission = Store(places).get(job.submission)
        graded = quick_grading.run(
            places, course, submission, version=job.version, public=job.kind == "public"
        )
        queue.finish(places, job, "test", graded)
