"""Checkpoints: a lesson asks, the reader answers, and one line says whether to move on or what went wrong.

`ask` is for a number worked out by hand: it needs no kernel and knows usual mistakes. `check` is for code.
"""

from collections.abc import Mapping
from html import escape

from tpc_lab.figures import Question

__all__ = ["Verdict", "ask", "check"]


class Verdict:
    """The outcome of one checkpoint; shows itself as one line in a notebook and is true when passed."""

    def __init__(self, question: str, passed: bool, hint: str) -> None:
        self.question = question
        self.passed = passed
        self.hint = hint

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        if self.passed:
            return f"✓ {self.question}: right, you may move on."
        return f"✗ {self.question}: not yet. {self.hint}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        colour = "var(--good, #1a7f37)" if self.passed else "var(--bad, #b3261e)"
        style = f"border-left:4px solid {colour};padding:.4em .8em"
        return f'<p role="status" style="{style}">{escape(str(self))}</p>'


def check(question: str, condition: object, hint: str) -> Verdict:
    """Return the verdict on one checkpoint; it never raises, so a wrong answer does not stop the page.

    `condition` is anything with a truth value; an array counts as true when all its entries are.

    >>> check("2 + 2", 2 + 2 == 4, "Count on your fingers.")
    ✓ 2 + 2: right, you may move on.
    >>> check("2 + 2", 2 + 2 == 5, "Count on your fingers.")
    ✗ 2 + 2: not yet. Count on your fingers.
    """
    every = getattr(condition, "all", None)
    return Verdict(question, bool(every() if callable(every) else condition), hint)


def ask(
    label: str,
    answer: float,
    hint: str,
    wrong: Mapping[float, str] | None = None,
    unit: str = "",
    tolerance: float = 0.01,
) -> Question:
    """Return a field for a number, right within a relative `tolerance`; `wrong` says why a value is a mistake.

    A ValueError names a mistake that would count as right.

    >>> ask("half of ten", 5, "Divide.", wrong={20: "You doubled it."}).wrong
    [[20.0, 'You doubled it.']]
    """
    mistakes = {float(value): why for value, why in (wrong or {}).items()}
    for value, why in mistakes.items():
        if abs(value - answer) <= 2 * tolerance * abs(answer):
            raise ValueError(f"{label}: {value:g} ({why}) is too close to the answer {answer:g}")
    known = [list(item) for item in mistakes.items()]
    return Question(label=label, unit=unit, hint=hint, answer=float(answer), tolerance=tolerance, wrong=known)
