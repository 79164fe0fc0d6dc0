"""The queue: fair, newest first, every job once, nothing lost when a worker dies. On SQLite and PostgreSQL."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from tpc_courses.base.places import Places
from tpc_grader.database import engine as database
from tpc_grader.database.locks import only_one
from tpc_grader.desk.metrics import metrics_text
from tpc_grader.queue import history, queue, schedule
from tpc_grader.queue.jobs import JobRow
from tpc_grader.queue.schedule import QUICK
from tpc_grader.results.results import CellScore, Graded
from tpc_grader.submissions.store import Store, Submission

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


def hand_in(
    places: Places, student: str, text: str = "x", exercise: str = "double-scaling", version: str = "v1"
) -> Submission:
    """Keep and queue a submission."""
    submission = Store(places).add(
        "scaling", exercise, student, version, {f"{exercise}.ipynb": text.encode()}
    )
    queue.submitted(places, submission)
    return submission


def states(places: Places, kind: str | None = None) -> list[str]:
    """Return the states of all jobs in the order in which they were queued."""
    query = select(JobRow).order_by(JobRow.number)
    with database.session(places) as session:
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
        ("ada", "first", "public"),
        ("bob", "first", "full"),
        ("ada", "second", "full"),
        ("ada", "first", "full"),
    ]


def test_newer_work_takes_the_place_of_what_waits_and_of_what_runs_but_not_of_scores_that_are_there(places):
    first = hand_in(places, "ada", "1")
    public, full = queue.claim(places, "w"), queue.claim(places, "w")
    assert queue.finish(places, full, "w", GRADED)
    second = hand_in(places, "ada", "2")
    assert states(places) == ["superseded", "ran", "queued", "queued"]
    assert queue.held(places, "w") == set()
    assert not queue.finish(places, public, "w", GRADED)
    assert queue.progress(places, first.id).public_result is None
    assert queue.progress(places, second.id).state == "queued"


def test_newer_work_for_one_exercise_leaves_the_work_for_another_alone(places):
    hand_in(places, "ada", "1", "first")
    job = queue.claim(places, "w")
    hand_in(places, "ada", "2", "second")
    assert queue.finish(places, job, "w", GRADED)


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
        job = queue.claim(places, "w", QUICK)
        assert job.kind == "public"
        queue.fault(places, job, "w", "no sandbox")
        assert queue.claim(places, "w").kind == "full", "a fault must not be tried again at once"
        queue.give_back(places, "w")
        clock[0] += dt.timedelta(minutes=10)
    assert states(places, "public") == ["failed"]
    assert queue.retry(places, "scaling") == 1
    assert states(places, "public") == ["queued"]


def run_all(places: Places, clock: list[dt.datetime], seconds: float, outcome: str = "graded") -> None:
    """Run all that waits, one after the other, each for so long."""
    while job := queue.claim(places, "w"):
        clock[0] += dt.timedelta(seconds=seconds)
        queue.finish(places, job, "w", dataclasses.replace(GRADED, outcome=outcome, seconds=seconds))


def write_down(places: Places, clock: list[dt.datetime], seconds: float = 1.0) -> None:
    """Record what has run, at the same time."""
    clock[0] += dt.timedelta(seconds=seconds)
    with database.transaction(places) as session:
        for row in session.scalars(select(JobRow).where(JobRow.state == "ran")):
            row.state, row.recorded_at = "graded", clock[0]


@pytest.fixture
def worker(places: Places) -> Iterator[None]:
    """What pages know of a worker that runs two jobs at once."""
    with only_one(places, "worker", note="2"):
        yield


def test_progress_tells_place_and_result_and_hides_the_score_until_the_release(places, clock, worker):
    from tpc_courses.sources.manifest import read_course
    from tpc_grader.grades.visibility import release

    hand_in(places, "ada", "1", "other")
    mine = hand_in(places, "bob", "2")
    queued = queue.progress(places, mine.id)
    assert (queued.state, queued.position) == ("queued", 2), "the visible tests of one other come before"
    run_all(places, clock, 4)
    running = queue.progress(places, mine.id)
    assert (running.state, running.public_result) == ("running", GRADED), "a score counts once it is recorded"
    write_down(places, clock)
    hidden = queue.progress(places, mine.id)
    assert (hidden.state, hidden.result) == ("graded", None)
    release(places, read_course(places.courses / "scaling.yml", places), "double-scaling", "teacher")
    assert queue.progress(places, mine.id).result == GRADED


class TestEstimates:
    """What a page says about waiting: from runs of the same exercise, never low, and nothing where nobody can tell."""

    def test_nothing_is_said_before_the_first_run_of_an_exercise(self, places, clock, worker):
        hand_in(places, "ada", "1", "other")
        run_all(places, clock, 3)
        write_down(places, clock)
        told = queue.progress(places, hand_in(places, "bob").id)
        assert (told.public_seconds_left, told.seconds_left) == (None, None)

    def test_nothing_is_said_while_no_worker_serves(self, places, clock):
        hand_in(places, "ada")
        run_all(places, clock, 3)
        write_down(places, clock)
        told = queue.progress(places, hand_in(places, "bob").id)
        assert (told.position, told.public_seconds_left, told.seconds_left) == (1, None, None)

    @pytest.mark.parametrize("seconds", [0.2, 3, 40])
    def test_nobody_waits_less_than_others_took(self, places, clock, worker, seconds):
        for student in ("ada", "bob", "carol"):
            hand_in(places, student)
        run_all(places, clock, seconds)
        write_down(places, clock, 5)
        told = queue.progress(places, hand_in(places, "dan").id)
        assert seconds <= told.public_seconds_left <= 4 * seconds + 2
        assert seconds + 5 <= told.seconds_left <= 20 * seconds + 40

    def test_runs_of_another_version_count_only_where_there_are_none(self, places, clock, worker):
        hand_in(places, "ada")
        run_all(places, clock, 50)
        hand_in(places, "bob", version="v2")
        run_all(places, clock, 2)
        write_down(places, clock)
        assert queue.progress(places, hand_in(places, "dan", version="v2").id).public_seconds_left < 10
        assert queue.progress(places, hand_in(places, "eve", version="v3").id).public_seconds_left > 50

    def test_what_looped_says_nothing_of_those_who_do_not(self, places, clock, worker):
        hand_in(places, "ada")
        run_all(places, clock, 2)
        hand_in(places, "bob")
        run_all(places, clock, 300, outcome="timeout")
        write_down(places, clock)
        assert queue.progress(places, hand_in(places, "dan").id).public_seconds_left < 10

    def test_a_queue_of_others_is_counted_by_the_slots_that_serve_it(self, places, clock, worker):
        hand_in(places, "ada")
        run_all(places, clock, 4)
        write_down(places, clock)
        for number in range(20):
            hand_in(places, f"before{number:02}")
        told = queue.progress(places, hand_in(places, "zoe").id)
        assert told.position == 21
        # Two processors: 20 others' visible tests of four seconds each, then their scores too.
        assert 40 <= told.public_seconds_left <= 160
        assert 80 <= told.seconds_left <= 320

    def test_a_run_that_takes_longer_than_is_usual_has_no_estimate(self, places, clock, worker):
        hand_in(places, "ada")
        run_all(places, clock, 2)
        write_down(places, clock)
        mine = hand_in(places, "dan")
        queue.claim(places, "w", QUICK)
        clock[0] += dt.timedelta(seconds=1)
        assert queue.progress(places, mine.id).public_seconds_left >= 1
        clock[0] += dt.timedelta(seconds=60)
        assert queue.progress(places, mine.id).public_seconds_left is None


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
    code = "import sys; from tpc_grader.database.engine import open_database; open_database(sys.argv[1])"
    command = [sys.executable, "-c", code, places.database_url]
    started = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    assert [process.communicate()[1] for process in started if process.wait()] == []


class TestSlots:
    """Which job a slot gets: one that loops has room of its own and is in nobody's way."""

    @pytest.mark.parametrize("jobs", [1, 2, 3, 4, 8, 16, 64])
    def test_there_is_room_for_quick_answers_for_scores_and_for_what_loops(self, jobs):
        has = schedule.slots(jobs)
        assert any(slot.takes == ("public",) and not slot.stays for slot in has)
        assert any(slot.takes[0] == "full" and not slot.stays for slot in has)
        assert any(slot.stays for slot in has)
        assert jobs < len(has) <= max(jobs + 1 + jobs // 4, 3)
        assert sum(slot.level == 0 and "full" in slot.takes for slot in has) == jobs

    def test_a_quick_answer_never_waits_for_scores(self, places):
        for number in range(6):
            hand_in(places, f"student{number}")
        slots = schedule.slots(2)
        while queue.claim(places, "w", slots[1]) or queue.claim(places, "w", slots[2]):
            pass
        hand_in(places, "ada")
        assert queue.claim(places, "w", QUICK).kind == "public"
        assert queue.claim(places, "w", QUICK) is None

    def test_who_has_a_job_running_waits_while_anybody_else_has_none(self, places):
        for exercise in ("first", "second", "third"):
            hand_in(places, "ada", exercise, exercise)
        hand_in(places, "bob")
        hand_in(places, "carol")
        assert [student for student, _ in claimed(places, 3)] == ["ada", "bob", "carol"]

    def test_a_students_own_work_in_several_exercises_does_not_delay_a_class(self, places):
        for number in range(10):
            hand_in(places, "ada", exercise=f"exercise-{number}")
        for number in range(10):
            hand_in(places, f"student{number}")
        order = claimed(places, 40)
        others = [place for place, (student, _) in enumerate(order) if student != "ada"]
        assert others[9] <= 10, "the visible tests of all come after one of ada's"
        assert max(others) < 31, "and their scores before most of hers"

    def test_newcomers_do_not_pass_by_in_front_of_those_who_wait_for_a_score(self, places, clock):
        hand_in(places, "ada")
        queue.finish(places, queue.claim(places, "w", QUICK), "w", GRADED)
        clock[0] += dt.timedelta(seconds=1)
        for number in range(3):
            hand_in(places, f"student{number}")
        assert (claimed_in(places, schedule.SCORES)) == ("ada", "full")

    def test_a_regrade_of_a_class_waits_for_those_who_hand_in(self, places, clock):
        old = [hand_in(places, f"student{number}") for number in range(5)]
        run_all(places, clock, 1)
        write_down(places, clock)
        clock[0] += dt.timedelta(hours=3)
        for each in old:
            queue.enqueue(places, each, "full", again=True)
        for each in old[:2]:
            queue.enqueue(places, each, "trial", "v2")
        hand_in(places, "zoe")
        assert claimed(places, 2) == [("zoe", "public"), ("zoe", "full")]
        assert len(claimed(places, 9)) == 7

    def test_what_loops_runs_after_all_others_and_its_score_too(self, places):
        for student in ("ada", "bob"):
            hand_in(places, student)
        job = queue.claim(places, "w", QUICK)
        assert job.student == "ada"
        assert queue.leave(places, job.number, "w")
        assert claimed(places, 4) == [("bob", "public"), ("bob", "full"), ("ada", "public"), ("ada", "full")]

    def test_what_missed_a_turn_comes_before_what_missed_more(self, places):
        for student, level in (("ada", 3), ("bob", 1), ("carol", 2)):
            hand_in(places, student)
            assert queue.leave(places, queue.claim(places, "w", QUICK).number, "w", level)
        order = schedule.in_order(queue.line(places).waiting, {}, QUICK)
        assert [job.student for job in order] == ["bob", "carol", "ada"]

    def test_a_score_is_known_to_loop_as_soon_as_the_visible_tests_did(self, places):
        hand_in(places, "ada")
        public = queue.claim(places, "w", QUICK)
        running = queue.claim(places, "w", schedule.SCORES)
        assert [(job.need, job.level) for job, _, _ in queue.line(places).running] == [
            ("public", 0),
            ("full", 0),
        ]
        queue.finish(places, public, "w", dataclasses.replace(GRADED, outcome="timeout"))
        ((job, _, _),) = queue.line(places).running
        assert (job.number, job.level) == (running.number, schedule.LOOPS + 1)
        hand_in(places, "bob")
        others = queue.line(places).waiting
        assert schedule.leaves_at(job, schedule.SCORES, others, 100.0) == 0
        assert schedule.leaves_at(job, schedule.SHARED, others, 1.0) is None

    def test_who_looped_goes_behind_others_until_an_answer_ends(self, places, clock):
        hand_in(places, "ada", "loops")
        job = queue.claim(places, "w", QUICK)
        queue.finish(places, job, "w", dataclasses.replace(GRADED, outcome="timeout"))
        clock[0] += dt.timedelta(minutes=1)
        hand_in(places, "ada", "loops again?")
        clock[0] += dt.timedelta(minutes=1)
        hand_in(places, "bob")
        assert claimed_in(places, QUICK) == ("bob", "public")
        job = queue.claim(places, "w", QUICK)
        assert job.student == "ada"
        queue.finish(places, job, "w", GRADED)
        clock[0] += dt.timedelta(minutes=1)
        hand_in(places, "ada", "better")
        clock[0] += dt.timedelta(minutes=1)
        hand_in(places, "carol")
        assert not any(job.loops for job in queue.line(places).waiting)

    def test_leaving_costs_no_attempt_and_only_the_holder_can(self, places):
        hand_in(places, "ada")
        job = queue.claim(places, "w", QUICK)
        assert not queue.leave(places, job.number, "another")
        assert queue.leave(places, job.number, "w")
        assert not queue.leave(places, job.number, "w")
        assert not queue.finish(places, job, "w", GRADED), "a result that comes after all is dropped"
        for _ in range(2 * queue.MAXIMUM_ATTEMPTS):
            again = queue.claim(places, "w", QUICK)
            assert (again.number, again.attempts) == (job.number, 1)
            queue.leave(places, again.number, "w")

    @pytest.mark.parametrize(
        ("kind", "level", "slot", "other", "leaves_at"),
        [
            ("public", 0, "QUICK", ("public", 0), 2),
            ("public", 0, "SHARED", ("public", 0), 2),
            ("public", 0, "QUICK", ("full", 0), None),  # which cannot run there
            ("public", 0, "QUICK", ("public", 1), None),  # which comes after it
            ("full", 0, "SCORES", ("full", 0), 2),
            ("full", 0, "SCORES", ("trial", 0), 2),
            ("trial", 0, "SCORES", ("full", 0), 2),
            ("full", 0, "SCORES", ("full", 1), None),
            ("full", 0, "SHARED", ("public", 0), None),  # a score stays where it need not leave
            ("public", 1, "QUICK", ("public", 0), 0),
            ("public", 1, "QUICK", ("public", 1), 4),
            ("public", 1, "SHARED", ("public", 1), 4),
            ("public", 2, "QUICK", ("public", 1), 0),
            ("public", 2, "QUICK", ("public", 2), 8),
            ("public", 2, "SHARED", ("public", 0), None),
            ("full", 3, "SCORES", ("full", 1), 0),
            ("full", 3, "LONG", ("full", 1), None),
        ],
    )
    def test_who_leaves_a_slot_that_others_wait_for(self, kind, level, slot, other, leaves_at):
        runs = schedule.Waiting(1, "ada", kind, 1, level=level)
        waits = schedule.Waiting(2, "bob", other[0], 2, level=other[1])
        own = dataclasses.replace(waits, student="ada")
        room = getattr(schedule, slot)
        assert schedule.leaves_at(runs, room, [waits], turn_seconds=2) == leaves_at
        assert schedule.leaves_at(runs, room, [own], turn_seconds=2) is None, "nobody is in their own way"
        assert schedule.leaves_at(runs, room, [], turn_seconds=2) is None


class TestTurns:
    """How long a job may hold a slot that others wait for, and at most."""

    @pytest.fixture(autouse=True)
    def load(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        """The load of the machine, at `load[0]`."""
        load = [0.0]
        monkeypatch.setattr(os, "getloadavg", lambda: (load[0], 0.0, 0.0))
        return load

    def test_on_a_busy_machine_turns_and_limits_are_longer(self, places, clock, load):
        for number in range(6):
            hand_in(places, f"student{number}")
        run_all(places, clock, 0.1)
        job = schedule.Waiting(1, "ada", "public", 1, "scaling", "double-scaling", "v1")

        def times() -> tuple[float, float]:
            limits = history.public_limits(places, "scaling", "double-scaling", "v1")
            return history.turn_seconds(places, job), limits.total_seconds

        idle = times()
        load[0] = 4.0 * os.cpu_count()
        assert times() == pytest.approx(tuple(4 * each for each in idle))
        load[0] = 1000.0 * os.cpu_count()
        assert times() == pytest.approx(tuple(10 * each for each in idle)), "but not without bound"

    def test_a_turn_is_twice_what_is_usual(self, places, clock):
        job = schedule.Waiting(1, "ada", "public", 1, "scaling", "double-scaling", "v1")
        unknown = history.turn_seconds(places, job)
        for number in range(6):
            hand_in(places, f"student{number}")
        run_all(places, clock, 5)
        assert history.turn_seconds(places, job) == 10
        assert history.turn_seconds(places, dataclasses.replace(job, kind="trial")) == 10
        assert unknown < 10

    def test_nobody_makes_turns_long_by_slow_work_that_is_handed_in_again_and_again(self, places, clock):
        job = schedule.Waiting(1, "ada", "public", 1, "scaling", "double-scaling", "v1")
        for number in range(6):
            hand_in(places, f"student{number}")
        run_all(places, clock, 2)
        for number in range(20):
            hand_in(places, "eve", f"{number}")
            run_all(places, clock, 50)
        assert history.turn_seconds(places, job) == 4

    def test_ten_that_loop_are_over_before_an_honest_student_gives_up(self, places, clock):
        for number in range(6):
            hand_in(places, f"student{number}")
        run_all(places, clock, 0.3)
        job = schedule.Waiting(1, "ada", "public", 1, "scaling", "double-scaling", "v1")
        able = [slot for slot in schedule.slots(2) if "public" in slot.takes]
        assert 10 * history.turn_seconds(places, job) / len(able) < 5

    @pytest.mark.parametrize(("seconds", "at_most"), [(0.3, 10), (10, 60), (1000, 300)])
    def test_a_quick_answer_has_little_more_time_than_others_took(self, places, clock, seconds, at_most):
        assert history.public_limits(places, "scaling", "double-scaling", "v1").total_seconds == 20
        for number in range(6):
            hand_in(places, f"student{number}")
        run_all(places, clock, seconds)
        limits = history.public_limits(places, "scaling", "double-scaling", "v1")
        assert min(seconds, 300) <= limits.total_seconds <= at_most
        assert limits.cell_seconds <= 60


def claimed_in(places: Places, slot: schedule.Slot) -> tuple[str, str]:
    """Claim the next job of a slot."""
    job = queue.claim(places, "w", slot)
    return job.student, job.kind


WAITING = st.lists(
    st.builds(
        schedule.Waiting,
        number=st.integers(1, 10**6),
        student=st.sampled_from("abcdef"),
        kind=st.sampled_from(["public", "full", "trial"]),
        submission_number=st.integers(1, 50),
        round=st.integers(1, 2),
        level=st.sampled_from([0, 0, 0, 1, 3]),
        early=st.booleans(),
        loops=st.booleans(),
    ),
    unique_by=lambda job: job.number,
    max_size=40,
)
SERVED = st.dictionaries(
    st.sampled_from("abcdef"),
    st.builds(schedule.Served, running=st.integers(0, 3), last=st.datetimes(timezones=st.just(dt.UTC))),
)
SLOTS = st.sampled_from([schedule.ANY, *schedule.slots(1), *schedule.slots(2)])


@given(WAITING, SERVED, SLOTS)
def test_the_order_is_a_permutation_in_which_each_student_has_a_turn_in_every_round(waiting, served, slot):
    order = schedule.in_order(waiting, served, slot)
    assert sorted(job.number for job in order) == sorted(job.number for job in waiting if slot.accepts(job))
    stages = [job.stage for job in order]
    assert stages == sorted(stages), "who hands in now comes first, what loops comes last"
    live = [job for job in order if job.stage == 0]
    for student in {job.student for job in live}:
        turns = [index for index, job in enumerate(live) if job.student == student]
        own = [job for job in live if job.student == student]
        for need in ("public", "full"):
            numbers = [job.submission_number for job in own if job.need == need and not job.early]
            assert numbers == sorted(numbers, reverse=True), "the newest comes first"
        most = max((each.running for each in served.values()), default=0)
        students = len({job.student for job in live})
        # A turn each in every round, in any order, and those with less running catch up first.
        gaps = [b - a for a, b in itertools.pairwise(turns)]
        assert all(gap < 2 * students * (most + 1) for gap in gaps)


@given(WAITING, SERVED, SLOTS)
def test_the_order_does_not_depend_on_how_jobs_are_listed(waiting, served, slot):
    unique = {
        (job.student, job.submission_number, job.need, job.level, job.early): job for job in waiting
    }.values()
    assert schedule.in_order(unique, served, slot) == schedule.in_order(reversed(list(unique)), served, slot)


@given(WAITING, SERVED, SLOTS)
def test_who_has_nothing_running_comes_before_anybodys_second_job(waiting, served, slot):
    order = schedule.in_order(waiting, served, slot)
    if order and order[0].stage == 0:
        runs = {student: served.get(student, schedule.Served()).running for student in "abcdef"}
        live = [job for job in order if job.stage == 0]
        assert runs[order[0].student] == min(runs[job.student] for job in live)
