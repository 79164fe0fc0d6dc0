"""Plain values as JSON: all that passes between a student's code and the tests, in either direction.

What arrives is rebuilt from types of our own choice, never from a class of the sender's: a subclass that lies
about comparisons arrives as the number it holds. Functions and other objects stay where they are; a `Handle`
stands for them. Nothing is ever unpickled.

tags: i int, f float, c complex, q fraction, m decimal, b bytes, l list, t tuple, s set, z frozenset, u deque,
d dict, k Counter, r range, n array, g scalar of numpy, j array of JAX, p Series, P table, y iterator, w keys,
v values, x items, o dataclass, N named tuple, h handle
"""

from __future__ import annotations

import array
import base64
import dataclasses
import numbers
import sys
from collections import Counter, deque, namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from importlib import import_module
from itertools import islice
from typing import Any

import numpy as np

from tpc_grader.values.arrays import (
    JAX_TYPES,
    NotPlain,
    decode_array,
    encode_array,
    is_jax,
    is_series,
    scalar,
    to_jax,
)
from tpc_grader.values.exact_numbers import DecimalNumber, Ratio
from tpc_grader.values.iterators import Drawn

__all__ = ["Handle", "NotPlain", "decode", "encode"]
MAX_DEPTH = 60
MAX_ITEMS = 1_000_000
# Numbers this long are held exactly by every reader of JSON.
_EXACT = 2**53


@dataclass(frozen=True)
class Handle:
    """Stands for an object that stayed in the student's process."""

    number: int
    kind: str
    callable: bool


Keep = Callable[[Any], Handle | None]
Reach = Callable[[Handle], Any]


def encode(value: Any, keep: Keep = lambda _: None, depth: int = 0) -> Any:
    """Return a value as JSON; `keep` may give a handle for what is not plain. Raises NotPlain."""
    if depth > MAX_DEPTH:
        raise NotPlain(f"a value nested more than {MAX_DEPTH} deep")
    if value is None or value is True or value is False or type(value) is str:
        return value
    simple = _encode_number(value)
    if simple is not None:
        return simple
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return {"b": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, Handle):
        return {"h": [value.number, value.kind, value.callable]}
    return _encode_container(value, keep, depth)


def decode(
    data: Any,
    classes: Mapping[str, Any],
    reach: Reach = lambda handle: handle,
    asked: frozenset[str] | None = None,
) -> Any:
    """Return the value in JSON from the other side; raises NotPlain.

    `classes` are the dataclasses both sides have, by name; `reach` gives what a handle stands for. With `asked` it is
    an answer: its numbers are read in double precision, but for the types of NumPy's that are asked for.
    """
    return _Reader(classes, reach, asked).read(data, 0)


def _encode_number(value: Any) -> Any:
    """Return a number as JSON, or None when it is no number. Subclasses count as what they hold."""
    if isinstance(value, np.generic) and not isinstance(value, np.void):
        return {"g": encode_array(np.asarray(value), encode)}
    if isinstance(value, int):
        plain = int.__index__(value)
        return plain if -_EXACT < plain < _EXACT else {"i": hex(plain)}
    if isinstance(value, float):
        return {"f": float.hex(value)}
    if isinstance(value, complex):
        return {"c": [float.hex(value.real), float.hex(value.imag)]}
    if isinstance(value, Decimal):
        return {"m": Decimal.__str__(value)}
    if isinstance(value, numbers.Number):  # fractions, and those of other libraries
        return _encode_number(_built_in(value)) if not isinstance(value, Fraction) else _encode_ratio(value)
    return None


def _encode_ratio(value: numbers.Rational) -> Any:
    return {"q": [hex(int(value.numerator)), hex(int(value.denominator))]}


def _built_in(value: numbers.Number) -> Any:
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Rational):
        return Fraction(int(value.numerator), int(value.denominator))
    return float(value) if isinstance(value, numbers.Real) else complex(value)  # type: ignore[call-overload]


