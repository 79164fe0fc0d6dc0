"""What a student reads about a test that failed: words of the author's, never a hidden test or a computed value."""

from __future__ import annotations

import ast
import builtins

from tpc_grader.bundle import StepResult
from tpc_grader.skeleton import Cell

HIDDEN = "A hidden test failed."


def message_for(cell: Cell, found: StepResult, public: bool) -> str:
    """Return the message for a failed cell of tests.

    The place at which a kernel test failed is the sandbox's word, and so only chooses among the author's messages.
    """
    source = cell.public if public else cell.source
    if found.error != "AssertionError":
        return _stopped_by(found.error)
    failed = _assertion_at(source, found.line)
    if failed is None:
        return HIDDEN
    words = _literal(failed.msg)
    if words:
        return words
    return f"This test failed: {ast.unparse(failed.test)}" if _is_released(cell, failed) else HIDDEN


def failed_assertion(cell: Cell, found: StepResult) -> ast.Assert | None:
    """Return the assertion that failed in a scored run, only when students can read it in the released test."""
    failed = _assertion_at(cell.source, found.line) if found.error == "AssertionError" else None
    return failed if failed is not None and _is_released(cell, failed) else None


def _is_released(cell: Cell, failed: ast.Assert) -> bool:
    released = {ast.unparse(each.test) for each in _assertions(cell.public)}
    return ast.unparse(failed.test) in released


def _stopped_by(error: str) -> str:
    """Return the message for an error that is no failed assertion; only Python's own names are repeated."""
    kind = getattr(builtins, error, None)
    if error == "NotImplementedError":
        return "Not answered yet."
    if error == "NameError":
        return "The tests found no function or variable of the expected name."
    known = isinstance(kind, type) and issubclass(kind, BaseException)
    return f"The tests stopped with {error}." if known else "The tests stopped with an error."


def _assertion_at(source: str, line: int) -> ast.Assert | None:
    """Return the assertion on a line; of several that contain it the innermost."""
    found = [each for each in _assertions(source) if each.lineno <= line <= (each.end_lineno or each.lineno)]
    return max(found, key=lambda each: each.lineno, default=None)


def _assertions(source: str) -> list[ast.Assert]:
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
