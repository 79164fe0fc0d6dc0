"""From a rebuilt submission to bundles for the sandbox, and from what came back to scores. Trusts no sandbox.

The scored run decides the points. The shown run has no hidden test in it, and is all that a person ever sees:
so nothing that hidden tests hold, or that code learns from them, can come out in an output.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from tpc_courses.sources.partial_credit import gives_partial_credit

from tpc_grader.results.last_value import score_within
from tpc_grader.results.points import shown
from tpc_grader.results.results import CellScore, Outcome
from tpc_grader.sandbox.bundle import Bundle, Result, Step, StepResult
from tpc_grader.sandbox.limits import Limits
from tpc_grader.sandbox.outputs import visible
from tpc_grader.scoring.canaries import asked_twice, constant_canaries, mutants
from tpc_grader.scoring.carried import carried
from tpc_grader.scoring.follow_through import Plan
from tpc_grader.scoring.messages import STOPPED, failed_assertion, message_for
from tpc_grader.values.seeding import seed_of
from tpc_grader.versions.cells import Cell, Rebuilt
from tpc_grader.versions.skeleton import code_cells

# Lines of a student's text that import something; the text is never parsed.
_IMPORT = re.compile(r"^(?:import|from)[ \t].*[^(\\\s]$", re.M)

# How the note begins of a part that was graded with the author's version of an answer before it.
HELPED = "Graded with the author's version"
REASONS: dict[str, str] = {
    "graded": "",
    "timeout": "Your code took too long and was stopped. Cells that had finished count.",
    "oom": "Your code used more memory than an exercise may. Cells that had finished count.",
    "crashed": "Python stopped while your code ran. Cells that had finished count.",
    "quota": "Your code started too many processes, or wrote too many files. Cells that had finished count.",
    "tampered": "The tests did not run as they should, so a person will look at this submission.",
}


@dataclass(frozen=True)
class Verdict:
    """What the scored run says: outcome, detail for the instructor, and each cell's score."""

    outcome: Outcome
    detail: str
    cells: tuple[CellScore, ...]


def scored_bundle(
    rebuilt: Rebuilt,
    files: Mapping[str, bytes],
    own_files: Mapping[str, bytes],
    limits: Limits,
    seed: str = "",
    plan: Plan | None = None,
) -> Bundle:
    """Return a run that decides points, with hidden tests and canaries; unseeded draws follow from `seed`."""
    plan = plan or Plan()
    cells = [(index, cell) for index, cell in code_cells(rebuilt) if index not in plan.left_out]
    steps = [step for index, cell in cells for step in _planned(rebuilt, index, cell, seed, plan)]
    kernel = [cell for _, cell in cells if cell.role == "test" and cell.level == "kernel"]
    changed = [mutants(cell.source) for cell in kernel]
    solution = tuple(
        (index, cell.solution if cell.role == "answer" else cell.source)
        for index, cell in code_cells(rebuilt)
        if cell.role in ("given", "answer")
    )
    return Bundle(
        _with_canaries(steps, changed), dict(files), dict(own_files), solution=solution, limits=limits
    )


def shown_bundle(
    rebuilt: Rebuilt,
    files: Mapping[str, bytes],
    tests: frozenset[str] | None,
    until: int | None,
    limits: Limits,
    after: Mapping[int, str] | None = None,
    seed: str = "",
) -> Bundle:
    """Return the run whose outputs may be seen: of the tests only the released part, and only those in `tests`.

    It stops before the cell `until`, which ended the scored run. `after` holds code that follows a cell.
    """
    steps = list[Step]()
    for index, cell in code_cells(rebuilt):
        if until is not None and index >= until:
            break
        if cell.role == "test" and tests is not None and cell.name not in tests:
            steps += _carried(rebuilt, index, seed)
        else:
            drawn = _shown_seed(cell, seed)
            sources = (cell.public, (after or {}).get(index))
            steps += [
                Step("code", index, source, cell.name, seed=drawn) for source in sources if source is not None
            ]
    return Bundle(tuple(steps), dict(files), plots=True, limits=limits)


def points_of(rebuilt: Rebuilt, found: StepResult) -> float:
    """Return the points that a cell of tests earned in a scored run."""
    return _score(rebuilt.cells[found.step.cell], found, False).points


def passed(rebuilt: Rebuilt, found: StepResult) -> bool:
    """Return whether a step of a scored run is a cell of tests that earned all its points."""
    cell = rebuilt.cells[found.step.cell]
    return cell.role == "test" and found.state == "passed" and points_of(rebuilt, found) >= cell.points


