"""What a student wrote is parsed only within bounds of bytes, values, levels and digits."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quick_service import notebook
from tpc_grader.submissions.archive import Limits, Refused, check_submission
from tpc_grader.values.bounded_json import _TEXT, Bounds, TooMuch, read_json
from tpc_grader.versions import skeleton

FEW = Bounds(bytes=3000, values=40, depth=8, digits=12)
# name -> a document just beyond one bound, and what is said of it.
BEYOND = {
    "bytes": (json.dumps("x" * 3000).encode(), r"0\.0 MiB"),
    "spaces": (b" " * 3001, r"0\.0 MiB"),
    "lists": (b"[" + b"[]," * 40 + b"[]]", "holds 83 values, at most 40"),
    "objects": (b"[" + b"{}," * 40 + b"{}]", "holds 83 values, at most 40"),
    "numbers": (json.dumps(list(range(41))).encode(), "holds 42 values, at most 40"),
    "texts": (json.dumps(["a"] * 41).encode(), "more than 40 texts"),
    "members": (json.dumps({str(n): n for n in range(20)}).encode(), "holds 41 values, at most 40"),
    "members of one name": (b"{" + b",".join([b'"a":0'] * 20) + b"}", "holds 41 values, at most 40"),
    "lists in lists": (b"[" * 9 + b"]" * 9, "nested 9 deep, at most 8"),
    "objects in objects": (b'{"a":' * 9 + b"0" + b"}" * 9, "nested 9 deep, at most 8"),
    "brackets that never close": (b"[{" * 9, "nested 18 deep, at most 8"),
    "an integer": (b"[" + b"1" * 13 * 2 + b"]", "number of 26 digits, at most 12"),
    "an exponent": (b"[1e" + b"9" * 20 + b"]", "number of 20 digits, at most 12"),
    "a fraction": (b"[0." + b"1" * 20 + b"]", "number of 20 digits, at most 12"),
    "a negative": (b"[-" + b"1" * 20 + b"]", "number of 20 digits, at most 12"),
}
# What looks like much, and is text.
WITHIN = [
    json.dumps("[" * 50),
    json.dumps("1" * 100),
    json.dumps(',:"\\' * 50),
    json.dumps("\n\t" * 100),
    json.dumps({'"[[[[[[[[[[': "\\"}),
    '"' + "\\u005b" * 50 + '"',
    "[[[[[[[[]]]]]]]]",
    '{"a": 1, "a": 2}',
]


@pytest.mark.parametrize("name", BEYOND)
def test_what_is_beyond_a_bound_is_not_parsed_and_says_which(name, monkeypatch):
    monkeypatch.setattr(json, "loads", lambda *_, **__: pytest.fail("it was parsed"))
    data, said = BEYOND[name]
    with pytest.raises(TooMuch, match=said):
        read_json(data, FEW)


@pytest.mark.parametrize("text", WITHIN)
def test_text_counts_as_text(text):
    assert read_json(text.encode(), FEW) == json.loads(text)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_json_within_the_bounds_is_read_as_it_is(value):
    assert read_json(json.dumps(value).encode()) == value


@given(st.binary(max_size=200) | st.text('[]{},:"\\ 0', max_size=200).map(str.encode))
def test_whatever_the_bytes_say_there_is_an_answer_or_a_value_error(data):
    try:
        read = read_json(data, FEW)
    except ValueError:
        return
    assert read == json.loads(data.decode("utf-8-sig"))


@pytest.mark.parametrize("text", [b'"' + b'\\"' * 100, b'"' + b"a" * 100, b'"\\' * 100])
def test_a_text_that_never_closes_is_passed_over_once(text):
    """Else each quote in it would begin the search again, in the square of its length."""
    assert len(_TEXT.findall(text)) <= text.replace(b'\\"', b"").count(b'"') + 1


def test_the_student_reads_what_was_too_much_and_how_to_go_on():
    limits = Limits(json=Bounds(values=100), cells=3)
    large = b'{"nbformat": 4, "metadata": {"x": [' + b"1," * 200 + b'1]}, "cells": []}'
    with pytest.raises(Refused) as refused:
        check_submission({"p1.ipynb": large}, ["p1.ipynb"], limits)
    assert str(refused.value) == (
        "p1.ipynb: it holds 211 values, at most 100 are read. Clear its outputs, save it, then submit again."
    )
    # Beside the exercise's notebook it is left out, and the result says so.
    check_submission({"p1.ipynb": notebook("x"), "other.ipynb": large}, ["p1.ipynb"], limits)


EXAMPLES = {
    "deep": b'{"cells": ' + b"[" * 101 + b"]" * 101 + b"}",
    "many": b'{"cells": [' + b"{}," * 250_000 + b"{}]}",
    "digits": b'{"cells": [' + b"9" * 4001 + b"]}",
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_did_not_come_by_the_intake_is_bounded_too(name, monkeypatch):
    monkeypatch.setattr(json, "loads", lambda *_, **__: pytest.fail("it was parsed"))
    with pytest.raises(skeleton.Unusable, match="too large to be read: it "):
        skeleton.rebuild(skeleton.Skeleton((), {}), EXAMPLES[name])
