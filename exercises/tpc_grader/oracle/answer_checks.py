"""The answers that one cell of tests got: whether each may be compared at all, decided in one place for all exercises.

An answer that is empty or not finite, where the author's own answer to the same question is neither, is read as
not-a-number throughout: no comparison finds that right, however it is written, and the cell fails with a sentence
of its own. Where tests that pass compared a single value with many, the shapes of such answers are looked at too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tpc_grader.oracle.comparing import Comparing
from tpc_grader.oracle.model import Slow, Unknown
from tpc_grader.values.shapes import (
    BARE,
    BOXED,
    NUMBER,
    SHAPE,
    TRUTH,
    fault_of,
    hollow,
    is_number,
    items_of,
    kind_of,
    lack_of,
    may_lack,
    size_of,
)

# Of each function the last answers are looked at for their shape.
LOOKED_AT = 3
# How long the author may think about what would only help to understand a failure.
HINT_SECONDS = 1.0
# The number of a question, and the name of what was asked.
Origin = tuple[int, str]
Ask = Callable[..., Any]


class Doubts:
    """What came back so far; `ask` gives the author's answer to the same question, or raises Unknown."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.fault = ""
        self.last: tuple[Origin, Any] | None = None
        self.by_name: dict[str, list[tuple[Origin, Any]]] = {}

    def taken(self, origin: Origin, value: Any) -> Any:
        """Return an answer as tests may have it."""
        self.last = (origin, value)
        kept = self.by_name.setdefault(origin[1], [])
        kept.append(self.last)
        del kept[:-LOOKED_AT]
        if not may_lack(value):
            return value
        try:
            wanted = self.ask(origin[0])
        except Unknown:
            return value
        except Slow:
            # What should be looked at and cannot be is not taken for right.
            self.fault = self.fault or lack_of(value)
            return math.nan
        fault = fault_of(value, wanted)
        self.fault = self.fault or fault
        return hollow(wanted) if fault else value

    def fault_of_passed(self, comparing: Comparing) -> str:
        """Return what is wrong with the answers to tests that passed, as a sentence; empty when nothing is."""
        if self.fault:
            return self.fault
        kept = [each for group in self.by_name.values() for each in group]
        faults = (self._fault_of_form(*each, comparing) for each in kept)
        return next((fault for fault in faults if fault), "")

    def hint_of_failed(self, error: BaseException, comparing: Comparing) -> str:
        """Return which kind of thing the last answer should be and is, when that differs; else an empty text."""
        if self.last is None:
            return ""
        came = kind_of(self.last[1])
        if isinstance(error, AssertionError) and came and not comparing.unlike:
            return ""
        try:
            expected = kind_of(self.ask(self.last[0][0], HINT_SECONDS))
        except (Unknown, Slow):
            return ""
        if not expected or expected == came or {expected, came} == {NUMBER, TRUTH}:
            return ""
        return f"The answer should be {expected}, and is {came or 'something else'}."

    def _fault_of_form(self, origin: Origin, value: Any, comparing: Comparing) -> str:
        """Return what is wrong with the form of an answer, where how it was compared does not show it."""
        single = _is_single(value)
        boxed = single and not is_number(value)
        converted = id(value) in comparing.converted or (comparing.unpacked and boxed)
        sized = (comparing.uneven and items_of(value) is not None) or (
            single and (comparing.stretched or (comparing.whole and not boxed))
        )
        if not (converted or sized):
            return ""
        try:
            wanted = self.ask(origin[0])
        except (Unknown, Slow):
            return ""
        if converted and boxed and is_number(wanted):
            return BOXED
        if converted and not boxed and items_of(wanted) is not None:
            return BARE
        if sized and single:
            return SHAPE if size_of(wanted) > 1 else ""
        return SHAPE if sized and items_of(wanted) is not None and size_of(wanted) != size_of(value) else ""


def _is_single(value: Any) -> bool:
    return is_number(value) or (items_of(value) is not None and size_of(value) == 1)
