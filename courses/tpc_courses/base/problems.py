"""A problem found by a check, in the one form in which people read it: file, place, finding, remedy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong: `path` is relative to the root, `where` a key or line, `remedy` an action."""

    path: str
    where: str
    found: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.path}: {self.where}" if self.where else self.path
        return f"{place}: {self.found}. {self.remedy}."


class NotThere(KeyError):
    """A name that nothing has, in words for the person who used it: they say which names there are."""

    def __str__(self) -> str:
        return str(self.args[0])


class SourceError(ValueError):
    """Sources that cannot be used; carries every problem found, not the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[SourceError], tuple[tuple[Problem, ...]]]:
        """Let it be told from one process to another with its problems."""
        return type(self), (self.problems,)


def together(errors: Sequence[SourceError | RuntimeError]) -> SourceError | RuntimeError:
    """Return one error that says what several say: SourceError where sources alone are at fault."""
    at_fault = [each for each in errors if isinstance(each, SourceError)]
    if len(at_fault) == len(errors):
        return SourceError(problem for each in at_fault for problem in each.problems)
    return RuntimeError("\n".join(str(each) for each in errors))
