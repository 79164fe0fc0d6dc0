"""The worker: runs queued jobs in parallel processes, and keeps the one process that writes the gradebook.

One worker serves a state folder. It may be killed at any moment: its processes die with it, what they ran is
queued again, and what was half written is written again with the same scores.
"""

from __future__ import annotations

import contextlib
import logging
import math
import multiprocessing
import os
import signal
import socket
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from types import FrameType
from typing import TYPE_CHECKING, Any

from tpc_courses.base.files import Busy
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import read_course

from tpc_grader.database import audit
from tpc_grader.database import engine as database
from tpc_grader.database.locks import only_one
from tpc_grader.queue import queue
from tpc_grader.queue.history import turn_seconds
from tpc_grader.queue.jobs import Job, Line
from tpc_grader.queue.schedule import Served, Slot, Waiting, in_order, leaves_at, slots
from tpc_grader.queue.wakeup import Bell, take_down
from tpc_grader.results.results import Graded
from tpc_grader.submissions.store import Store
from tpc_grader.worker.writer_process import WriterProcess, die_with_worker

if TYPE_CHECKING:
    from tpc_grader.worker.writer import Record

__all__ = ["Busy", "Worker", "work"]
log = logging.getLogger(__name__)

Run = Callable[..., Graded]
POLL_SECONDS = 0.2
RENEW_SECONDS = queue.LEASE_SECONDS / 5
SWEEP_SECONDS = 30.0
# The sandbox has its own limits; this one is for a sandbox that does not keep them.
JOB_SECONDS = 1800.0
# A process that ran this many makes room for a fresh one, whatever it may have piled up.
RUNNER_JOBS = 200
# Somebody may just be asking whether a worker serves.
TAKE_OVER_SECONDS = 1.0


class _Stop(Exception):
    """SIGTERM or SIGINT came."""


@dataclass
class Runner:
    """A process that runs one job of its slot at a time; `job` is None while it waits for one."""

    process: Any
    connection: Connection
    slot: Slot
    job: Job | None = None
    began: float = math.inf
    deadline: float = math.inf
    jobs: int = 0


def work(
    places: Places,
    *,
    jobs: int | None = None,
    until: Callable[[], bool] = lambda: False,
    run: Run | None = None,
    record: Record | None = None,
) -> None:
    """Serve the queue until `until` says so or a signal comes; raises Busy when another worker does.

    `jobs` is how many run at once, by default one for each processor, and one more for quick answers;
    `run` and `record` are those of `grading`.
    """
    jobs = jobs or os.cpu_count() or 1
    with only_one(places, "worker", TAKE_OVER_SECONDS, note=f"{jobs}"), _signals():
        worker = Worker(places, jobs, run, record)
        try:
            worker.resume()
            while not until():
                worker.step()
        except _Stop:
            log.info("stopping")
        finally:
            worker.stop()


