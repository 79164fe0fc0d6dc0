"""Grades one submission: in the sandbox, and scored outside."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import Course

from tpc_grader.feedback.autograded import kept_notebook
from tpc_grader.queue.history import kept_seed, public_limits
from tpc_grader.results.results import CellScore, Graded, InfrastructureFault, Outcome
from tpc_grader.sandbox import run as sandbox
from tpc_grader.sandbox.backends import Backend
from tpc_grader.sandbox.bundle import Result
from tpc_grader.sandbox.limits import Limits
from tpc_grader.scoring import scoring
from tpc_grader.scoring.differences import difference_steps
from tpc_grader.scoring.follow_through import Plan, follow_through
from tpc_grader.scoring.messages import with_causes
from tpc_grader.submissions.archive import is_notebook, notebook_problem
from tpc_grader.submissions.archive import shown as shown_name
from tpc_grader.submissions.store import Submission
from tpc_grader.submissions.submitted import Unusable
from tpc_grader.versions.cells import Rebuilt
from tpc_grader.versions.skeleton import empty, read_skeleton, rebuild
from tpc_grader.versions.sources import Source, load

__all__ = ["CellScore", "Graded", "InfrastructureFault", "Outcome", "run"]
NOTEBOOK = ".ipynb"
_MORE_TIME = "Your code was not done then; for your score it has more time. Cells that had finished count."


def run(
    places: Places,
    course: Course,
    submission: Submission,
    *,
    version: str | None = None,
    public: bool = False,
    limits: Limits | None = None,
) -> Graded:
    """Rebuild a submission, run it in the sandbox and score it outside. Writes nothing; safe in parallel.

    Without `version`, under the version it was submitted for; again under the same, it meets the same draws. With
    `public` only the released tests run, for an answer in seconds. Raises InfrastructureFault when the sandbox, not
    the submission, failed.
    """
    source = load(places, course.id, submission.exercise, version or submission.version)
    files = {file.name: submission.path(file).read_bytes() for file in submission.files}
    notebook = submission.notebook.read_bytes()
    if public and limits is None:
        limits = public_limits(places, course.id, submission.exercise, source.version)
    seed = kept_seed(places, submission.id, source.version)
    return grade_files(source, notebook, files, public=public, limits=limits, seed=seed)


def grade_files(
    source: Source,
    notebook: bytes,
    files: Mapping[str, bytes],
    *,
    public: bool = False,
    limits: Limits | None = None,
    backend: Backend | None = None,
    seed: str | None = None,
) -> Graded:
    """Grade a notebook, with the files that were handed in with it, under a version of its exercise.

    What is drawn without a seed follows from the version, or from the `seed` that an earlier result holds.
    """
    began = time.monotonic()
    try:
        job = _job(source, notebook, files, limits, backend, seed)
    except Unusable as e:
        return unusable(source, str(e), public)
    graded = job.public() if public else job.full()
    return replace(graded, seconds=time.monotonic() - began)


def score_notebook(source: Source, notebook: bytes) -> scoring.Verdict:
    """Return what a notebook scores under a version, without a run for what is shown: half the time.

    For who tries many solutions. Raises Unusable.
    """
    verdict, _ = _job(source, notebook, {}).scored()
    return verdict


def _job(
    source: Source,
    notebook: bytes,
    files: Mapping[str, bytes],
    limits: Limits | None = None,
    backend: Backend | None = None,
    seed: str | None = None,
) -> _Job:
    rebuilt = rebuild(read_skeleton(source.source, source.release), notebook)
    unread = _unread(notebook, files)
    rebuilt = replace(rebuilt, notes=(*rebuilt.notes, *unread), said=(*rebuilt.said, *unread))
    own = source.files()
    support = {name: data for name, data in files.items() if not is_notebook(name)} | own
    return _Job(source, rebuilt, support, own, limits or Limits(), backend, seed or source.seed)


class _Job:
    """The runs of one submission."""

    def __init__(
        self,
        source: Source,
        rebuilt: Rebuilt,
        files: Mapping[str, bytes],
        own_files: Mapping[str, bytes],
        limits: Limits,
        backend: Backend | None,
        seed: str,
    ) -> None:
        self.source, self.rebuilt, self.limits, self.backend = source, rebuilt, limits, backend
        self.files, self.own_files, self.seed = files, own_files, seed

    def public(self) -> Graded:
        """Run the released tests only."""
        bundle = scoring.shown_bundle(self.rebuilt, self.files, None, None, self.limits, seed=self.seed)
        result = sandbox.run(bundle, self.backend)
        graded = self._graded(scoring.shown_verdict(self.rebuilt, result), result, public=True)
        stopped = f"The visible tests stop after {self.limits.total_seconds:.0f} seconds. {_MORE_TIME}"
        return replace(graded, reason=stopped) if graded.outcome == "timeout" else graded

    def full(self) -> Graded:
        """Run everything for the score, then what may be shown: without hidden tests, until where it ended."""
        verdict, result = self.scored()
        failed = frozenset(cell.name for cell in verdict.cells if not cell.passed)
        until = scoring.ended_at(result)
        after = difference_steps(self.rebuilt, result)
        bundle = scoring.shown_bundle(self.rebuilt, self.files, failed, until, self.limits, after, self.seed)
        shown = sandbox.run(bundle, self.backend)
        return self._graded(scoring.with_public_words(verdict, self.rebuilt, shown), shown, public=False)

    def scored(self) -> tuple[scoring.Verdict, Result]:
        """Run everything for the score, and again with the author's version of what did not pass."""
        points_of = functools.partial(scoring.points_of, self.rebuilt)
        followed = follow_through(self.rebuilt, self._run_for_score, points_of, self.limits.total_seconds)
        return scoring.verdict(self.rebuilt, followed.result, followed.with_authors), followed.result

    def _run_for_score(self, plan: Plan, seconds: float) -> Result:
        """Run everything for the score, as planned."""
        limits = replace(self.limits, total_seconds=seconds)
        bundle = scoring.scored_bundle(self.rebuilt, self.files, self.own_files, limits, self.seed, plan)
        return sandbox.run(bundle, self.backend, functools.partial(scoring.passed, self.rebuilt))

    def _graded(self, verdict: scoring.Verdict, shown: Result, public: bool) -> Graded:
        return Graded(
            outcome=verdict.outcome,
            reason=" ".join((scoring.REASONS[verdict.outcome], *self.rebuilt.said)).strip(),
            detail=verdict.detail,
            cells=with_causes(self.rebuilt, verdict.cells, shown),
            version=self.source.version,
            public=public,
            seed=self.seed,
            outputs=_outputs(self.rebuilt, shown),
            notebook=None if public else kept_notebook(self.rebuilt),
        )


