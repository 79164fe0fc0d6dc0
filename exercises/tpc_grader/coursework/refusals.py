"""Why nbgrader refused: the line that matters, out of what it logged."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

_RECORD = re.compile(r"^\[(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)\] ", re.M)
_TRACEBACK = "Traceback (most recent call last):"
# The class of an exception of ours, and nbgrader's own, say nothing to a person; nor does the module of any other.
_OURS = re.compile(r"^(?:tpc_\w+(?:\.\w+)*|nbgrader\.converters\.base\.NbGraderException): ")
_MODULE = re.compile(r"^(?:\w+\.)+(?=\w+(?::|$))")
_MAXIMUM = 2000


def refusal(result: dict[str, object]) -> str:
    """Return why a call of nbgrader's API did not succeed, without its advice to look above."""
    records = list(_records(str(result.get("log") or "")))
    told = [(index, _raised(record)) for index, record in enumerate(records) if _TRACEBACK in record]
    if not told:
        error = str(result.get("error") or "")
        lines = _raised(error) if _TRACEBACK in error else error.strip() or "\n".join(records[-1:])
        return lines[:_MAXIMUM] or "no reason given"
    # The first: nbgrader logs a cause, and then raises an exception that says less.
    index, reason = told[0]
    if reason.isidentifier() and index:
        said = [record for record in records[:index] if "error processing" not in record]
        reason = f"{reason}: {said[-1]}" if said else reason
    return reason[:_MAXIMUM]


def warnings_with(result: dict[str, object], words: str) -> list[str]:
    """Return what a call of nbgrader's API logged that begins with some words."""
    return [record for record in _records(str(result.get("log") or "")) if record.startswith(words)]


def _records(log: str) -> Iterator[str]:
    """Yield what was logged, one record after the other; the formatter indents all lines but the first."""
    starts = [match.start() for match in _RECORD.finditer(log)]
    for start, end in zip(starts, [*starts[1:], len(log)], strict=True):
        first, _, rest = _RECORD.sub("", log[start:end], count=1).partition("\n")
        yield f"{first}\n{textwrap.dedent(rest)}".strip()


def _raised(text: str) -> str:
    """Return class and message of the exception that a traceback ends with, up to the first empty line."""
    lines = textwrap.dedent(text.rpartition(_TRACEBACK)[2]).strip("\n").splitlines()
    message = list[str]()
    for line in lines:
        if message and not line.strip():
            break
        if message or (line.strip() and not line[:1].isspace()):
            message.append(line.rstrip())
    return _MODULE.sub("", _OURS.sub("", "\n".join(message)))
