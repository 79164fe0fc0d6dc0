"""Points as they are meant: the gradebook keeps binary fractions, people mean 1.8 or a third.

Whoever adds points adds what `exact` returns, and whoever shows points shows `shown`: nowhere else is a number of
points rounded or written.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

# Points with at most so many places are written in full; others, a third for instance, are rounded.
PLACES = 6
ROUNDED_PLACES = 4
# A test that gives a share of its points divides by a small number: by how many cases it has.
_LARGEST_DIVISOR = 1000
# Some sums of binary fractions are off by so much, relative to their size; nobody means such a difference.
_NOISE = Fraction(1, 10**14)

Points = float | Fraction


def exact(points: Points) -> Fraction:
    """Return the number that was meant; raises ValueError for what is no number of points.

    >>> exact(0.1) * 3, exact(0.1 + 0.2), exact(1 / 3), exact(1.7999999999999998)
    (Fraction(3, 10), Fraction(3, 10), Fraction(1, 3), Fraction(9, 5))
    """
    return points if isinstance(points, Fraction) else _meant(float(points))


@functools.lru_cache(maxsize=10_000)
def _meant(points: float) -> Fraction:
    if not math.isfinite(points):
        raise ValueError(f"{points} is no number of points")
    as_written = Fraction(repr(points))
    noise = _NOISE * max(Fraction(1), abs(as_written))
    in_places = Fraction(round(as_written * 10**PLACES), 10**PLACES)
    if abs(in_places - as_written) <= noise:
        return in_places
    share = as_written.limit_denominator(_LARGEST_DIVISOR)
    return share if abs(share - as_written) <= noise else as_written


def total(points: Iterable[Points]) -> Fraction:
    """Return an exact sum."""
    return sum((exact(each) for each in points), Fraction(0))


def number(points: Points) -> float:
    """Return points for programs: the float that is nearest to what was meant."""
    return float(exact(points))


def shown(points: Points | None) -> str:
    """Return points for people, without an exponent, a trailing zero or a rounding error; nothing for None.

    >>> shown(6 * 0.3), shown(3.0), shown(2 / 3), shown(0.0625), shown(1e7)
    ('1.8', '3', '0.6667', '0.0625', '10000000')
    """
    if points is None:
        return ""
    meant = exact(points)
    whole = (meant * 10**PLACES).denominator == 1
    unit = Decimal(1).scaleb(-(PLACES if whole else ROUNDED_PLACES))
    value = Decimal(meant.numerator) / Decimal(meant.denominator)
    text = f"{value.quantize(unit, rounding=ROUND_HALF_UP):f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