def _unread(notebook: bytes, files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Return what to say of notebooks beside the exercise's that cannot be read: grading needs none of them."""
    others = {name: data for name, data in files.items() if is_notebook(name) and data != notebook}
    problems = {name: notebook_problem(data) for name, data in sorted(others.items())}
    return tuple(
        f"{shown_name(name)}, beside the exercise's notebook, was left out: {problem}."
        for name, problem in problems.items()
        if problem
    )


def _outputs(rebuilt: Rebuilt, shown: Result) -> dict[int, list[dict[str, Any]]]:
    """Return the outputs of each cell, first what is to be said of it; a cell may have had more than one step."""
    outputs = dict[int, list[dict[str, Any]]]()
    for index, cell in enumerate(rebuilt.cells):
        if cell.said and cell.kind == "code":
            data = {"text/plain": cell.said}
            outputs[index] = [{"output_type": "display_data", "data": data, "metadata": {}}]
    for each in shown.steps:
        if each.outputs and each.step.cell >= 0:
            outputs.setdefault(each.step.cell, []).extend(each.outputs)
    return outputs


def unusable(source: Source, reason: str, public: bool = False) -> Graded:
    """Return the result of what cannot be run; `reason` is for the student."""
    cells = tuple(
        CellScore(cell.name, 0.0, cell.points, False, reason, cell.manual)
        for cell in read_skeleton(source.source, source.release).cells
        if cell.points
    )
    kept = None if public else as_released(source, reason)
    return Graded("invalid", reason, reason, cells, source.version, public, notebook=kept)


def as_released(source: Source, reason: str) -> dict[str, Any]:
    """Return the released notebook as the one to keep of a submission that cannot be read, with the reason."""
    return kept_notebook(empty(read_skeleton(source.source, source.release), reason))
