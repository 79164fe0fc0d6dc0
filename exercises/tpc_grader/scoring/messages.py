"""What a student reads about a test that failed: words of the author's, never a hidden test or a computed value."""

from __future__ import annotations

import ast
import builtins
import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from tpc_grader.results.results import CellScore
from tpc_grader.sandbox.bundle import Result, StepResult
from tpc_grader.versions.cells import Cell, Rebuilt

_WORD = re.compile(r"\w+")
HIDDEN = "A hidden test failed."
STOPPED = "The tests stopped with an error in your code."
UNANSWERED = "Not answered yet."
MISSING = "The tests found no function or variable of the expected name."
# Where IPython keeps a cell, as a syntax error names it.
_PLACE = re.compile(r" \(<ipython-input.*")
_MODULE = re.compile(r"ModuleNotFoundError: No module named '([\w.]{1,80})'")


def message_for(cell: Cell, found: StepResult, public: bool, before: Sequence[Cell] = ()) -> str:
    """Return the message for a failed cell of tests; `before` are the cells of the submission that come before it.

    The place at which a kernel test failed is the sandbox's word, and so only chooses among the author's messages.
    Which exception an answer raised is said of public tests only: code could tell in this way what hidden ones hand
    to it. What is said of others follows from what the student wrote.
    """
    source = cell.public if public else cell.source
    if found.error != "AssertionError":
        return _stopped_by(found.error) if public else _stopped(cell, before)
    failed = _assertion_at(source, found.line)
    if failed is None:
        return HIDDEN
    words = _literal(failed.msg)
    if words:
        return words
    return f"This test failed: {ast.unparse(failed.test)}" if _is_released(cell, failed) else HIDDEN


def with_causes(rebuilt: Rebuilt, scores: Iterable[CellScore], shown: Result) -> tuple[CellScore, ...]:
    """Return scores whose message names what stopped the cell that should have made what a test did not find.

    `shown` is a run without hidden tests: what code says there, it knows without them, and its author reads it anyway.
    """
    places = {cell.name: index for index, cell in enumerate(rebuilt.cells) if cell.name}
    steps = {each.step.cell: each for each in shown.steps if each.state == "failed" and each.step.cell >= 0}
    return tuple(
        replace(score, message=f"{score.message} {_cause(rebuilt.cells[index], steps[index])}")
        if score.message in (MISSING, STOPPED)
        and (index := _stopped_before(rebuilt, places[score.name], steps)) is not None
        else score
        for score in scores
    )


def _stopped_before(rebuilt: Rebuilt, place: int, steps: Mapping[int, StepResult]) -> int | None:
    """Return the index of the last answer that stopped before a test which uses what it should bind."""
    tested = words_in(rebuilt.cells[place].source)
    answers = (index for index in steps if index < place and rebuilt.cells[index].role == "answer")
    return max((index for index in answers if tested & set(rebuilt.cells[index].binds)), default=None)


def _cause(cell: Cell, found: StepResult) -> str:
    lines = found.detail.strip().splitlines() or [found.error]
    module = _MODULE.match(lines[0])
    if module:
        where = "which is not installed here and not among the files that you handed in"
        return f"{cell.name} could not import the module {module[1]}, {where}."
    return f"{cell.name} stopped with {_PLACE.sub('', lines[0])[:200]}."


def failed_assertion(cell: Cell, found: StepResult) -> ast.Assert | None:
    """Return the assertion that failed in a scored run, only when students can read it in the released test."""
    failed = _assertion_at(cell.source, found.line) if found.error == "AssertionError" else None
    return failed if failed is not None and _is_released(cell, failed) else None


def _is_released(cell: Cell, failed: ast.Assert) -> bool:
    return ast.unparse(failed.test) in _conditions(cell.public)


@functools.lru_cache(maxsize=1024)
def _conditions(source: str) -> frozenset[str]:
    return frozenset(ast.unparse(each.test) for each in _assertions(source))


def _stopped_by(error: str) -> str:
    """Return the message for an error that is no failed assertion; only Python's own names are repeated."""
    kind = getattr(builtins, error, None)
    if error == "NotImplementedError":
        return UNANSWERED
    if error == "NameError":
        return MISSING
    known = isinstance(kind, type) and issubclass(kind, BaseException)
    return f"The tests stopped with {error}." if known else STOPPED


def _stopped(cell: Cell, before: Sequence[Cell]) -> str:
    """Return why tests stopped, as far as what the student wrote says it."""
    tested = words_in(cell.source)
    answers = [each for each in before if each.role == "answer" and tested & set(each.binds)]
    if any(each.source.strip() == each.released.strip() for each in answers):
        return UNANSWERED
    written = set[str]().union(
        *(words_in(each.source) for each in before if each.role in ("answer", "added"))
    )
    return MISSING if any(tested & set(each.binds) - written for each in answers) else STOPPED


def words_in(source: str) -> set[str]:
    """Return the words of a source, names among them."""
    return set(_WORD.findall(source))


def _assertion_at(source: str, line: int) -> ast.Assert | None:
    """Return the assertion on a line; of several that contain it the innermost."""
    found = [each for each in _assertions(source) if each.lineno <= line <= (each.end_lineno or each.lineno)]
    return max(found, key=lambda each: each.lineno, default=None)


@functools.lru_cache(maxsize=1024)
def _assertions(source: str) -> list[ast.Assert]:
    """Return the assertions of the author's in a cell. Kept, as each submission asks again: nobody may change them."""
    try:
        return [each for each in ast.walk(ast.parse(source)) if isinstance(each, ast.Assert)]
    except SyntaxError:
        return []


def _literal(message: ast.expr | None) -> str:
    """Return the literal words of a message; values that the test computes are left out."""
    if isinstance(message, ast.Constant):
        return str(message.value)[:500]
    if isinstance(message, ast.JoinedStr):
        parts = [str(part.value) if isinstance(part, ast.Constant) else "…" for part in message.values]
        return "".join(parts)[:500]
    return ""
