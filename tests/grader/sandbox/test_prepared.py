"""Cells of tests are compiled once, and run elsewhere as if they were read there; plain values compare as in Python."""

from __future__ import annotations

import itertools
import operator

import numpy as np
import pytest
from tpc_grader.oracle.comparing import HELPER, Comparing
from tpc_grader.oracle.prepared import packed, prepared, unpacked

CELLS = {
    "a score at the end": "import math\nx = [n for n in (1, 2)]\nassert x == (1, 2)\nmath.floor(2.5)",
    "no score": "def f(a):\n    return a + offset\n\nassert f(1) == 3",
    "IPython's own syntax": "%matplotlib inline\nassert [1, 2] == (1, 2)\n2",
    "nothing": "",
    "a failure": "\n\nx = 1\nassert x == 2, 'no'",
}


def outcome(cell) -> tuple[object, ...]:
    names = {HELPER: Comparing(), "offset": 2, "get_ipython": lambda: _Magics()}
    try:
        exec(cell.body, names)
        return ("value", eval(cell.last, names) if cell.last else None)
    except AssertionError as e:
        return ("failed", str(e), e.__traceback__.tb_next.tb_lineno)


class _Magics:
    def run_line_magic(self, *words: str) -> None:
        """Do nothing."""


@pytest.mark.parametrize("source", CELLS.values(), ids=CELLS)
def test_what_another_process_gets_runs_as_what_is_read_there(source):
    here, there = prepared(source), unpacked(packed(source))
    assert here.names == there.names
    assert outcome(here) == outcome(there)


def test_scores_names_and_lines_are_those_of_the_cell():
    assert outcome(prepared(CELLS["a score at the end"])) == ("value", 2)
    assert {"math", "x"} <= prepared(CELLS["a score at the end"]).names
    assert "offset" in prepared(CELLS["no score"]).names, "functions look names up too"
    assert outcome(prepared(CELLS["a failure"])) == ("failed", "no", 4)


@pytest.mark.parametrize("source", ["assert (", "x = 1\0", "(" * 5000])
def test_a_cell_that_nobody_can_read_is_left_to_the_process_of_the_tests(source):
    assert packed(source) == ""


PLAIN = (
    0,
    1,
    -3,
    0.0,
    1.0,
    float("nan"),
    float("inf"),
    True,
    False,
    "",
    "a",
    np.float64(1),
    np.int64(1),
    np.bool_(True),
)
OPERATORS = {
    "equal": operator.eq, "unequal": operator.ne, "below": operator.lt, "at_most": operator.le,
    "above": operator.gt, "at_least": operator.ge, "minus": operator.sub, "over": operator.truediv,
}  # fmt: skip


@pytest.mark.parametrize("name", OPERATORS)
def test_plain_values_compare_as_python_compares_them(name):
    for one, other in itertools.product(PLAIN, PLAIN):
        assert _result(getattr(Comparing(), name), one, other) == _result(OPERATORS[name], one, other)


@pytest.mark.parametrize(
    ("one", "other", "unlike"), [(1, 2, False), (1, 2.5, False), (1, "1", True), ("a", "b", False)]
)
def test_things_of_different_kinds_are_still_noted(one, other, unlike):
    comparing = Comparing()
    assert not comparing.equal(one, other)
    assert comparing.unlike is unlike


def _result(operate, one, other) -> str:
    with np.errstate(all="ignore"):
        try:
            return repr(operate(one, other))
        except (TypeError, ZeroDivisionError) as e:
            return type(e).__name__
