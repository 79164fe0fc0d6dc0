"""Checkpoints: a lesson asks, the reader's own value answers, and one line says whether to move on."""

from html import escape

__all__ = ["Verdict", "check"]


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
