"""The author's solution in its own process: asked in order, late without harm, and gone without harm."""

from __future__ import annotations

import socket

import pytest
from tpc_grader.oracle import model
from tpc_grader.oracle.answer_checks import Doubts
from tpc_grader.oracle.comparing import Comparing
from tpc_grader.oracle.model import Model, Slow, Unknown
from tpc_grader.values.shapes import EMPTY

SOLUTION = """\
import time
kept = []
def slow():
    time.sleep(0.5)
    return [1]
def remember(x):
    kept.append(x)
    return list(kept)
"""


@pytest.fixture
def author():
    made = Model([(0, SOLUTION)], lambda: None, lambda source, names: exec(source, names))
    one, other = socket.socketpair()
    made.start(one)
    for number, name in enumerate(("slow", "remember")):
        made.note({"cell": 1, "do": "name", "name": name, "gives": number})
    yield made
    made._end()
    one.close()
    other.close()


def called(author: Model, handle: int, *args: int) -> int:
    return author.note({"cell": 1, "do": "call", "handle": handle, "args": args, "kwargs": {}, "gives": None})


def test_the_author_is_asked_all_that_was_asked_in_order(author):
    called(author, 1, 3)
    assert author.answer(called(author, 1, 4), {}) == [3, 4]
    assert author.answer(2, {}) == [3]
    with pytest.raises(Unknown):
        author.answer(called(author, 9), {})


def test_an_answer_that_comes_too_late_is_not_taken_for_another(author):
    with pytest.raises(Slow):
        author.answer(called(author, 0), {}, patience=0.05)
    assert author.answer(called(author, 1, 5), {}) == [5]


def test_what_cannot_be_looked_at_is_not_taken_for_right():
    def ask(number, patience=0.0):
        raise Slow

    doubted = Doubts(ask)
    assert doubted.taken((0, "f"), []) != []
    assert doubted.fault_of_passed(Comparing()) == EMPTY
    assert doubted.hint_of_failed(TypeError(), Comparing()) == ""


def test_too_much_to_remember_is_forgotten(author, monkeypatch):
    monkeypatch.setattr(model, "MOST_QUESTIONS", 3)
    for _ in range(5):
        called(author, 1, 1)
    with pytest.raises(Unknown):
        author.answer(3, {})
