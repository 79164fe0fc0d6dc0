"""Arrays of NumPy, JAX and pandas as JSON, and how an answer's are read: in double precision, whatever they came in.

An answer of 16 or 32 bits would decide a comparison: what does not fit is infinite, and equal to anything that does
not fit either. So floats are read as float64, whole numbers as int64, unless a test asks for their own types.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

MAX_ARRAY_BYTES = 64 * 2**20
# What JSON can say in base64. A structured array, or one of dates, is none of numbers.
_KINDS = "biufcSU"
# What JAX computes with unless it is told otherwise.
JAX_TYPES = frozenset({"float32", "int32", "uint32", "complex64"})
# Whole numbers up to here are floats without loss.
_EXACT = 2**53
Array = np.ndarray[Any, Any]
Part = Callable[[Any], Any]


class NotPlain(ValueError):
    """A value that cannot pass."""


def encode_array(array: Array, inner: Part) -> list[Any]:
    """Return an array as [type, shape, data]; objects one by one, as `inner` encodes them."""
    array = unmasked(array)
    if array.dtype.kind == "T":
        array = array.astype(str)
    if array.dtype.kind == "O":
        if array.size * 8 > MAX_ARRAY_BYTES:
            raise NotPlain(f"an array of {array.size} objects")
        return ["O", list(array.shape), [inner(each) for each in array.ravel().tolist()]]
    array = np.ascontiguousarray(array).view(np.ndarray).reshape(array.shape)
    own = _is_own(array.dtype)
    if array.dtype.kind not in _KINDS and not own:
        raise NotPlain(f"an array of {array.dtype} cannot pass; use numbers, booleans or text")
    if array.nbytes > MAX_ARRAY_BYTES:
        raise NotPlain(f"an array of {array.nbytes} bytes, at most {MAX_ARRAY_BYTES} pass")
    name = array.dtype.name if own else array.dtype.str
    return [name, list(array.shape), base64.b64encode(array.tobytes()).decode()]


def decode_array(body: Any, inner: Part, asked: frozenset[str] | None = None) -> Array:
    """Return an array in JSON; with `asked` in double precision, but for the types that are asked for."""
    name, shape, data = body
    sizes = [int(size) for size in shape]
    if name == "O":
        return _of_objects([inner(each) for each in data], sizes)
    dtype = _small_float(name) if name.isidentifier() else np.dtype(name)
    if dtype.kind not in _KINDS and not _is_own(dtype):
        raise NotPlain(f"an array of {dtype}")
    array = np.frombuffer(base64.b64decode(data, validate=True), dtype).reshape(sizes).copy()
    if asked is None or dtype.name in asked:
        return array
    with np.errstate(over="ignore"):  # a number that needs more than double precision is infinite
        return array.astype(wide(dtype))


def wide(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type in which numbers of a type are read."""
    if dtype.kind == "f" or _is_own(dtype):
        return np.dtype(np.int64 if "int" in dtype.name else np.float64)
    if dtype.kind == "c":
        return np.dtype(np.complex128)
    return np.dtype(np.int64) if dtype.kind in "iu" and dtype.itemsize < 8 else dtype.newbyteorder("=")


def scalar(array: Array) -> Any:
    """Return the number or text in an array of one: whole numbers and text as Python's own."""
    if array.shape:
        raise NotPlain("a number of no known form")
    return array.item() if array.dtype.kind in "iuSU" else array[()]


def unmasked(array: Array) -> Array:
    """Return an array in which what is masked is no number."""
    if isinstance(array, np.ma.MaskedArray):
        hidden = np.ma.getmaskarray(array)
        array = np.ma.getdata(array)
        if hidden.any():
            array = array.astype(np.result_type(array.dtype, np.float64))
            array[hidden] = np.nan
    return array


def is_jax(value: Any) -> bool:
    """Return whether a value is an array of JAX."""
    jax = sys.modules.get("jax")
    return jax is not None and isinstance(value, jax.Array)


def is_series(value: Any) -> bool:
    """Return whether a value is a column or an index of pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.Series | pandas.Index)


def to_jax(array: Array) -> Any:
    """Return an array of JAX; one that came with 64 bits keeps them."""
    import jax
    import jax.numpy as jnp

    if array.dtype.itemsize < 8:
        return jnp.asarray(array)
    with jax.enable_x64(True):
        return jnp.asarray(array)


def _of_objects(items: list[Any], shape: list[int]) -> Array:
    """Return an array of such values: of numbers when all are, and all fit, else of objects."""
    kinds = {type(each) for each in items}
    if kinds and kinds <= {int, float, np.float64} and all(abs(each) <= _EXACT for each in items):
        return np.array(items).reshape(shape)
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array.reshape(shape)


def _is_own(dtype: np.dtype[Any]) -> bool:
    """Return whether a type is one of the small floats that NumPy itself does not have."""
    return dtype.kind == "V" and dtype.names is None and dtype.type.__module__ == "ml_dtypes"


def _small_float(name: str) -> np.dtype[Any]:
    import ml_dtypes

    kind = getattr(ml_dtypes, name, None)
    if not isinstance(kind, type):
        raise NotPlain(f"an array of {name}")
    return np.dtype(kind)
