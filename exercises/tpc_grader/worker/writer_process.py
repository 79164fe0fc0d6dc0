"""The one process that writes results down, as its worker sees it: ended and started anew when it takes too long.

The process tells when it begins with a job and when it is through. What holds it up for longer than it may is
noted with the job, by whoever ended it, and the next process goes on with the next job.
"""

from __future__ import annotations

import contextlib
import logging
import math
import multiprocessing
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SAWarning
from tpc_courses.base.places import Places

from tpc_grader.database.locks import only_one
from tpc_grader.queue.retries import note_fault, note_overdue
from tpc_grader.queue.wakeup import Bell

if TYPE_CHECKING:
    from tpc_grader.worker.writer import Record

log = logging.getLogger(__name__)
POLL_SECONDS = 0.2
LOOK_SECONDS = 10.0
# An ordinary result takes a tenth of a second; another program may hold the gradebook for some.
RECORD_SECONDS = 30.0
_THROUGH = 0


class WriterProcess:
    """The process, and the job it is at."""

    def __init__(self, places: Places, start: Callable[..., Any], record: Record | None) -> None:
        """`start(target, *arguments)` starts a process; `record` is that of `grading`."""
        self.places, self.start, self.record = places, start, record
        self.seconds = RECORD_SECONDS
        self.process: Any = None
        self.connection: Connection | None = None
        self.job, self.deadline = _THROUGH, math.inf

    def tend(self) -> None:
        """Do whatever is due: start it, hear what it is at, end it when it is too long at it."""
        if self.process is not None and not self.process.is_alive():
            self._note_end()
        if self.process is None:
            self._begin()
        self.hear()
        if time.monotonic() > self.deadline:
            late = self.job  # it may get through, and on to the next, before it ends
            self.end()
            log.warning("job %d was not recorded within %g s", late, self.seconds)
            note_overdue(self.places, late, self.seconds)

    def hear(self) -> None:
        """Take in what it told."""
        with contextlib.suppress(EOFError, OSError):
            while self.connection is not None and self.connection.poll():
                self.job = self.connection.recv()
                self.deadline = time.monotonic() + self.seconds if self.job != _THROUGH else math.inf

    def end(self) -> None:
        """End it; what it was at is not lost."""
        if self.process is not None:
            self.process.kill()
            self.process.join(5)
        self.hear()
        self.process, self.deadline = None, math.inf

    def _note_end(self) -> None:
        """Note with the job it was at that it ended by itself: the next one would go on with the same job."""
        code = self.process.exitcode
        self.end()
        log.warning("the writer ended with code %s", code)
        if self.job != _THROUGH:
            note_fault(self.places, self.job, f"not recorded: the writer ended with code {code}")

    def _begin(self) -> None:
        if self.connection is not None:
            self.connection.close()
        self.job, self.deadline = _THROUGH, math.inf
        self.connection, theirs = multiprocessing.Pipe(duplex=False)
        self.process = self.start(_write, theirs, self.places, self.record)
        theirs.close()


def die_with_worker() -> None:
    """Have this process end with the worker, also when that is killed: it holds the other end of a pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os.kill(os.getpid(), signal.SIGKILL)


def _write(connection: Connection, places: Places, record: Record | None) -> None:
    """Write results down, one after the other, as long as the worker lives."""
    from tpc_grader.worker.reconcile import Reconciler
    from tpc_grader.worker.writer import write_next

    die_with_worker()
    # nbgrader 0.9.6 makes SQLAlchemy warn on every new submission; it says nothing to an operator.
    warnings.filterwarnings("ignore", category=SAWarning, module="nbgrader")
    # A writer whose worker was killed a moment ago may still be at its last one.
    with only_one(places, "writer", math.inf):
        bell, others, looked = Bell(places, "writer"), Reconciler(places), -math.inf
        while True:
            if write_next(places, record or _record, connection.send):
                connection.send(_THROUGH)
                continue
            if time.monotonic() - looked > LOOK_SECONDS:
                looked = time.monotonic()
                others.look()
            bell.wait(POLL_SECONDS)


def _record(*result: Any) -> None:
    # nbgrader takes seconds to import: only where results are written.
    from tpc_grader.coursework.recording import record

    record(*result)
