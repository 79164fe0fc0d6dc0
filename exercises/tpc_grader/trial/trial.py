"""Tries an exercise in seconds: its own solution, right and wrong ones, mutants and probes of its contracts.

Each is graded as a submission is, with the same tests, draws and rules, but in forks of this process instead of boxes:
all that runs is the author's. The gate of the tests grades in boxes, and a test compares both verdicts.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import nbformat
from tpc_courses.base.places import Places
from tpc_courses.sources.attempts import Attempt, read_attempts
from tpc_courses.sources.exercise import contracts_of, is_foreign

from tpc_grader.sandbox import run as sandbox
from tpc_grader.sandbox.bundle import Result
from tpc_grader.sandbox.limits import Limits
from tpc_grader.scoring import scoring
from tpc_grader.scoring.follow_through import Plan, Structure, follow_through
from tpc_grader.trial.generation import generate, note
from tpc_grader.trial.mutants import Change, mutants_of
from tpc_grader.trial.probes import Contract, contract_of, right_probes, wrong_probes
from tpc_grader.versions.cells import Rebuilt
from tpc_grader.versions.skeleton import skeleton_cells
from tpc_grader.versions.sources import seed_of_draws
from tpc_grader.versions.support_files import exercise_files

LIMITS = Limits(cell_seconds=30, total_seconds=60)


@dataclass(frozen=True)
class Tried:
    """What came of trying an exercise. Each line of `faults` is a sentence; it is empty when all is well."""

    slug: str
    seconds: float
    counts: dict[str, int] = field(default_factory=dict)
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Case:
    """One changed version: what it is, the cells that differ, and what must come of it."""

    kind: str
    what: str
    changed: dict[int, str]
    must_lose: tuple[str, ...] | None = None


class Exercise:
    """An exercise as it is now, to be graded with some of its answers changed."""

    def __init__(self, places: Places, slug: str) -> None:
        self.slug = slug
        self.files = exercise_files(places, slug)
        data = self.files[f"{slug}.ipynb"]
        notebook = nbformat.reads(data.decode(), as_version=4)
        self.cells = skeleton_cells(notebook, notebook)
        self.seed = seed_of_draws(data)
        self.structure = Structure(Rebuilt(self.cells, {}))
        self.answers = {self.cells[index].name: index for index in self.structure.answers}
        self.contracts = {
            name: _contract(self.cells[self.answers[name]].source, *words)
            for name, words in contracts_of(places.exercise(slug)).items()
        }

    @property
    def parts(self) -> dict[str, float]:
        """Return the points of each part that tests award."""
        return {cell.name: cell.points for cell in self.cells if cell.role == "test" and cell.points}

    def with_changes(self, changed: Mapping[int, str]) -> Rebuilt:
        """Return the exercise with some answers changed, and the author's everywhere else."""
        cells = [
            replace(cell, public=changed.get(index, cell.public)) for index, cell in enumerate(self.cells)
        ]
        return Rebuilt(tuple(cells), {})

    def lost(self, changed: Mapping[int, str]) -> tuple[str, ...]:
        """Return the parts that an answer loses, by the rules of grading."""
        rebuilt = self.with_changes(changed)
        followed = follow_through(
            rebuilt,
            functools.partial(self._run, rebuilt),
            functools.partial(scoring.points_of, rebuilt),
            LIMITS.total_seconds,
        )
        verdict = scoring.verdict(rebuilt, followed.result, followed.with_authors)
        full = self.parts
        return tuple(
            each.name for each in verdict.cells if each.name in full and each.points < full[each.name]
        )

    def is_noticed(self, changed: Mapping[int, str]) -> bool:
        """Return whether any test fails: its own first, which is nearly always enough."""
        rebuilt = self.with_changes(changed)
        own = {test for test, answers in self.structure.own.items() if answers & changed.keys()}
        if own and self._fails(rebuilt, own):
            return True
        return self._fails(rebuilt, set(self.structure.tests) - own)

    def _fails(self, rebuilt: Rebuilt, tests: Collection[int]) -> bool:
        if not tests:
            return False
        left_out = frozenset(set(self.structure.tests) - set(tests))
        result = self._run(rebuilt, Plan(left_out=left_out), LIMITS.total_seconds)
        return bool(result.ended) or any(
            not scoring.passed(rebuilt, each)
            for each in result.steps
            if each.step.cell in tests and each.step.kind != "canary"
        )

    def _run(self, rebuilt: Rebuilt, plan: Plan, seconds: float) -> Result:
        limits = replace(LIMITS, total_seconds=seconds)
        bundle = scoring.scored_bundle(rebuilt, self.files, self.files, limits, self.seed, plan)
        return sandbox.run(bundle, "fork", functools.partial(scoring.passed, rebuilt))


