"""Plain values: what passes between a student's code and the tests arrives as what it holds, in double precision."""

from __future__ import annotations

import array
import base64
import io
import json
import math
from collections import Counter, OrderedDict, deque, namedtuple
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load, save
from tpc_grader.values.artefacts import checked_artefact, widened
from tpc_grader.values.values import NotPlain, decode, encode

Pair = namedtuple("Pair", "low high")


@dataclass
class Sized:
    width: int
    area: int = field(init=False)

    def __post_init__(self) -> None:
        self.area = self.width**2


def answer(value, asked=frozenset(), names=None):
    """Return a value as tests that run elsewhere get it."""
    return decode(json.loads(json.dumps(encode(value))), names or {"Pair": Pair, "Sized": Sized}, asked=asked)


class Half(float):
    """A number that lies."""

    def __eq__(self, other):
        return True

    __hash__ = float.__hash__


# What is answered, and what tests read: equal, and of that type.
NUMBERS = [
    (True, True), (3, 3), (-(10**30), -(10**30)), (0.5, 0.5), (1 + 2j, 1 + 2j), (Half(0.25), 0.25),
    (np.bool_(True), np.bool_(True)), (np.int8(-3), -3),
    (np.uint64(2**64 - 1), 2**64 - 1), (np.float64(0.5), np.float64(0.5)),
    (np.float32(0.5), np.float64(0.5)), (np.float16(0.1), np.float64(np.float16(0.1))),
    (np.float16("inf"), np.float64(np.inf)),
    (np.longdouble(0.1), np.float64(0.1)), (np.longdouble("1e4000"), np.float64(np.inf)),
    (ml_dtypes.bfloat16(1.5), np.float64(1.5)), (np.complex64(1 + 1j), np.complex128(1 + 1j)), (np.str_("a"), "a"),
    (np.bytes_(b"a"), b"a"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "read"), NUMBERS, ids=lambda value: repr(value))
def test_a_number_is_read_in_double_precision(value, read):
    found = answer(value)
    assert type(found) is type(read)
    assert found == read


ARRAYS = [
    (np.float16([0.1, np.inf]), np.float64([np.float16(0.1), np.inf])), (np.float32([[1, 2]]), np.float64([[1, 2]])),
    (np.array([1.5], ml_dtypes.bfloat16), np.array([1.5])), (np.array([1], ml_dtypes.int4), np.array([1])),
    (np.array([1.0], np.longdouble), np.array([1.0])), (np.array([1.0], ">f8"), np.array([1.0])),
    (np.int8([100, -1]), np.int64([100, -1])), (np.uint32([2**32 - 1]), np.int64([2**32 - 1])),
    (np.uint64([2**64 - 1]), np.uint64([2**64 - 1])), (np.array([True]), np.array([True])),
    (np.array(0.5), np.array(0.5)),
    (np.array([1, 2.5], object), np.array([1, 2.5])), (np.array([2**70], object), np.array([2**70], object)),
    (np.array([2**53 + 1, 0.5], object), np.array([2**53 + 1, 0.5], object)),
    (np.array(["a", None]), np.array(["a", None])),
    (np.zeros((0, 3), np.float32), np.zeros((0, 3))),
    (np.ma.array([1, 2], mask=[True, False]), np.array([np.nan, 2.0])),
    (np.asfortranarray([[1, 2], [3, 4]]), np.array([[1, 2], [3, 4]])),
    (jnp.array([1.5, 2]), np.array([1.5, 2])), (jnp.array([1.5], jnp.bfloat16), np.array([1.5])),
    (jnp.float32(2), np.array(2.0)),
    
]  # fmt: skip


@pytest.mark.parametrize(("value", "read"), ARRAYS, ids=lambda value: repr(value)[:60])
def test_an_array_is_read_in_double_precision(value, read):
    found = answer(value)
    assert (type(found), found.dtype, found.shape) == (np.ndarray, read.dtype, read.shape)
    assert np.array_equal(found, read, equal_nan=read.dtype.kind == "f")


def test_types_that_a_test_asks_for_come_as_they_are():
    for value in (np.float16([0.1]), np.float32([1.5]), np.array([1.5], ml_dtypes.bfloat16), np.int8([3])):
        assert answer(value, frozenset({value.dtype.name})).dtype == value.dtype
        assert answer(value, frozenset({"float8"})).dtype.itemsize == 8
    assert type(answer(np.float32(0.5), frozenset({"float32"}))) is np.float32


def test_all_bits_of_an_array_of_jax_arrive():
    with jax.enable_x64(True):
        value = jnp.asarray([1 / 3])
    assert answer(value)[0] == 1 / 3
    found = answer(value, names={"jnp": jnp})
    assert isinstance(found, jax.Array)
    assert (found.dtype, float(found[0])) == (np.float64, 1 / 3)


EXACT = [
    Fraction(3, 4),
    Fraction(1, 3),
    Fraction(-(10**30), 7),
    Decimal("0.75"),
    Decimal("0.1"),
    Decimal("-1e30"),
]


