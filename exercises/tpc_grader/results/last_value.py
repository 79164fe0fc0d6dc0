"""What the last line of a cell of tests says of its score, by what the value is and never by how it prints.

A score is a real number, NumPy's and JAX's too, within 0 and the points. Any other value (a tuple, text, True, a table,
a figure) is what an author looked at, and says nothing, as in nbgrader. There a number counts by its printed form:
-1 and np.float64(1.5) give everything, and what is above the points fails the whole submission; here the one is no
score, which gives nothing, and the other is 1.5.
"""

from __future__ import annotations

import math
import numbers
from decimal import Decimal
from typing import Any

# How far rounding may lead beyond 0 and the points, as a share of them.
ROUNDING = 1e-9


def said_score(value: Any) -> str | None:
    """Return the number that a value is, as text, or None when it is no number."""
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, numbers.Real | Decimal):
        return None
    try:
        return repr(float(value))
    except OverflowError:
        return repr(math.inf)
    except ValueError:  # a Decimal that signals
        return repr(math.nan)


def score_within(said: str, points: float) -> float | None:
    """Return the score in what was said of it, None when it lies not within 0 and the points."""
    try:
        score = float(said)
    except ValueError:
        return None
    slack = ROUNDING * points
    return min(max(score, 0.0), points) if -slack <= score <= points + slack else None
