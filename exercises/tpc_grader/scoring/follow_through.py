"""Lets a mistake cost its own part alone: parts after it are graded with the author's version of what did not pass.

A test has answers of its own: those that it stands behind and names. It never gets points while one of them is the
author's. When a test fails, the author's version of its answers follows it in the same run, if a later part builds
on them: an endless loop in the first part is then met once. More runs are made only where that could matter:

- the student's own alone, where a part failed beside an author's version, so that no part ever gets fewer points;
- with the author's version from the start, where what failed computes values and is no plain function;
- without what ended a run, when parts were not reached.

All runs together have the time that one has. What comes out of those with an author's version is the points of the
parts that passed, and nothing else.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from tpc_grader.sandbox.bundle import Result, StepResult
from tpc_grader.versions.cells import Cell, Rebuilt
from tpc_grader.versions.names import bound_by, bound_in, changed_by, statements_of

MAX_ROUNDS = 10
# Less is not worth starting a run for.
MIN_SECONDS = 1.0
_RAN = ("passed", "failed", "timeout")
_WORD = re.compile(r"\w+")
# What a student's text seems to bind: their code is searched for words, never parsed.
_BINDS = re.compile(r"^[ \t]*(?:def|class)[ \t]+(\w+)|^(\w+)[ \t]*=[^=]", re.M)


@dataclass(frozen=True)
class Plan:
    """How a run differs from the student's own: `authors` answers are the author's from the start, or, for the keys
    of `after`, once one of their tests has failed; `left_out` cells do not run.

    The author's version follows the student's, whose helpers and imports may be used later; of those that are also
    in `alone` the student's imports run only.
    """

    authors: frozenset[int] = frozenset()
    alone: frozenset[int] = frozenset()
    after: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    left_out: frozenset[int] = frozenset()


class Run(Protocol):
    """Runs a plan in a time."""

    def __call__(self, plan: Plan, seconds: float) -> Result: ...


@dataclass(frozen=True)
class Followed:
    """How it went: one result as if of one run, and test cell -> names whose author's version it was graded with."""

    result: Result
    with_authors: dict[int, tuple[str, ...]]


class Structure:
    """Which answers each test is there to test, and which earlier ones it builds on."""

    def __init__(self, rebuilt: Rebuilt) -> None:
        self.cells = rebuilt.cells
        self.code = [index for index, cell in enumerate(self.cells) if cell.kind == "code"]
        self.answers = [index for index in self.code if self.cells[index].solution]
        self.tests = [index for index in self.code if self.cells[index].role == "test"]
        self.read = {index: _read(self.cells[index]) for index in self.code}
        self.own = {test: self._own(test) for test in self.tests}
        reached = {answer: self._reached(answer) for answer in self.answers}
        self.builds_on = {
            test: frozenset(each for each in self.answers if test in reached[each]) - self.own[test]
            for test in self.tests
        }

    def tests_of(self, answer: int) -> tuple[int, ...]:
        """Return the tests of an answer that stand together, without another answer between them."""
        tests = [test for test in self.tests if answer in self.own[test]]
        apart = [each for each in self.answers if tests and each > tests[0]]
        return tuple(test for test in tests if not apart or test < apart[0])

    def substitutes(self) -> dict[int, tuple[int, ...]]:
        """Return answer -> its tests, for answers that the author's version is to follow where they fail."""
        needed = set[int]().union(*self.builds_on.values())
        found = {answer: self.tests_of(answer) for answer in self.answers if answer in needed}
        return {answer: tests for answer, tests in found.items() if tests}

    def is_plain(self, answer: int) -> bool:
        """Return whether the author's version changes the same whether it runs early or late: functions alone."""
        last = max(self.tests_of(answer), default=answer)
        names = set(self.cells[answer].binds)
        between = [i for i in self.code if answer < i < last and self.cells[i].role != "test"]
        return _defines_only(self.cells[answer].solution) and not any(names & self.read[i] for i in between)

    def names(self, answer: int) -> tuple[str, ...]:
        """Return what a student knows an answer by: the functions it defines, or the name of its cell."""
        cell = self.cells[answer]
        body = statements_of(cell.solution)
        kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        names = {each.name for each in body if isinstance(each, kinds)} or bound_by(
            [each for each in body if isinstance(each, ast.Assign)]
        )
        return tuple(sorted(name for name in names if not name.startswith("_"))) or (cell.name,)

    def _own(self, test: int) -> frozenset[int]:
        before = [
            index for index in self.code if index < test and (index in self.answers or index in self.tests)
        ]
        group = list[int]()
        for index in reversed(before):
            if index in self.tests and group:
                break
            if index in self.answers:
                group.append(index)
        named = {
            index
            for index in self.answers
            if index < test
            and set(self.cells[index].binds) & self.read[test] - bound_in(self.cells[index].imports)
        }
        directly = bool(group) and not any(group[0] < each < test for each in self.tests)
        return frozenset(named & set(group) or (named | set(group if directly or not named else ())))

    def _reached(self, answer: int) -> set[int]:
        """Return the tests that what an answer defines can make a difference to."""
        names = _changed_by_author(self.cells[answer])
        found = set[int]()
        for index in (each for each in self.code if each > answer):
            if names & self.read[index]:
                if self.cells[index].role == "test":
                    found.add(index)
                else:
                    names |= _changed(self.cells[index])
        return found