@pytest.mark.parametrize("value", EXACT, ids=str)
def test_exact_numbers_meet_floats_and_numpy(value):
    found, near = answer(value), float(value)
    assert found == value
    assert found == near
    assert near == found
    assert (found != near, found != 2 * near) == (False, True)
    assert [found] == [near]
    assert abs(found - near) <= 1e-9 * abs(near)
    assert abs(near - found) <= 1e-9 * abs(near)
    assert math.isclose(found, near)
    assert np.allclose([found, found], [near, near])
    assert np.isclose(found, near)
    assert (np.array([near]) == found).all()
    assert found + 1 == value + 1
    assert hash(found) == hash(value)


CONTAINERS = [
    [1, [2]], (1, (2,)), {1, 2}, frozenset({3}), {"a": [1], 2: None}, range(2, 9, 3), deque([1, 2]), Counter("aab"),
    OrderedDict(a=1), Pair(1, 2),
]  # fmt: skip


@pytest.mark.parametrize("value", CONTAINERS, ids=repr)
def test_a_container_arrives_with_its_type(value):
    found = answer(value)
    assert found == value
    assert isinstance(value, type(found))


def test_views_iterators_and_small_arrays_arrive():
    facts = {"a": 1, "b": 2}
    assert answer(facts.keys()) == facts.keys()
    assert list(answer(facts.values())) == [1, 2]
    assert answer(facts.items()) == facts.items()
    assert len(answer(facts.values())) == 2
    assert answer(array.array("f", [0.5])) == [0.5]
    drawn = answer(n**2 for n in range(3))
    assert (next(drawn), list(drawn), len(drawn), drawn.items) == (0, [1, 4], 3, [0, 1, 4])
    assert np.allclose(drawn, [0, 1, 4])


def test_a_named_tuple_of_the_students_keeps_its_names():
    found = answer(Pair(1, 2), names={"Pair": int})
    assert (found.low, found.high, tuple(found)) == (1, 2, (1, 2))
    assert type(found) is not Pair


def test_a_dataclass_of_the_exercise_arrives_with_all_fields():
    sized = Sized(3)
    sized.area = 7
    assert answer(sized) == sized


def test_tables_and_columns_arrive():
    column = pd.Series([0.5, 1.5], index=["a", "b"], name="loss", dtype="float32")
    assert answer(column).equals(column.astype(float))
    table = pd.DataFrame({"n": [1, 2], "text": ["x", "y"]}, index=[3, 4])
    assert answer(table).equals(table)
    assert list(answer(pd.Index([1, 2]))) == [1, 2]


@pytest.mark.parametrize(
    "value",
    [np.zeros(2, "i4,f4"), np.array(["2026"], "M8[Y]"), np.zeros(2**24), iter(int, 1)],
    ids=["structured", "dates", "large", "endless"],
)
def test_what_is_no_array_of_numbers_or_too_much_does_not_pass(value):
    with pytest.raises(NotPlain):
        encode(value)


ODD = [
    {"n": ["float64", [1], "AAAAAAAAAAA="]}, {"n": ["finfo", [1], "AA=="]}, {"n": ["O", [3], [1]]},
    {"n": ["<f8", [2], "AA=="]},
    {"g": ["<f8", [0], ""]}, {"q": ["0x1", "0x0"]}, {"m": "x"}, {"p": [1]}, {"P": [[1], 2]},
    {"N": ["Pair", ["_x"], [1]]},
    {"N": ["Pair", ["a", "a"], [1, 2]]}, {"w": [{"l": []}]}, {"y": 3}, {"?": 1}, {"i": "x"}, {"o": ["Pair", {}]},
    {"l": {}},
]  # fmt: skip


@pytest.mark.parametrize("data", ODD, ids=str)
def test_what_nobody_sends_is_refused(data):
    with pytest.raises(NotPlain):
        decode(data, {"Pair": Pair}, asked=frozenset())


@pytest.mark.parametrize("name", ["bfloat16", "float8_e4m3fn", "float16", "float32", "int8"])
def test_tensors_are_read_in_double_precision_unless_asked_for(name):
    dtype = np.dtype(getattr(ml_dtypes, name, name))
    data = save({"a": np.array([[1.5, 2]]).astype(dtype), "b": np.zeros((0, 2), dtype)})
    assert checked_artefact("x.safetensors", base64.b64encode(data).decode()) == data
    found = load(widened("x.safetensors", data))
    wide = np.dtype("i8" if name == "int8" else "f8")
    assert {(each.dtype, each.shape) for each in found.values()} == {(wide, (1, 2)), (wide, (0, 2))}
    assert found["a"].tolist() == np.array([[1.5, 2]]).astype(dtype).astype(float).tolist()
    assert widened("x.safetensors", data, frozenset({name})) == data


def test_arrays_in_files_are_read_in_double_precision_unless_asked_for():
    file = io.BytesIO()
    np.save(file, np.float16([[1.5, np.inf]]))
    found = np.load(io.BytesIO(widened("x.npy", file.getvalue())))
    assert (found.dtype, found.tolist()) == (np.float64, [[1.5, np.inf]])
    assert widened("x.npy", file.getvalue(), frozenset({"float16"})) == file.getvalue()
    assert widened("x.json", b"[1.5]") == b"[1.5]"
