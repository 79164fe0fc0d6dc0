"""The queue: fair, newest first, every job once, nothing lost when a worker dies. On SQLite and PostgreSQL."""

from __future__ import annotations

import datetime as dt
import itertools
import re
import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session
from tpc_courses.places import Places
from tpc_grader import database, queue
from tpc_grader.database import open_database
from tpc_grader.jobs import JobRow, Served, Waiting, fair_order
from tpc_grader.metrics import metrics_text
from tpc_grader.results import CellScore, Graded
from tpc_grader.store import Store, Submission

NOW = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[dt.datetime]:
    """The server's clock, at `clock[0]`."""
    now = [NOW]
    monkeypatch.setattr(database, "utcnow", lambda: now[0])
    return now


@pytest.fixture
def places(each_database: Places) -> Places:
    """A campus without submissions."""
    each_database.state.mkdir()
    return each_database


def hand_in(places: Places, student: str, text: str = "x", exercise: str = "double-scaling") -> Submission:
    """Keep and queue a submission."""
    submission = Store(places).add("scaling", exercise, student, "v1", {f"{exercise}.ipynb": text.encode()})
    queue.submitted(places, submission)
    return submission


def states(places: Places, kind: str | None = None) -> list[str]:
    """Return the states of all jobs in the order in which they were queued."""
    query = select(JobRow).order_by(JobRow.number)
    with Session(open_database(places.database_url)) as session:
        return [row.state for row in session.scalars(query) if kind in (None, row.kind)]


def claimed(places: Places, count: int) -> list[tuple[str, str]]:
    """Claim jobs and return (student, kind) of each."""
    jobs = [queue.claim(places, "w") for _ in range(count)]
    return [(job.student, job.kind) for job in jobs if job]


GRADED = Graded("graded", "", "", (CellScore("a", 1, 2, True),), "v1", seconds=4.0)


def test_a_submission_is_queued_once_for_the_quick_answer_and_once_for_the_score(places):
    submission = hand_in(places, "ada")
    queue.submitted(places, submission)
    assert claimed(places, 3) == [("ada", "public"), ("ada", "full")]


def test_students_take_turns_and_their_newest_work_comes_first(places):
    hand_in(places, "ada", "1", "first")
    hand_in(places, "ada", "2", "second")
    hand_in(places, "bob", "3", "first")
    jobs = [queue.claim(places, "w") for _ in range(6)]
    order = [(job.student, job.exercise, job.kind) for job in jobs]
    assert order == [
        ("ada", "second", "public"),
        ("bob", "first", "public"),
        ("ada", "second", "full"),
        ("bob", "first", "full"),
        ("ada", "first", "public"),
        ("ada", "first", "full"),
    ]


def test_newer_work_supersedes_what_still_waits_but_not_what_runs(places):
    first = hand_in(places, "ada", "1")
    job = queue.claim(places, "w")
    second = hand_in(places, "ada", "2")
    assert states(places) == ["running", "superseded", "queued", "queued"]
    assert queue.finish(places, job, "w", GRADED)
    assert queue.progress(places, first.id).state == "superseded"
    assert queue.progress(places, second.id).state == "queued"


def test_work_that_is_queued_after_newer_work_gives_way(places):
    store = Store(places)
    files = [{"x.ipynb": text} for text in (b"1", b"2")]
    older, newer = (store.add("scaling", "x", "ada", "v1", each) for each in files)
    queue.submitted(places, newer)
    queue.submitted(places, older)
    assert [job.submission for job in (queue.claim(places, "w"), queue.claim(places, "w"))] == [newer.id] * 2
    assert queue.claim(places, "w") is None


def test_a_sweep_queues_what_was_kept_but_never_queued(places):
    lost = Store(places).add("scaling", "double-scaling", "ada", "v1", {"double-scaling.ipynb": b"x"})
    assert queue.sweep(places) == 1
    assert queue.sweep(places) == 0
    assert queue.claim(places, "w").submission == lost.id


def test_a_job_whose_lease_ran_out_is_run_by_another_worker_and_the_first_ones_result_is_dropped(
    places, clock
):
    hand_in(places, "ada")
    job = queue.claim(places, "slow")
    clock[0] += dt.timedelta(seconds=queue.LEASE_SECONDS + 1)
    assert queue.reclaim(places) == 1
    clock[0] += dt.timedelta(minutes=2)
    again = queue.claim(places, "quick")
    assert again.number == job.number
    assert not queue.finish(places, job, "slow", GRADED)
    assert queue.finish(places, again, "quick", GRADED)
    assert not queue.finish(places, again, "quick", GRADED)


def test_a_renewed_lease_does_not_run_out(places, clock):
    hand_in(places, "ada")
    job = queue.claim(places, "w")
    clock[0] += dt.timedelta(seconds=queue.LEASE_SECONDS - 1)
    assert queue.renew(places, "w") == {job.number}
    clock[0] += dt.timedelta(seconds=queue.LEASE_SECONDS - 1)
    assert queue.reclaim(places) == 0
    assert queue.reclaim(places, dead=["w"]) == 1


