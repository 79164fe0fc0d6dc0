"""Kills at any moment: nothing that was handed in is lost, nothing is graded twice, every receipt holds."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import nbformat
import pytest
from campus_tree import REPOSITORY, SUPPORT
from running_campus import running_campus, wait_for
from tpc_bench.faults import (
    VICTIMS,
    book_checks,
    hand_in_under_kills,
    is_quiet,
    jobs_of,
    score_check,
    wait_until_quiet,
)
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import load_courses
from tpc_grader.grades.scores import class_scores
from tpc_grader.submissions.receipts import read_receipt
from tpc_grader.versions import releases

EXERCISE = "double-scaling"
STUDENTS = [f"student-{index:02}" for index in range(20)]
EACH = 10
KILLS = 5


class Victim:
    """A process of the tests that is killed and started again."""

    def __init__(self, script: str, places: Places) -> None:
        path = REPOSITORY / "tests" / "support" / "stand_ins" / script
        self.command = [sys.executable, str(path), str(places.root), str(places.state)]
        self.kills = 0
        self.process = self._start()

    def _start(self) -> subprocess.Popen[str]:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        environment = os.environ | {"PYTHONPATH": SUPPORT}
        return subprocess.Popen(self.command, **pipes, env=environment)

    def kill(self) -> None:
        """Kill it, and start it again."""
        self.stop()
        self.kills += 1
        self.process = self._start()

    def stop(self) -> None:
        """Kill it for good."""
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@contextlib.contextmanager
def victim(script: str, places: Places) -> Iterator[Victim]:
    """Run a script of the tests that may be killed."""
    running = Victim(script, places)
    try:
        yield running
    finally:
        running.stop()


@contextlib.contextmanager
def killed_at_work(worker: Victim, places: Places, times: int, chance: random.Random) -> Iterator[None]:
    """Kill a worker so many times meanwhile, each time at a random moment after it has ended some jobs."""

    def kill() -> None:
        for _ in range(times):
            before = ended(places)
            wait_for(lambda before=before: ended(places) > before)
            time.sleep(chance.uniform(0, 0.3))
            worker.kill()

    thread = threading.Thread(target=kill)
    thread.start()
    yield
    thread.join()


def hand_in(service: Victim, student: str, text: str, kill_after: float | None) -> str:
    """Hand in until there is a receipt, as a person would who sees that the campus did not answer."""
    for _ in range(100):
        with contextlib.suppress(OSError, ValueError):
            service.process.stdin.write(f"{student} {text}\n")
            service.process.stdin.flush()
            if kill_after is not None:
                time.sleep(kill_after)
                service.kill()
                kill_after = None
            elif line := service.process.stdout.readline():
                return line
    raise AssertionError(f"no receipt for {student} {text}")


def ended(places: Places) -> int:
    """Return how many runs have ended."""
    return sum(row.finished_at is not None and row.state != "superseded" for row in jobs_of(places))


@pytest.mark.slow
def test_200_submissions_under_kills_are_all_kept_and_each_graded_once(tree: Places):
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    release(tree)
    work = [(student, f"points={chance.randint(0, 9)} slow {n}") for n in range(EACH) for student in STUDENTS]
    receipts, expected = [], dict[str, float]()
    with victim("quick_grading.py", tree) as worker, victim("quick_service.py", tree) as service:
        with killed_at_work(worker, tree, KILLS, chance):
            for number, (student, text) in enumerate(work):
                if number == len(work) - len(STUDENTS):
                    # The last round comes after all kills, while most of the others still wait.
                    wait_for(lambda: worker.kills == KILLS)
                kill_after = chance.uniform(0, 0.03) if number % 40 == 20 else None
                receipts.append(read_receipt(hand_in(service, student, text, kill_after)))
                expected[student] = float(text.split()[0].removeprefix("points="))
        wait_for(lambda: is_quiet(tree, "scaling", EXERCISE), seconds=120)
    assert (service.kills, worker.kills) == (5, KILLS)
    checks = book_checks(tree, "scaling", EXERCISE, receipts)
    assert [check for check in checks if check.wrong or not check.looked_at] == []
    assert checks[0].looked_at == len(STUDENTS) * EACH
    scores = class_scores(tree, "scaling")
    assert {student: scores[student, EXERCISE].points for student in expected} == expected


@pytest.mark.slow
@pytest.mark.hub
@pytest.mark.timeout(600)
def test_a_real_campus_under_kills_of_worker_service_and_hub(tree: Places):
    """The same as `campus bench faults`, which hands in five times as much."""
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    course = next(each for each in load_courses(tree) if each.id == "scaling")
    with running_campus(tree) as campus:
        story = hand_in_under_kills(
            tree, course, campus.port, len(STUDENTS), 2, KILLS, random.Random(seed), print
        )
        wait_until_quiet(tree, course)
        checks = [*book_checks(tree, course.id, EXERCISE, story.receipts), score_check(tree, course)]
        assert [check for check in checks if check.wrong or not check.looked_at] == []
        assert len(story.receipts) == 2 * len(STUDENTS)
        assert story.killed.keys() == VICTIMS.keys()
        assert "The hub ended with code -9" in campus.screen
        assert "The grader ended with code -9" in campus.screen
        # What runs beside the hub outlives it.
        assert "The grader ended with code 0" not in campus.screen


def release(places: Places) -> None:
    """Release the exercise, without nbgrader: what counts here is what happens afterwards."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("Double it.")])
    files = {f"{EXERCISE}.ipynb": nbformat.writes(notebook).encode()}
    releases.publish(places.intake, "scaling", EXERCISE, files, "v1")