def verdict(
    rebuilt: Rebuilt, result: Result, with_authors: Mapping[int, tuple[str, ...]] | None = None
) -> Verdict:
    """Return the scores of a scored run; `with_authors` says beside whose version of what a test passed."""
    found = {each.step.cell: each for each in result.steps if each.step.kind != "canary"}
    tampered = result.ended == "tampered"
    names = with_authors or {}
    cells = tuple(
        _with_note(
            _score(cell, found.get(index), tampered, before=rebuilt.cells[:index]), names.get(index, ())
        )
        for index, cell in enumerate(rebuilt.cells)
        if cell.points
    )
    told = [f"{rebuilt.cells[test].name}: {_note(each)}" for test, each in names.items()]
    return Verdict(_outcome(result), "\n".join(filter(None, [_detail(rebuilt, result), *told])), cells)


def _with_note(score: CellScore, names: tuple[str, ...]) -> CellScore:
    return replace(score, message=_note(names)) if names and score.points else score


def _note(names: tuple[str, ...]) -> str:
    """Return for the student that a part was graded with the author's version of something."""
    quoted = [f"`{name}`" for name in names]
    listed = " and ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))
    return f"{HELPED} of {listed}, as yours did not pass."


def with_public_words(verdict: Verdict, rebuilt: Rebuilt, shown: Result) -> Verdict:
    """Return a verdict that names the exceptions of public tests, as the run without hidden ones met them."""
    cells = {cell.name: cell for cell in rebuilt.cells}
    first = {each.step.cell: each for each in reversed(shown.steps)}
    found = {cell.name: first.get(index) for index, cell in enumerate(rebuilt.cells)}

    def named(score: CellScore) -> CellScore:
        each = found[score.name]
        if not score.message.startswith(STOPPED) or each is None or each.state != "failed":
            return score
        if each.error == "AssertionError":
            return score
        words = message_for(cells[score.name], each, public=True)
        return replace(score, message=score.message.replace(STOPPED, words, 1))

    return replace(verdict, cells=tuple(map(named, verdict.cells)))


def shown_verdict(rebuilt: Rebuilt, result: Result) -> Verdict:
    """Return the provisional scores of a run of the released tests only."""
    found = {each.step.cell: each for each in result.steps}
    cells = tuple(
        _score(cell, found.get(index), False, public=True)
        for index, cell in enumerate(rebuilt.cells)
        if cell.points
    )
    return Verdict(_outcome(result), _detail(rebuilt, result), cells)


def ended_at(result: Result) -> int | None:
    """Return the index of the cell at which a run ended early, or None."""
    at = [
        each.step.cell for each in result.steps if each.state in ("ended", "skipped") and each.step.cell >= 0
    ]
    return min(at, default=None)


def _planned(rebuilt: Rebuilt, index: int, cell: Cell, seed: str, plan: Plan) -> list[Step]:
    if index in plan.alone:
        kept = "\n".join(_IMPORT.findall(cell.public))
        cell = replace(cell, public=kept)
    steps = _scored_steps(rebuilt, index, cell, seed)
    if index in plan.authors:
        return [*steps, _authors(rebuilt, index, seed)]
    for answer, tests in plan.after.items():
        if tests[-1] == index and answer not in plan.authors | plan.left_out:
            steps.append(replace(_authors(rebuilt, answer, seed), unless=tests))
    return steps


def _authors(rebuilt: Rebuilt, index: int, seed: str) -> Step:
    """Return the step that runs the author's solution in the place of an answer."""
    cell = rebuilt.cells[index]
    [step] = _scored_steps(rebuilt, index, replace(cell, public=cell.solution), seed)
    return replace(step, author=True)


def _scored_steps(rebuilt: Rebuilt, index: int, cell: Cell, seed: str) -> list[Step]:
    own = seed_of(seed, "cell", cell.id)
    if cell.role == "given":
        return [Step("code", index, cell.public, given=cell.source, seed=own)]
    if cell.role != "test":
        binds = _rebound(rebuilt, index)
        return [Step("code", index, cell.public, cell.name, imports=cell.imports, binds=binds, seed=own)]
    tests = seed_of(seed, "tests", cell.name)
    if cell.level == "kernel":
        source, after = asked_twice(cell.source)
        return [Step("kernel", index, source, cell.name, mutants=after, seed=tests)]
    step = Step(
        cell.level, index, cell.source, cell.name, artefacts=cell.artefacts, seed=tests, asked=cell.asked
    )
    # The code must not draw what the tests draw: it would know them.
    answers = seed_of(seed, "answers", cell.name)
    return [replace(step, answers_seed=answers), *_carried(rebuilt, index, seed)]


def _shown_seed(cell: Cell, seed: str) -> str:
    """Return the seed of a cell where a person sees what comes out: of a test, not that of the scored run."""
    return seed_of(seed, "shown", cell.name) if cell.role == "test" else seed_of(seed, "cell", cell.id)


def _rebound(rebuilt: Rebuilt, index: int) -> tuple[str, ...]:
    """Return what the author's solution of a cell binds of the names that the exercise's own cells bound before."""
    own = (cell.binds for cell in rebuilt.cells[:index] if cell.role in ("given", "test"))
    return tuple(sorted(set[str]().union(*own) & set(rebuilt.cells[index].binds)))