def _encode_container(value: Any, keep: Keep, depth: int) -> Any:
    def inner(part: Any) -> Any:
        return encode(part, keep, depth + 1)

    def all_of(items: Iterable[Any]) -> list[Any]:
        return [inner(each) for each in _capped(items)]

    if isinstance(value, tuple) and _fields(value):
        return {"N": [type(value).__name__, list(_fields(value)), all_of(tuple.__iter__(value))]}
    for tag, kind in _CONTAINERS:
        if isinstance(value, kind):
            return {tag: all_of(kind.__iter__(value))}
    if isinstance(value, dict):
        tag = "k" if isinstance(value, Counter) else "d"
        return {tag: [[inner(k), inner(v)] for k, v in dict.items(value)]}
    if isinstance(value, range):
        return {"r": [encode(part) for part in (value.start, value.stop, value.step)]}
    if isinstance(value, np.ndarray):
        return {"n": encode_array(value, inner)}
    if is_jax(value):
        return {"j": encode_array(np.asarray(value), inner)}
    if is_series(value):
        return {"p": [inner(np.asarray(value)), inner(_labels(value)), inner(value.name)]}
    if _is_table(value):
        columns = [[inner(name), inner(np.asarray(value[name]))] for name in value.columns]
        return {"P": [columns, inner(_labels(value))]}
    if isinstance(value, array.array):
        return {"l": all_of(value.tolist())}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
        return {"o": [type(value).__name__, {name: inner(part) for name, part in fields.items()}]}
    for tag, view in _VIEWS:
        if isinstance(value, view):
            return {tag: all_of(value)}
    if isinstance(value, Iterator):
        return {"y": all_of(value)}
    handle = keep(value)
    if handle is None:
        raise NotPlain(f"a {type(value).__name__} cannot pass between a student's code and oracle tests")
    return encode(handle)