class Worker:
    """The processes that run jobs, and the writer's process. It needs no nbgrader itself, and does not import it."""

    def __init__(self, places: Places, jobs: int, run: Run | None, record: Record | None) -> None:
        self.places, self.slots, self.run, self.record = places, slots(jobs), run, record
        self.name = f"{socket.gethostname()}:{os.getpid()}:{time.time_ns()}"
        self.runners = list[Runner]()
        self.context = multiprocessing.get_context("forkserver")
        theirs = [each.__module__ for each in (run, record) if each]
        self.context.set_forkserver_preload(["__main__", *theirs, "tpc_grader.worker.preload"])
        self.writer = WriterProcess(places, self._process, record)
        self.bell = Bell(places, "worker")
        self.renewed = self.swept = -math.inf

    def resume(self) -> None:
        """Take up what an earlier worker of this state folder left: holding the lock proves it is dead."""
        host = f"{socket.gethostname()}:"
        dead = [each for each in queue.workers(self.places) if each.startswith(host)]
        if lost := queue.reclaim(self.places, dead):
            log.warning("%d jobs were running when the worker ended; they are queued again", lost)
        audit.export(self.places)

    def step(self) -> None:
        """Do whatever is due, then wait for the next event or a moment."""
        now = time.monotonic()
        self.writer.tend()
        for slot in (Counter(self.slots) - Counter(each.slot for each in self.runners)).elements():
            self.runners.append(self._runner(slot))
        if now - self.swept > SWEEP_SECONDS:
            self.swept = now
            self._sweep()
        if now - self.renewed > RENEW_SECONDS:
            self.renewed = now
            queue.renew(self.places, self.name)
        self._end_superseded()
        made_room = self._give_jobs()
        waited_for: list[Any] = [self.bell, *(each.connection for each in self.runners)]
        for ready in wait(waited_for, 0 if made_room else POLL_SECONDS):
            if isinstance(ready, Bell):
                self.bell.hear()
            else:
                self._hear(next(each for each in self.runners if each.connection is ready))
        for late in [each for each in self.runners if time.monotonic() > each.deadline]:
            self._drop(late, f"the job did not end within {JOB_SECONDS:g} s")

    def stop(self) -> None:
        """End all processes and queue again what they ran."""
        for each in self.runners:
            each.process.kill()
        self.writer.end()
        self.bell.close()
        take_down(self.places)
        queue.give_back(self.places, self.name)

    def _end_superseded(self) -> None:
        """Stop what is ours no longer: newer work of the student came in, or the lease ran out in a long sleep."""
        busy = [each for each in self.runners if each.job]
        mine = queue.held(self.places, self.name) if busy else set()
        for each in [each for each in busy if each.job and each.job.number not in mine]:
            self._forget(each)

    def _give_jobs(self) -> bool:
        """Give each idle process the next job that its slot takes; returns whether one had to make room."""
        found = queue.line(self.places)
        waiting, served = [*found.waiting], dict(found.served)
        for runner in sorted(self.runners, key=lambda each: self.slots.index(each.slot)):
            for each in in_order(waiting, served, runner.slot) if runner.job is None else ():
                waiting.remove(each)
                if job := queue.take(self.places, each, self.name):
                    had = served.get(each.student, Served())
                    served[each.student] = Served(had.running + 1, database.utcnow())
                    self._start(runner, job)
                    break
        return bool(waiting) and self._make_room(found, waiting)

    def _make_room(self, found: Line, waiting: list[Waiting]) -> bool:
        """End one job that had its turn, in a slot that others need; the next look gives the slot away."""
        jobs = {job.number: job for job, _, _ in found.running}
        for runner in sorted(self.runners, key=lambda each: each.began):
            job = jobs.get(runner.job.number) if runner.job else None
            if job is None:
                continue
            ran, turn = time.monotonic() - runner.began, turn_seconds(self.places, job)
            after = leaves_at(job, runner.slot, waiting, turn)
            if after is not None and ran >= after:
                level = job.level + (ran >= turn * 2**job.level)
                log.info("job %d of %s gives way after %.1f s, level %d", job.number, job.student, ran, level)
                queue.leave(self.places, job.number, self.name, level)
                self._forget(runner)
                return True
        return False

    def _start(self, runner: Runner, job: Job) -> None:
        runner.job, runner.began = job, time.monotonic()
        runner.deadline = runner.began + JOB_SECONDS
        runner.jobs += 1
        with contextlib.suppress(OSError):  # a runner that is dead is heard of next
            runner.connection.send(job)

    def _hear(self, runner: Runner) -> None:
        """Keep what a runner reports; one that ended without a report had a fault."""
        try:
            kind, text = runner.connection.recv_bytes().decode().split("\n", 1)
        except (EOFError, OSError):
            runner.process.join(5)
            self._drop(runner, f"the job's process ended with code {runner.process.exitcode}")
            return
        job, runner.job, runner.began, runner.deadline = runner.job, None, math.inf, math.inf
        assert job is not None
        if kind == "graded":
            queue.finish(self.places, job, self.name, Graded.from_json(text))
        else:
            self._note_fault(job, text)
        if runner.jobs >= RUNNER_JOBS:
            self._forget(runner)

    def _drop(self, runner: Runner, reason: str) -> None:
        if runner.job is not None:
            self._note_fault(runner.job, reason)
        self._forget(runner)

    def _note_fault(self, job: Job, reason: str) -> None:
        log.warning("job %d of %s: %s", job.number, job.student, reason)
        queue.fault(self.places, job, self.name, reason)

    def _forget(self, runner: Runner) -> None:
        self.runners.remove(runner)
        runner.connection.close()
        runner.process.kill()
        runner.process.join(5)

    def _sweep(self) -> None:
        if found := queue.sweep(self.places):
            log.warning("%d submissions were kept but not queued; they are now", found)
        queue.reclaim(self.places)

    def _runner(self, slot: Slot) -> Runner:
        ours, theirs = self.context.Pipe()
        runner = Runner(self._process(_run_jobs, theirs, self.run, self.places), ours, slot)
        theirs.close()
        return runner

    def _process(self, target: Callable[..., None], *arguments: Any) -> Any:
        process = self.context.Process(target=target, args=arguments, daemon=True)
        process.start()
        return process


def _run_jobs(connection: Connection, run: Run | None, places: Places) -> None:
    """Run the jobs that come, and report JSON; what goes wrong here never reaches the worker's process."""
    from tpc_grader.grading import submission as grading

    die_with_worker()
    with contextlib.suppress(EOFError, OSError):
        while True:
            connection.send_bytes(_outcome(run or grading.run, places, connection.recv()).encode())


def _outcome(run: Run, places: Places, job: Job) -> str:
    try:
        course = read_course(places.courses / f"{job.course}.yml", places)
        submission = Store(places).get(job.submission)
        graded = run(places, course, submission, version=job.version, public=job.kind == "public")
        return f"graded\n{graded.to_json()}"
    except Exception as e:
        log.error("job %d: %s", job.number, traceback.format_exc())
        return f"fault\n{type(e).__name__}: {e}"


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """Turn SIGTERM and SIGINT into the end of the loop, once."""

    def stop(number: int, frame: FrameType | None) -> None:
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        raise _Stop

    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    for each in before:
        signal.signal(each, stop)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