def _carried(rebuilt: Rebuilt, index: int, seed: str) -> list[Step]:
    """Return a step for what cells after a test that runs elsewhere, or not at all, read of it."""
    cells = [cell for cell in rebuilt.cells if cell.kind == "code"]
    at = cells.index(rebuilt.cells[index])
    source = carried(cells[at], cells[:at], cells[at + 1 :])
    drawn = seed_of(seed, "shown", cells[at].name)
    return [Step("code", -1, source, f"what follows {cells[at].name}", seed=drawn)] if source else []


def _with_canaries(steps: list[Step], changed: list[tuple[str, ...]]) -> tuple[Step, ...]:
    """Put canaries between the steps: one mutant of each test and one other at the end, the rest after the first."""
    choose = random.SystemRandom()
    first, *others = [Step("canary", -1, source) for source in constant_canaries()]
    for canary in others:
        steps.insert(choose.randint(min(1, len(steps)), len(steps)), canary)
    last = [first, *(Step("canary", -1, choose.choice(made)) for made in changed if made)]
    choose.shuffle(last)
    return (*steps, *last)


def _score(
    cell: Cell,
    found: StepResult | None,
    tampered: bool,
    public: bool = False,
    before: tuple[Cell, ...] = (),
) -> CellScore:
    if cell.manual:
        return CellScore(cell.name, 0.0, cell.points, False, manual=True)
    if tampered:
        return CellScore(cell.name, 0.0, cell.points, False, REASONS["tampered"])
    if found is not None and found.state == "ended":
        return CellScore(cell.name, 0.0, cell.points, False, "Your code stopped the run in these tests.")
    if found is None or found.state in ("skipped", "unneeded"):
        message = "Not reached: an earlier cell stopped the run."
        return CellScore(cell.name, 0.0, cell.points, False, message)
    if found.state == "timeout":
        return CellScore(cell.name, 0.0, cell.points, False, "The tests took too long with your code.")
    if found.state == "failed":
        return CellScore(cell.name, 0.0, cell.points, False, _words(cell, found, public, before))
    points = _partial(cell, found)
    if points is None:
        return CellScore(cell.name, 0.0, cell.points, False, "The tests gave no valid score.")
    return CellScore(cell.name, points, cell.points, points == cell.points, found.fault)


def _words(cell: Cell, found: StepResult, public: bool, before: tuple[Cell, ...]) -> str:
    """Return what the student reads of tests that failed.

    Of a hidden test not what kind of thing came: the answer chose it, and could tell of the hidden input by it.
    """
    told = public or failed_assertion(cell, found) is not None
    hint = found.hint if told or not found.hint else f"{found.hint.partition(', and is ')[0]}."
    return found.fault or f"{message_for(cell, found, public, before)} {hint}".strip()


def _partial(cell: Cell, found: StepResult) -> float | None:
    """Return the points of a cell without an error; None when invalid."""
    if gives_partial_credit(cell.source) and cell.level == "kernel":
        return None  # the value is the word of a process in which the student's code runs
    return shown_points(cell, found)


def shown_points(cell: Cell, found: StepResult) -> float | None:
    """Return the points of a cell without an error: all, or what its last line says; None when that is no score."""
    if not gives_partial_credit(cell.source) or found.value is None:
        return cell.points
    return score_within(found.value, cell.points)


def _outcome(result: Result) -> Outcome:
    if result.ended:
        return result.ended
    if "memory" in result.troubles:
        return "oom"
    if "quota" in result.troubles:
        return "quota"
    late = any(each.state == "timeout" and each.step.kind != "canary" for each in result.steps)
    return "timeout" if late else "graded"


def _detail(rebuilt: Rebuilt, result: Result) -> str:
    """Return what an instructor should know, in lines."""
    lines = list(rebuilt.notes)
    if result.ended:
        at = next((each.step for each in result.steps if each.state == "ended"), None)
        place = at.name or f"cell {at.cell + 1}" if at and at.cell >= 0 else "a check"
        lines.append(f"{result.ended} at {place}: {result.detail}")
    for each in result.steps:
        if each.state in ("failed", "timeout") and each.step.kind != "canary":
            place = each.step.name or f"cell {each.step.cell + 1}"
            lines.append(f"{place}: {each.state}, line {each.line}: {each.detail or each.error}")
        elif each.state == "passed" and each.step.cell >= 0:
            lines += _odd_score(rebuilt.cells[each.step.cell], each)
    return "\n".join(map(visible, lines))


def _odd_score(cell: Cell, found: StepResult) -> list[str]:
    """Return a line when the last line of tests that passed gives a number that is no score."""
    if cell.role != "test" or shown_points(cell, found) is not None:
        return []
    return [f"{cell.name}: its last line gives {found.value}, and a score is from 0 to {shown(cell.points)}"]