class _Reader:
    """Rebuilds one value."""

    def __init__(self, classes: Mapping[str, Any], reach: Reach, asked: frozenset[str] | None) -> None:
        self.classes, self.reach, self.asked = classes, reach, asked

    def read(self, data: Any, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise NotPlain(f"a value nested more than {MAX_DEPTH} deep")
        if data is None or isinstance(data, bool | int | float | str):
            return data
        if not isinstance(data, dict) or len(data) != 1:
            raise NotPlain("a value of no known form")
        tag, body = next(iter(data.items()))
        try:
            return self._of(tag, body, lambda part: self.read(part, depth + 1))
        except NotPlain:
            raise
        except Exception as e:
            raise NotPlain(f"a value of no known form ({type(e).__name__})") from e

    def _of(self, tag: str, body: Any, inner: Callable[[Any], Any]) -> Any:
        if tag in _SIMPLE:
            return _SIMPLE[tag](body)
        if tag in _SEQUENCES:
            return _SEQUENCES[tag](inner(each) for each in _list(body))
        if tag in _MAPPINGS:
            return _MAPPINGS[tag]({inner(key): inner(value) for key, value in _list(body)})
        if tag in ("n", "g", "j"):
            return self._array(tag, body, inner)
        if tag == "q":
            return (Fraction if self.asked is None else Ratio)(int(body[0], 16), int(body[1], 16))
        if tag == "m":
            return (Decimal if self.asked is None else DecimalNumber)(body)
        if tag == "p":
            return _series(*(inner(part) for part in body))
        if tag == "P":
            return _table([(inner(name), inner(column)) for name, column in body[0]], inner(body[1]))
        if tag == "o":
            return self._dataclass(body, inner)
        if tag == "N":
            return self._named_tuple(body, inner)
        if tag == "h":
            return self.reach(Handle(int(body[0]), str(body[1])[:80], bool(body[2])))
        raise NotPlain("a value of no known form")

    def _array(self, tag: str, body: Any, inner: Callable[[Any], Any]) -> Any:
        # Where the exercise itself works with JAX, its tests may ask for what only JAX's arrays have, and 32 bits are
        # what it computes with.
        if tag == "j" and (self.asked is None or _uses_jax(self.classes)):
            return to_jax(decode_array(body, inner, self.asked and self.asked | JAX_TYPES))
        found = decode_array(body, inner, self.asked)
        return scalar(found) if tag == "g" else found

    def _dataclass(self, body: Any, inner: Callable[[Any], Any]) -> Any:
        name, fields = body
        kind = self.classes[name]
        if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
            raise NotPlain(f"{name} is no dataclass of the exercise")
        values = {str(key): inner(part) for key, part in fields.items()}
        known = {each.name: each.init for each in dataclasses.fields(kind)}
        made = kind(**{key: value for key, value in values.items() if known.get(key, True)})
        for key, value in values.items():
            if not known[key]:
                object.__setattr__(made, key, value)
        return made

    def _named_tuple(self, body: Any, inner: Callable[[Any], Any]) -> Any:
        name, fields, items = body
        known = self.classes.get(name)
        if not (isinstance(known, type) and issubclass(known, tuple) and _fields(known) == tuple(fields)):
            known = _made(tuple(map(str, fields)))
        return tuple.__new__(known, [inner(each) for each in _list(items)])


@lru_cache(maxsize=100)
def _made(fields: tuple[str, ...]) -> type:
    kind: type = namedtuple("Answer", fields)  # type: ignore[misc]
    return kind


def _fields(value: Any) -> tuple[str, ...]:
    """Return the names of the parts of a named tuple, or of its class."""
    found = getattr(value, "_fields", ())
    good = isinstance(found, tuple) and all(type(each) is str for each in found)
    return found if good else ()


def _labels(value: Any) -> Any:
    """Return the labels of a Series' or table's rows, None when they only count."""
    pandas = sys.modules["pandas"]
    if isinstance(value, pandas.Index) or isinstance(value.index, pandas.RangeIndex):
        return None
    return np.asarray(value.index)


def _is_table(value: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.DataFrame) and value.columns.is_unique


def _series(values: Any, labels: Any, name: Any) -> Any:
    return import_module("pandas").Series(values, labels, name=name)


def _table(columns: list[tuple[Any, Any]], labels: Any) -> Any:
    return import_module("pandas").DataFrame(dict(columns), labels)


def _uses_jax(names: Mapping[str, Any]) -> bool:
    """Return whether names of the exercise lead to JAX."""
    return any(str(getattr(each, "__name__", "")).partition(".")[0] == "jax" for each in list(names.values()))


def _capped(items: Iterable[Any]) -> list[Any]:
    found = list(islice(items, MAX_ITEMS + 1))
    if len(found) > MAX_ITEMS:
        raise NotPlain(f"more than {MAX_ITEMS} values in one answer")
    return found


def _list(body: Any) -> list[Any]:
    if not isinstance(body, list):
        raise NotPlain("a value of no known form")
    return body


_CONTAINERS: tuple[tuple[str, Any], ...] = (
    ("l", list), ("t", tuple), ("s", set), ("z", frozenset), ("u", deque),
)  # fmt: skip
_VIEWS: tuple[tuple[str, Any], ...] = (
    ("w", type({}.keys())), ("v", type({}.values())), ("x", type({}.items())),
)  # fmt: skip
_SEQUENCES: dict[str, Callable[[Any], Any]] = {
    "l": list,
    "t": tuple,
    "s": set,
    "z": frozenset,
    "u": deque,
    "y": Drawn,
    "w": lambda items: dict.fromkeys(items).keys(),
    "v": lambda items: dict(enumerate(items)).values(),
    "x": lambda items: dict(items).items(),
}
_MAPPINGS: dict[str, Callable[[Any], Any]] = {"d": dict, "k": Counter}
_SIMPLE: dict[str, Callable[[Any], Any]] = {
    "i": lambda body: int(body, 16),
    "f": float.fromhex,
    "c": lambda body: complex(float.fromhex(body[0]), float.fromhex(body[1])),
    "b": lambda body: base64.b64decode(body, validate=True),
    "r": lambda body: range(*(decode(part, {}) for part in body)),
}
