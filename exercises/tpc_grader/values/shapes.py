"""What an answer is made of, beside what the author's own answer to the same question is made of.

Only what no right answer lacks is compared: where the author gives numbers there must be numbers, all finite, and as
many as a comparison needs. Where the author's own answer is empty or infinite, it may be.
"""

from __future__ import annotations

import dataclasses
import numbers
from collections import deque
from collections.abc import Mapping, Set
from decimal import Decimal
from typing import Any

import numpy as np

from tpc_grader.values.arrays import is_jax, is_series
from tpc_grader.values.iterators import Drawn

EMPTY = "Your code gives an empty answer where the tests need values."
INFINITE = "Your code gives infinity or NaN where the tests need finite numbers."
SHAPE = "Your code gives an answer of another shape than the tests need: another number of values."
BOXED = "Your code gives one number in an array where the tests need the number itself."
BARE = "Your code gives a number where the tests need an array or a list."
NUMBER, TRUTH = "a number", "True or False"
_VIEWS: tuple[Any, ...] = (type({}.keys()), type({}.values()), type({}.items()))
_SEQUENCES = (list, tuple, deque, range, Drawn, *_VIEWS)
_NAN = float("nan")


def items_of(value: Any) -> list[Any] | None:
    """Return the items of a sequence, of whatever type it is; None for what is none. Text is none."""
    if isinstance(value, Drawn):
        return value.items
    if isinstance(value, _SEQUENCES):
        return list(value)
    value = _as_numpy(value)
    return list(value) if isinstance(value, np.ndarray) and value.ndim else None


def is_number(value: Any) -> bool:
    """Return whether a value is one number; True and False are none."""
    if isinstance(value, np.ndarray) or is_jax(value):
        return value.ndim == 0 and np.asarray(value).dtype.kind in "iufc"
    return isinstance(value, numbers.Number | Decimal) and not isinstance(value, bool | np.bool_)


def is_finite(value: Any) -> bool:
    """Return whether all numbers in a value are finite."""
    value = _as_numpy(value)
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "iubSU":
            return True
        return bool(np.isfinite(value).all()) if value.dtype.kind in "fc" else all(map(is_finite, value.flat))
    if isinstance(value, float | complex | np.inexact):
        return bool(np.isfinite(value))
    if isinstance(value, Decimal):
        return value.is_finite()
    return all(is_finite(each) for each in parts_of(value))


def parts_of(value: Any) -> list[Any]:
    """Return what a container holds; nothing for what is none."""
    if isinstance(value, Mapping):
        return list(value.values())
    if isinstance(value, Set):
        return list(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return list(vars(value).values())
    return items_of(value) or []


def size_of(value: Any) -> int:
    """Return how many values a sequence, or sequences in it, hold; 1 for what is none."""
    value = _as_numpy(value)
    if isinstance(value, np.ndarray):
        return value.size
    items = items_of(value)
    return 1 if items is None else sum(map(size_of, items))


def fault_of(value: Any, wanted: Any) -> str:
    """Return what an answer lacks of what the author's answer has, as a sentence; empty when it lacks nothing."""
    value, wanted = _as_numpy(value), _as_numpy(wanted)
    if _is_empty(value) and not _is_empty(wanted) and (parts_of(wanted) or is_number(wanted)):
        return EMPTY
    pairs = _pairs(value, wanted)
    if pairs:
        return next((fault for one, other in pairs if (fault := fault_of(one, other))), "")
    numeric = is_number(wanted) or parts_of(wanted)
    return INFINITE if numeric and not is_finite(value) and is_finite(wanted) else ""


def lack_of(value: Any) -> str:
    """Return as a sentence what an answer that may lack something has too little of."""
    return INFINITE if not is_finite(value) else EMPTY


def may_lack(value: Any) -> bool:
    """Return whether something in an answer is empty or not finite, and so may be less than what is wanted."""
    return _is_empty(value) or not is_finite(value) or any(map(may_lack, _containers_in(value)))


def hollow(wanted: Any) -> Any:
    """Return a value like the author's in which everything is not a number: no comparison finds it right."""
    if isinstance(wanted, np.ndarray) or is_jax(wanted) or is_series(wanted):
        return np.full(np.shape(wanted), _NAN)
    if isinstance(wanted, Mapping):
        return {key: hollow(part) for key, part in wanted.items()}
    if isinstance(wanted, Set):
        return {_NAN}
    items = items_of(wanted)
    if items is None:
        return _NAN
    made = [hollow(each) for each in items]
    return tuple(made) if isinstance(wanted, tuple) else made


def kind_of(value: Any) -> str:
    """Return in words what kind of thing a value is, where tests can tell; empty for what they cannot."""
    if value is None:
        return "nothing (None)"
    if isinstance(value, bool | np.bool_):
        return TRUTH
    if isinstance(value, str):
        return "a text (str)"
    if is_number(value):
        return NUMBER
    if items_of(value) is not None:
        return "a sequence (list, tuple or array)"
    if isinstance(value, Mapping):
        return "a dictionary"
    return "a set" if isinstance(value, Set) else ""


def _as_numpy(value: Any) -> Any:
    return np.asarray(value) if is_jax(value) or is_series(value) else value


def _is_empty(value: Any) -> bool:
    value = _as_numpy(value)
    if isinstance(value, np.ndarray):
        return value.size == 0
    if isinstance(value, Mapping | Set):
        return not value
    return items_of(value) == []


def _containers_in(value: Any) -> list[Any]:
    """Return the containers in a container; an array of numbers has none."""
    plain = isinstance(value, np.ndarray) and value.dtype.kind != "O"
    return [] if plain else [each for each in parts_of(value) if not isinstance(each, str | int | float)]


def _pairs(value: Any, wanted: Any) -> list[tuple[Any, Any]]:
    """Return the parts of two answers that stand in the same place; none when they are not of one form."""
    if isinstance(value, np.ndarray) and isinstance(wanted, np.ndarray) and "O" not in (
        value.dtype.kind, wanted.dtype.kind
    ):  # fmt: skip
        return []
    if isinstance(value, Mapping) and isinstance(wanted, Mapping):
        return [(value[key], wanted[key]) for key in wanted if key in value]
    if dataclasses.is_dataclass(wanted) and type(value) is type(wanted):
        return list(zip(vars(value).values(), vars(wanted).values(), strict=True))
    one, other = items_of(value), items_of(wanted)
    return list(zip(one, other, strict=True)) if one and other and len(one) == len(other) else []