def follow_through(
    rebuilt: Rebuilt, run: Run, points_of: Callable[[StepResult], float], seconds: float
) -> Followed:
    """Run a submission until each part has what it deserves; `points_of` scores a cell of tests."""
    return _Following(Structure(rebuilt), run, points_of, seconds).followed()


@dataclass(frozen=True)
class _Graded:
    """A test's result; `authors` are the answers that were the author's when it ran."""

    found: StepResult
    points: float
    authors: frozenset[int]


class _Following:
    def __init__(
        self, structure: Structure, run: Run, points_of: Callable[[StepResult], float], seconds: float
    ) -> None:
        self.of, self.run, self.points_of, self.left = structure, run, points_of, seconds
        self.best = dict[int, _Graded]()
        # Where a run ended: answers, tests of them, or other cells.
        self.ended_at = set[int]()
        self.tried = set[frozenset[int]]()
        self.tampered: Result | None = None

    def followed(self) -> Followed:
        after = self.of.substitutes()
        main = self._take(Plan(after=after))
        if self.tampered is not None:
            return Followed(self.tampered, {})
        began = next((at for at, each in enumerate(main.steps) if _is_authors(each)), None)
        if began is not None:
            later = [each.step.cell for each in main.steps[began:] if each.step.cell in self.of.tests]
            if self.left >= MIN_SECONDS and any(not self._is_full(test) for test in later):
                main = self._farther(main, self._take(Plan(left_out=self._hung())))
        self._go_on_after(main, after)
        self._start_with_authors(after)
        if self.tampered is not None:
            return Followed(self.tampered, {})
        return self._combined(main)

    def _take(self, plan: Plan) -> Result:
        """Run a plan and keep of each test the best result that its own answers earned."""
        self.tried.add(plan.authors)
        result = self.run(plan, self.left)
        self.left -= result.seconds
        if result.ended == "tampered" and self.tampered is None:
            self.tampered = result
        authors = set(plan.authors)
        for each in result.steps:
            if _is_authors(each):
                authors.add(each.step.cell)
            elif each.step.cell in self.of.own and each.state in _RAN and each.step.kind != "canary":
                self._keep(each, frozenset(authors))
        return result

    def _keep(self, found: StepResult, authors: frozenset[int]) -> None:
        test = found.step.cell
        if self.of.own[test] & authors:
            return
        new, old = _Graded(found, self.points_of(found), authors), self.best.get(test)
        if old is None or (new.points, -len(new.authors)) > (old.points, -len(old.authors)):
            self.best[test] = new

    def _failed(self) -> frozenset[int]:
        """Return the answers that did not pass so far."""
        short = [test for test in self.best if not self._is_full(test)]
        own = [self.of.own[test] for test in (*short, *self.ended_at) if test in self.of.own]
        return frozenset(self.ended_at & set(self.of.answers)).union(*own)

    def _plan(
        self, authors: frozenset[int], after: Mapping[int, tuple[int, ...]], left_out: set[int]
    ) -> Plan:
        alone = {each for each in authors if each in self.ended_at or not self.of.is_plain(each)}
        return Plan(authors, frozenset(alone), after, frozenset(left_out))

    def _is_full(self, test: int) -> bool:
        return test in self.best and self.best[test].points >= self.of.cells[test].points

    def _hung(self) -> frozenset[int]:
        """Return tests that hung with the student's own code alone, and bind nothing that others need."""
        hung = [
            test for test, each in self.best.items() if each.found.state == "timeout" and not each.authors
        ]
        others = {test: self.of.read[test] - set(self.of.cells[test].binds) for test in self.of.tests}
        return frozenset(
            test
            for test in hung
            if not any(set(self.of.cells[test].binds) & each for each in others.values())
        )

    def _farther(self, one: Result, other: Result) -> Result:
        """Return the run that came farther; the first if both did."""
        ends = [_ended_at(each) for each in (one, other)]
        return other if ends[0] is not None and (ends[1] is None or ends[1] > ends[0]) else one

    def _go_on_after(self, ended: Result, after: Mapping[int, tuple[int, ...]]) -> None:
        """Run again without what ended a run, until all parts were reached or nothing more can be left out."""
        left_out = set[int]()
        for _ in range(MAX_ROUNDS):
            at = _ended_at(ended)
            if at is None or all(test in self.best for test in self.of.tests if test > at):
                return
            own = self.of.own.get(at, frozenset({at} if at in self.of.answers else ()))
            # Without an answer to replace, or where the author's version ended as well, the cell itself has to go.
            if own <= _authors_in(ended) | left_out:
                left_out.add(at)
            self.ended_at.add(at)
            if self.left < MIN_SECONDS or self.tampered is not None:
                return
            ended = self._take(self._plan(self._failed(), after, left_out))

    def _start_with_authors(self, after: Mapping[int, tuple[int, ...]]) -> None:
        """Run again with the author's version from the start, where what failed left values behind."""
        for test in self.of.tests:
            failed = {each for each in self._failed() & self.of.builds_on[test] if not self.of.is_plain(each)}
            if self._is_full(test) or not failed:
                continue
            first = min(self.of.own[test], default=test)
            authors = frozenset(each for each in self._failed() - self.of.own[test] if each < first)
            if authors in self.tried or self.left < MIN_SECONDS or len(self.tried) > MAX_ROUNDS:
                continue
            self._take(self._plan(authors, after, set()))

    def _combined(self, main: Result) -> Followed:
        """Return one result: of each test the best; of those that failed, none from beside an author's version."""
        best = {test: each for test, each in self.best.items() if not each.authors or each.points > 0}
        steps, seen = list[StepResult](), set[int]()
        for each in main.steps:
            test = each.step.cell if each.step.kind != "canary" else -1
            if test in self.of.tests:
                seen.add(test)
                if test in best:
                    steps.append(best[test].found)
                elif each.state in _RAN:
                    steps.append(replace(each, state="unneeded"))
                else:
                    steps.append(each)
            elif not each.step.author:
                steps.append(each)
        steps += [each.found for test, each in sorted(best.items()) if test not in seen]
        failed = self._failed()
        told = {test: each.authors & self.of.builds_on[test] & failed for test, each in best.items()}
        names = {
            test: tuple(name for answer in sorted(authors) for name in self.of.names(answer))
            for test, authors in told.items()
            if authors
        }
        return Followed(replace(main, steps=tuple(steps)), names)