def try_exercise(places: Places, slug: str, workers: int = 0) -> Tried:
    """Try an exercise with everything that there is to try it, and note whether its author's solution passes.

    Raises SourceError, RuntimeError and ValueError with a sentence. Of a notebook from elsewhere, its solution only.
    """
    began = time.monotonic()
    if is_foreign(places.exercise(slug)):
        said = generate(places, slug)
        return Tried(slug, time.monotonic() - began, {"author": 1}, tuple(said))
    exercise = Exercise(places, slug)
    attempts, accepted = read_attempts(places.exercise(slug).parent)
    cases = list(_cases(exercise, attempts))
    global _trying
    _trying = exercise
    _import_once(exercise)
    with multiprocessing.get_context("fork").Pool(workers or os.cpu_count() or 1) as pool:
        lost = dict(zip(cases, pool.map(_outcome, cases, chunksize=1), strict=True))
    if lost[cases[0]]:
        generate(places, slug)  # it says why the author's solution fails
    else:
        note(places, slug)
    unnoticed = {case.what for case in cases if not lost[case]}
    stale = sorted(accepted.keys() - unnoticed)
    faults = [
        *filter(None, (_fault(case, lost[case], accepted) for case in cases)),
        *(
            f"wrong.toml: accepted: {what!r} is noticed, or is no change any more. Remove it."
            for what in stale
        ),
    ]
    counts = Counter(case.kind for case in cases)
    return Tried(slug, time.monotonic() - began, dict(counts), tuple(faults))


_trying: Exercise


def _import_once(exercise: Exercise) -> None:
    """Import here what the exercise imports, so that no fork has to: SciPy alone takes a second."""
    for cell in exercise.cells:
        # What fails here fails in the trial too, which says why.
        with contextlib.suppress(Exception):
            for node in ast.walk(ast.parse(cell.source if cell.kind == "code" else "")):
                if isinstance(node, ast.ImportFrom):
                    importlib.import_module(node.module or "")
                elif isinstance(node, ast.Import):
                    for each in node.names:
                        importlib.import_module(each.name)


def _outcome(case: _Case) -> tuple[str, ...]:
    """Return the parts that a case loses; of a change, whether it is noticed at all."""
    if case.must_lose is not None:
        return _trying.lost(case.changed)
    return ("noticed",) if _trying.is_noticed(case.changed) else ()


def _cases(exercise: Exercise, attempts: Iterable[Attempt]) -> Iterator[_Case]:
    yield _Case("author", "the author's solution", {}, ())
    authors = {name: exercise.cells[index].source for name, index in exercise.answers.items()}
    for attempt in attempts:
        changed = {exercise.answers[name]: code for name, code in attempt.applied(authors).items()}
        yield _Case("wrong" if attempt.parts else "right", attempt.name, changed, attempt.parts)
    for name, index in exercise.answers.items():
        yield from _changed("mutants", name, index, mutants_of(authors[name]))
        if contract := exercise.contracts.get(name):
            yield from _changed("probes", name, index, wrong_probes(contract, authors[name]))
            for change in right_probes(contract, authors[name]):
                yield _Case("right", f"{name}: {change.what}", {index: change.source}, ())


def _changed(kind: str, name: str, index: int, changes: Iterable[Change]) -> Iterator[_Case]:
    for change in changes:
        yield _Case(kind, f"{name}: {change.what}", {index: change.source})


def _fault(case: _Case, lost: tuple[str, ...], accepted: Mapping[str, str]) -> str:
    if case.must_lose is None:
        unseen = not lost and case.what not in accepted
        word = {"mutants": "changed", "probes": "wrong only for this input"}[case.kind]
        return (
            f"{case.what}: {word}, and no test notices. Add one, or say in wrong.toml why it is right."
            if unseen
            else ""
        )
    if sorted(lost) == sorted(case.must_lose):
        return ""
    if not case.must_lose:
        return f"{case.what}: right, but it loses {', '.join(lost)}"
    return f"{case.what}: it must lose {', '.join(case.must_lose)} and loses {', '.join(lost) or 'nothing'}"


def _contract(source: str, takes: str, gives: str) -> Contract:
    """Return the contract of the first function in a cell."""
    functions = [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    if not functions:
        raise ValueError(
            f":takes: {takes} stands in a cell without a function. Move it to the cell that has one."
        )
    return contract_of(functions[0], takes, gives)
