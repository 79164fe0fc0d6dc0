"""What grading one submission gives: an outcome of a known type, a reason, and the score of each cell."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, get_args

from tpc_grader.results.points import number, total

Outcome = Literal["graded", "timeout", "oom", "crashed", "tampered", "invalid", "quota"]
OUTCOMES: tuple[str, ...] = get_args(Outcome)


class InfrastructureFault(RuntimeError):
    """Grading failed for a reason that is not the student's: try again, and tell the operator."""


@dataclass(frozen=True)
class CellScore:
    """The score of one graded cell. `manual` cells are graded by a person, their `points` are 0 until then."""

    name: str
    points: float
    max_points: float
    passed: bool
    # For the student: words of the test's author, or ours; no hidden test, no value from the sandbox.
    message: str = ""
    manual: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.points) and 0 <= self.points <= self.max_points):
            raise ValueError(f"{self.name}: {self.points} points of {self.max_points}")


@dataclass(frozen=True)
class Graded:
    """The result of one run. With `public` only the released tests ran, and the points are provisional.

    `outputs` holds, for each executed cell of the rebuilt notebook by its index, what a person may see:
    outputs of a run in which no hidden test was in the sandbox. `notebook` is the rebuilt notebook without outputs,
    as nbgrader will keep it; a public run has none.
    """

    outcome: Outcome
    reason: str  # one friendly line for the student; empty when all went well
    detail: str  # for the instructor
    cells: tuple[CellScore, ...]
    version: str
    public: bool = False
    # What unseeded draws followed from. A regrade under the same version derives the same from it.
    seed: str = ""
    seconds: float = 0.0
    outputs: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    notebook: dict[str, Any] | None = None

    @property
    def points(self) -> float:
        """Return the points that tests awarded."""
        return number(total(cell.points for cell in self.cells))

    @property
    def max_points(self) -> float:
        """Return the points that tests could award; what a person grades is left out."""
        return number(total(cell.max_points for cell in self.cells if not cell.manual))

    def without_notebook(self) -> Graded:
        """Return the same result as it is kept when nbgrader has its notebook."""
        return replace(self, notebook=None)

    def to_json(self) -> str:
        """Return the result as text that `from_json` reads."""
        return json.dumps(asdict(self), ensure_ascii=True)

    @classmethod
    def from_json(cls, text: str) -> Graded:
        """Return the result in a text; raises ValueError when it is not one."""
        try:
            data = json.loads(text)
            data["cells"] = tuple(CellScore(**cell) for cell in data["cells"])
            data["outputs"] = {int(index): outputs for index, outputs in data["outputs"].items()}
            graded = cls(**data)
        except (TypeError, KeyError, AttributeError) as e:
            raise ValueError(f"not a result of grading: {e}") from e
        if graded.outcome not in OUTCOMES:
            raise ValueError(f"outcome {graded.outcome!r}, expected one of {', '.join(OUTCOMES)}")
        return graded
