"""Points are added and shown as they are meant."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tpc_grader.results.points import exact, number, shown, total


@pytest.mark.parametrize(
    ("points", "text"),
    [
        (3.0 - 1.2, "1.8"),
        (1.7999999999999998, "1.8"),
        (0.1 + 0.2, "0.3"),
        (0.1 * 3, "0.3"),
        (1 / 3, "0.3333"),
        (2 / 3, "0.6667"),
        (1 / 7, "0.1429"),
        (10 * 0.33, "3.3"),
        (0.29 * 100, "29"),
        (0.07 * 100, "7"),
        (0.0625, "0.0625"),
        (0.015625, "0.015625"),
        (0.8374629384, "0.8375"),
        (3, "3"),
        (0.0, "0"),
        (-0.0, "0"),
        (-0.00001 / 3, "0"),
        (1e7, "10000000"),
        (1234567.5, "1234567.5"),
        (100000.1 + 0.2, "100000.3"),
        (1e-7, "0"),
        (None, ""),
    ],
)
def test_points_print_as_they_are_meant(points, text):
    assert shown(points) == text


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([0.1] * 3, "0.3"),
        ([0.1] * 10, "1"),
        ([1 / 3] * 3, "1"),
        ([1 / 7] * 7, "1"),
        ([2 / 3, 1 / 3], "1"),
        ([5 / 12] * 12, "5"),
        ([0.7, 0.1, 0.2], "1"),
        ([1.1, 2.2, -3.3], "0"),
        ([7 / 300] * 300, "7"),
        ([], "0"),
    ],
)
def test_sums_are_exact(parts, whole):
    assert shown(total(parts)) == whole


@given(st.decimals(0, 1000, places=3), st.decimals(0, 1000, places=3))
def test_any_sum_and_product_of_decimals_is_what_a_person_works_out(one, other):
    text = shown(total([float(one), float(other)]))
    assert Decimal(text) == one + other
    assert "E" not in text
    assert not re.search(r"\.\d*0$", text)
    assert exact(float(one)) * exact(float(other)) == Fraction(one) * Fraction(other)


@given(st.floats(0, 1e3))
def test_what_was_meant_is_where_the_number_is(points):
    assert abs(float(exact(points)) - points) <= 1e-14 * max(1, points)
    assert exact(number(points)) == exact(points)


@pytest.mark.parametrize("points", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_no_number_of_points(points):
    with pytest.raises(ValueError, match="no number of points"):
        exact(points)
