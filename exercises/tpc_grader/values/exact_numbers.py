"""Exact numbers, as tests meet them: they compare with floats and go into NumPy's functions, as a float would.

`Fraction` and `Decimal` do neither by themselves: an answer that is right would fail by its type.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np


class Ratio(Fraction):
    """A fraction that is equal to the float next to it."""

    def __eq__(self, other: object) -> Any:
        if isinstance(other, float | np.floating):
            return float(self) == float(other)
        return NotImplemented if isinstance(other, np.ndarray) else super().__eq__(other)

    __hash__ = Fraction.__hash__

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.array(float(self), dtype)


class DecimalNumber(Decimal):
    """A decimal number that is equal to the float next to it, and that floats can be added to."""

    def __eq__(self, other: object) -> Any:
        if isinstance(other, float | np.floating):
            return float(self) == float(other)
        return NotImplemented if isinstance(other, np.ndarray) else super().__eq__(other)

    def __ne__(self, other: object) -> Any:
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    __hash__ = Decimal.__hash__

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.array(float(self), dtype)


def _mixed(name: str) -> Any:
    exact = getattr(Decimal, name)

    def operate(self: DecimalNumber, other: Any) -> Any:
        if isinstance(other, float | np.floating | Fraction):
            return getattr(float(self), name)(float(other))
        return exact(self, other)

    return operate


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    for _each in (f"__{_name}__", f"__r{_name}__"):
        setattr(DecimalNumber, _each, _mixed(_each))