def _is_authors(found: StepResult) -> bool:
    return found.step.author and found.state not in ("unneeded", "skipped")


def _authors_in(result: Result) -> set[int]:
    return {each.step.cell for each in result.steps if _is_authors(each)}


def _ended_at(result: Result) -> int | None:
    """Return the cell at which a run ended; None when it did not, or not at a cell."""
    at = next((each.step.cell for each in result.steps if each.state == "ended"), -1)
    return at if at >= 0 else None


def _read(cell: Cell) -> set[str]:
    """Return the names and files that code reads: of an author's exactly, of a student's all words."""
    theirs = _WORD.findall(cell.public) if cell.role in ("answer", "added") else ()
    authors = {"answer": cell.solution, "added": ""}.get(cell.role, cell.source)
    return {*theirs, *_read_by_author(authors), *_files(cell.public), *cell.artefacts}


@functools.lru_cache(maxsize=1024)
def _read_by_author(source: str) -> frozenset[str]:
    nodes = (node for statement in statements_of(source) for node in ast.walk(statement))
    names = (node.id for node in nodes if isinstance(node, ast.Name))
    return frozenset((*names, *_files(source)))


def _files(source: str) -> set[str]:
    """Return what looks like the name of a file in code."""
    return set(re.findall(r"[\"']([\w./-]+\.\w+)[\"']", source))


def _changed(cell: Cell) -> set[str]:
    """Return the names that a cell binds or changes for those after it, and the files that it mentions."""
    own = _bound_by_student(cell) if cell.role in ("answer", "added") else set[str]()
    return own if cell.role == "added" else own | _changed_by_author(cell)


def _changed_by_author(cell: Cell) -> set[str]:
    return set(cell.binds) - bound_in(cell.imports) | _changed_in(cell.solution or cell.source)


@functools.lru_cache(maxsize=1024)
def _changed_in(source: str) -> frozenset[str]:
    body = [each for each in statements_of(source) if not isinstance(each, ast.Import | ast.ImportFrom)]
    return frozenset(_files(source).union(*map(changed_by, body)))


def _bound_by_student(cell: Cell) -> set[str]:
    return {name for pair in _BINDS.findall(cell.public) for name in pair if name}


def _defines_only(source: str) -> bool:
    body = statements_of(source)
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom
    return bool(body) and all(
        isinstance(each, kinds) or (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))
        for each in body
    )
