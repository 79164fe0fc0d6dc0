"""What a monitoring system may know of grading: Prometheus text, computed from the queue when it is asked for.

Rows of jobs are never removed, so that counts only grow, also over restarts and with several processes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from sqlalchemy import ColumnElement, Float, case, cast, func, select
from sqlalchemy.orm import Session
from tpc_courses.base.places import Places
from tpc_kernels.forkserver.probe import probe

from tpc_grader.database import engine as database
from tpc_grader.database.engine import SubmissionRow
from tpc_grader.database.locks import is_serving
from tpc_grader.desk.appeals import RequestRow
from tpc_grader.queue.jobs import JobRow
from tpc_grader.sandbox.backends import confines, trusted
from tpc_grader.sandbox.limits import Limits
from tpc_grader.worker.classwork import OPEN

WAIT_BUCKETS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
RUN_BUCKETS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0)


def metrics_text(places: Places) -> bytes:
    """Return the metrics of grading as Prometheus text."""
    registry = CollectorRegistry()
    registry.register(_Collector(places))
    return generate_latest(registry)


class _Collector:
    def __init__(self, places: Places) -> None:
        self.places = places

    def collect(self) -> Iterator[Metric]:
        with database.session(self.places) as session:
            yield from _queue(session)
            yield from _outcomes(session)
            yield _histogram(session, "wait", _wait(session), WAIT_BUCKETS)
            yield _histogram(session, "run", cast(JobRow.seconds, Float), RUN_BUCKETS)
            yield from _people(session)
        yield from _machine(self.places)


def _queue(session: Session) -> Iterator[Metric]:
    depth = GaugeMetricFamily("campus_grading_jobs", "Jobs that have not ended", labels=["state", "kind"])
    query = select(JobRow.state, JobRow.kind, func.count()).where(JobRow.state.in_(OPEN))
    counts = {(state, kind): count for state, kind, count in session.execute(query.group_by("state", "kind"))}
    for state, kind in sorted({*counts, *(("queued", kind) for kind in ("public", "full", "trial"))}):
        depth.add_metric([state, kind], counts.get((state, kind), 0))
    yield depth
    oldest = session.scalar(select(func.min(JobRow.queued_at)).where(JobRow.state == "queued"))
    age = (database.utcnow() - oldest).total_seconds() if oldest else 0.0
    yield GaugeMetricFamily("campus_grading_oldest_wait_seconds", "Age of the oldest waiting job", value=age)


def _outcomes(session: Session) -> Iterator[Metric]:
    ended = CounterMetricFamily(
        "campus_grading_outcomes", "Runs by kind and outcome", labels=["kind", "outcome"]
    )
    outcome = case((JobRow.state.in_(("failed", "superseded")), JobRow.state), else_=JobRow.outcome)
    query = (
        select(JobRow.kind, outcome.label("ended_as"), func.count())
        # What is still to be written may yet be superseded, and a count must not go back.
        .where(JobRow.finished_at.is_not(None), JobRow.state.not_in(OPEN))
        .group_by("kind", "ended_as")
    )
    for kind, name, count in session.execute(query):
        ended.add_metric([kind, name], count)
    yield ended
    again = select(func.coalesce(func.sum(JobRow.attempts - 1), 0)).where(JobRow.attempts > 1)
    yield CounterMetricFamily(
        "campus_grading_retries", "Runs repeated after a fault", value=session.scalar(again)
    )


def _histogram(
    session: Session, name: str, value: ColumnElement[float], bounds: Iterable[float]
) -> HistogramMetricFamily:
    """Return the distribution of a duration over all runs that ended, by kind, counted by the database."""
    family = HistogramMetricFamily(f"campus_grading_{name}_seconds", f"Seconds of {name}", labels=["kind"])
    edges = [*bounds]
    bucket = case(*((value <= edge, index) for index, edge in enumerate(edges)), else_=len(edges)).label(
        "bucket"
    )
    query = (
        select(JobRow.kind, bucket, func.count(), func.sum(value))
        .where(JobRow.result.is_not(None), JobRow.started_at.is_not(None))
        .group_by(JobRow.kind, bucket)
    )
    found = dict[str, dict[int, tuple[int, float]]]()
    for kind, index, count, total in session.execute(query):
        found.setdefault(kind, {})[index] = (count, total or 0.0)
    names = [*(f"{edge:g}" for edge in edges), "+Inf"]
    for kind, buckets in found.items():
        counts = accumulate(buckets.get(index, (0, 0.0))[0] for index in range(len(names)))
        total = sum(seconds for _, seconds in buckets.values())
        family.add_metric([kind], list(zip(names, counts, strict=True)), total)
    return family


def _wait(session: Session) -> ColumnElement[float]:
    """Return the seconds from queue to start, in the words of the database at hand."""
    if session.get_bind().dialect.name == "sqlite":
        days = func.julianday(JobRow.started_at) - func.julianday(JobRow.queued_at)
        return days * 86_400.0
    return cast(func.extract("epoch", JobRow.started_at - JobRow.queued_at), Float)


def _people(session: Session) -> Iterator[Metric]:
    kept = session.scalar(select(func.count()).select_from(SubmissionRow))
    yield CounterMetricFamily("campus_grading_submissions", "Submissions kept", value=kept)
    waiting = select(func.count()).select_from(RequestRow).where(RequestRow.decision == "")
    yield GaugeMetricFamily(
        "campus_grading_regrade_requests", "Regrade requests without an answer", value=session.scalar(waiting)
    )


def _machine(places: Places) -> Iterator[Metric]:
    yield GaugeMetricFamily("campus_grading_worker_up", "Whether a worker serves", value=is_serving(places))
    backends = GaugeMetricFamily(
        "campus_grading_backend", "What confines jobs here; `none` runs them unconfined", labels=["backend"]
    )
    backends.add_metric(["box"], confines())
    backends.add_metric(["none"], trusted() and not confines())
    yield backends
    limits = GaugeMetricFamily(
        "campus_grading_limit", "Limits of one job, in bytes, seconds or counts", labels=["limit", "by"]
    )
    found = probe()
    means = {"memory_bytes": found.memory, "processes": found.processes}
    for field in fields(Limits):
        limits.add_metric([field.name, means.get(field.name, "sandbox")], getattr(Limits(), field.name))
    yield limits
