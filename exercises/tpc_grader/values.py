"""Plain values as JSON: all that passes between a student's code and the tests, in either direction.

What arrives is rebuilt from types of our own choice, never from a class of the sender's: a subclass that lies
about comparisons arrives as the number it holds. Functions and other objects stay where they are; a `Handle`
stands for them. Nothing is ever unpickled.

tags: i int, f float, c complex, b bytes, l list, t tuple, s set, z frozenset, d dict, r range, n array,
g scalar of numpy, j array of JAX, y iterator, o dataclass, h handle
"""

from __future__ import annotations

import base64
import dataclasses
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

MAX_DEPTH = 60
MAX_ITEMS = 1_000_000
MAX_ARRAY_BYTES = 64 * 2**20
# Numbers this long are held exactly by every reader of JSON.
_EXACT = 2**53
_KINDS = "biufcSU"


class NotPlain(ValueError):
    """A value that cannot pass."""


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
    if isinstance(value, bytes | bytearray):
        return {"b": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, Handle):
        return {"h": [value.number, value.kind, value.callable]}
    return _encode_container(value, keep, depth)


def decode(
    data: Any, classes: Mapping[str, Any], reach: Reach = lambda handle: handle, depth: int = 0
) -> Any:
    """Return the value in JSON from the other side; raises NotPlain.

    `classes` are the dataclasses both sides have, by name; `reach` gives what a handle stands for.
    """
    if depth > MAX_DEPTH:
        raise NotPlain(f"a value nested more than {MAX_DEPTH} deep")
    if data is None or isinstance(data, bool | int | float | str):
        return data
    if not isinstance(data, dict) or len(data) != 1:
        raise NotPlain("a value of no known form")
    tag, body = next(iter(data.items()))

    def inner(part: Any) -> Any:
        return decode(part, classes, reach, depth + 1)

    try:
        if tag in _SEQUENCES:
            return _SEQUENCES[tag](inner(each) for each in _list(body))
        if tag == "d":
            return {inner(key): inner(value) for key, value in _list(body)}
        if tag == "o":
            return _decode_dataclass(body, classes, inner)
        if tag == "h":
            return reach(Handle(int(body[0]), str(body[1])[:80], bool(body[2])))
        return _SIMPLE[tag](body)
    except NotPlain:
        raise
    except (KeyError, TypeError, ValueError, OverflowError, MemoryError) as e:
        raise NotPlain(f"a value of no known form ({type(e).__name__})") from e


def _encode_number(value: Any) -> Any:
    """Return a number as JSON, or None when it is no number. Subclasses count as what they hold."""
    if isinstance(value, np.generic):
        return {"g": _encode_array(np.asarray(value))}
    if isinstance(value, int):
        plain = int.__index__(value)
        return plain if -_EXACT < plain < _EXACT else {"i": hex(plain)}
    if isinstance(value, float):
        return {"f": float.hex(value)}
    if isinstance(value, complex):
        return {"c": [float.hex(value.real), float.hex(value.imag)]}
    return None


def _encode_container(value: Any, keep: Keep, depth: int) -> Any:
    def all_of(items: Any) -> list[Any]:
        return [encode(each, keep, depth + 1) for each in _capped(items)]

    for tag, kind in _CONTAINERS:
        if isinstance(value, kind):
            return {tag: all_of(kind.__iter__(value))}
    if isinstance(value, dict):
        return {"d": [[encode(k, keep, depth + 1), encode(v, keep, depth + 1)] for k, v in dict.items(value)]}
    if isinstance(value, range):
        return {"r": [encode(part) for part in (value.start, value.stop, value.step)]}
    if isinstance(value, np.ndarray):
        return {"n": _encode_array(value)}
    if _is_jax_array(value):
        return {"j": _encode_array(np.asarray(value))}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
        return {
            "o": [
                type(value).__name__,
                {name: encode(part, keep, depth + 1) for name, part in fields.items()},
            ]
        }
    if isinstance(value, Iterator) or type(value) in _VIEWS:
        return {"y": all_of(iter(value))}
    handle = keep(value)
    if handle is None:
        raise NotPlain(f"a {type(value).__name__} cannot pass between a student's code and oracle tests")
    return encode(handle)


def _encode_array(array: np.ndarray[Any, Any]) -> list[Any]:
    array = np.ascontiguousarray(array).view(np.ndarray).reshape(array.shape)
    if array.dtype.kind not in _KINDS and array.dtype.name != "bfloat16":
        raise NotPlain(f"an array of {array.dtype} cannot pass; use numbers, booleans or text")
    if array.nbytes > MAX_ARRAY_BYTES:
        raise NotPlain(f"an array of {array.nbytes} bytes, at most {MAX_ARRAY_BYTES} pass")
    name = array.dtype.name if array.dtype.name == "bfloat16" else array.dtype.str
    return [name, list(array.shape), base64.b64encode(array.tobytes()).decode()]


def _decode_array(body: Any) -> np.ndarray[Any, Any]:
    name, shape, text = body
    dtype = _bfloat16() if name == "bfloat16" else np.dtype(name)
    if dtype.kind not in _KINDS and name != "bfloat16":
        raise NotPlain(f"an array of {dtype}")
    data = base64.b64decode(text, validate=True)
    return np.frombuffer(data, dtype).reshape([int(size) for size in shape]).copy()


def _decode_jax(body: Any) -> Any:
    import jax.numpy as jnp

    return jnp.asarray(_decode_array(body))


def _bfloat16() -> np.dtype[Any]:
    import ml_dtypes

    return np.dtype(ml_dtypes.bfloat16)


def _decode_dataclass(body: Any, classes: Mapping[str, Any], inner: Callable[[Any], Any]) -> Any:
    name, fields = body
    kind = classes[name]
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        raise NotPlain(f"{name} is no dataclass of the exercise")
    return kind(**{str(key): inner(part) for key, part in fields.items()})


def _is_jax_array(value: Any) -> bool:
    jax = sys.modules.get("jax")
    return jax is not None and isinstance(value, jax.Array)


def _capped(items: Any) -> list[Any]:
    found = list(islice(items, MAX_ITEMS + 1))
    if len(found) > MAX_ITEMS:
        raise NotPlain(f"more than {MAX_ITEMS} values in one answer")
    return found


def _list(body: Any) -> list[Any]:
    if not isinstance(body, list):
        raise NotPlain("a value of no known form")
    return body


_CONTAINERS: tuple[tuple[str, Any], ...] = (("l", list), ("t", tuple), ("s", set), ("z", frozenset))
_VIEWS: tuple[type, ...] = (type({}.keys()), type({}.values()), type({}.items()))
_SEQUENCES: dict[str, Callable[[Any], Any]] = {
    "l": list,
    "t": tuple,
    "s": set,
    "z": frozenset,
    "y": lambda items: iter(list(items)),
}
_SIMPLE: dict[str, Callable[[Any], Any]] = {
    "i": lambda body: int(body, 16),
    "f": float.fromhex,
    "c": lambda body: complex(float.fromhex(body[0]), float.fromhex(body[1])),
    "b": lambda body: base64.b64decode(body, validate=True),
    "r": lambda body: range(*(decode(part, {}) for part in body)),
    "n": _decode_array,
    "g": lambda body: _decode_array(body)[()],
    "j": _decode_jax,
}