def test_a_fault_is_tried_again_later_and_fails_after_the_last_attempt_until_a_person_retries(places, clock):
    hand_in(places, "ada")
    for _ in range(queue.MAXIMUM_ATTEMPTS):
        job = queue.claim(places, "w")
        assert job.kind == "public"
        queue.fault(places, job, "w", "no sandbox")
        assert queue.claim(places, "w").kind == "full", "a fault must not be tried again at once"
        queue.give_back(places, "w")
        clock[0] += dt.timedelta(minutes=10)
    assert states(places, "public") == ["failed"]
    assert queue.retry(places, "scaling") == 1
    assert states(places, "public") == ["queued"]


def test_progress_tells_place_time_result_and_hides_the_score_until_the_release(places, clock):
    from tpc_courses.manifest import read_course
    from tpc_grader.visibility import release

    hand_in(places, "ada", "1", "other")
    mine = hand_in(places, "bob", "2")
    queued = queue.progress(places, mine.id)
    assert (queued.state, queued.position) == ("queued", 4)
    assert queued.seconds_left > 0
    for _ in range(4):
        job = queue.claim(places, "w")
        queue.finish(places, job, "w", GRADED)
    running = queue.progress(places, mine.id)
    assert (running.state, running.public_result) == ("running", GRADED), "a score counts once it is recorded"
    with Session(open_database(places.database_url)) as session, session.begin():
        for row in session.scalars(select(JobRow).where(JobRow.state == "ran")):
            row.state = "graded"
    hidden = queue.progress(places, mine.id)
    assert (hidden.state, hidden.result) == ("graded", None)
    release(places, read_course(places.courses / "scaling.yml", places), "double-scaling", "teacher")
    assert queue.progress(places, mine.id).result == GRADED


def test_time_left_comes_from_measured_runs(places):
    for student in ("ada", "bob"):
        hand_in(places, student)
    before = queue.progress(places, hand_in(places, "carol").id).seconds_left
    for _ in range(2):
        queue.finish(places, queue.claim(places, "w"), "w", GRADED)
    queue.finish(places, queue.claim(places, "w"), "w", GRADED)
    mine = hand_in(places, "dan")
    assert queue.progress(places, mine.id).seconds_left < before


def test_metrics_tell_depth_wait_run_time_and_outcomes(places, clock):
    for student in ("ada", "bob"):
        hand_in(places, student)
    hand_in(places, "bob", "newer")
    clock[0] += dt.timedelta(seconds=7)
    queue.finish(places, queue.claim(places, "w"), "w", GRADED)
    told = metrics_text(places).decode()
    assert 'campus_grading_jobs{kind="public",state="queued"} 1.0' in told
    assert 'campus_grading_wait_seconds_bucket{kind="public",le="10"} 1.0' in told
    assert float(re.search(r'wait_seconds_sum{kind="public"} (\S+)', told)[1]) == pytest.approx(7, abs=0.001)
    assert 'campus_grading_outcomes_total{kind="public",outcome="graded"} 1.0' in told
    assert 'campus_grading_outcomes_total{kind="full",outcome="superseded"} 1.0' in told
    assert "campus_grading_submissions_total 3.0" in told


def test_workers_in_parallel_never_get_one_job_twice(places):
    for index in range(20):
        hand_in(places, f"student-{index}")
    taken, lock = list[int](), threading.Lock()

    def work(name: str) -> None:
        while job := queue.claim(places, name):
            with lock:
                taken.append(job.number)

    threads = [threading.Thread(target=work, args=(f"w{index}",)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(1, 41))


def test_processes_that_start_together_make_the_tables_once(places):
    code = "import sys; from tpc_grader.database import open_database; open_database(sys.argv[1])"
    command = [sys.executable, "-c", code, places.database_url]
    started = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    assert [process.communicate()[1] for process in started if process.wait()] == []


WAITING = st.lists(
    st.builds(
        Waiting,
        number=st.integers(1, 10**6),
        student=st.sampled_from("abcdef"),
        kind=st.sampled_from(["public", "full", "trial"]),
        submission_number=st.integers(1, 50),
    ),
    unique_by=lambda job: job.number,
    max_size=40,
)
SERVED = st.dictionaries(
    st.sampled_from("abcdef"),
    st.builds(Served, running=st.integers(0, 3), last=st.datetimes(timezones=st.just(dt.UTC))),
)


@given(WAITING, SERVED)
def test_the_order_is_a_permutation_in_which_no_student_waits_longer_than_a_round(waiting, served):
    order = fair_order(waiting, served)
    assert sorted(job.number for job in order) == sorted(job.number for job in waiting)
    live = [job for job in order if job.kind != "trial"]
    assert order[: len(live)] == live, "trials come last"
    for student in {job.student for job in live}:
        turns = [index for index, job in enumerate(live) if job.student == student]
        own = [live[index].submission_number for index in turns]
        assert own == sorted(own, reverse=True), "the newest comes first"
        most = max((each.running for each in served.values()), default=0)
        students = len({job.student for job in live})
        # Between two turns every other has one, and those with less running catch up first.
        gaps = [b - a for a, b in itertools.pairwise(turns)]
        assert all(gap <= students * (most + 1) for gap in gaps)


@given(WAITING)
def test_the_order_does_not_depend_on_how_jobs_are_listed(waiting):
    unique = {(job.student, job.kind, job.submission_number): job for job in waiting}.values()
    assert fair_order(unique, {}) == fair_order(reversed(list(unique)), {})
