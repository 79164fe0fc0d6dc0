"""Checkpoints answer in words, and never stop the page."""

import numpy as np
import pytest
from tpc_lab.checkpoint import ask, check


def test_a_right_answer_says_move_on() -> None:
    verdict = check("2 + 2", 2 + 2 == 4, "Count.")
    assert verdict
    assert "you may move on" in str(verdict)


def test_a_wrong_answer_gives_the_hint_and_does_not_raise() -> None:
    verdict = check("2 + 2", False, "Count.")
    assert not verdict
    assert "Count." in str(verdict)
    assert "move on" not in str(verdict)


def test_an_array_counts_only_when_every_entry_is_true() -> None:
    assert check("all", np.array([True, True]), "")
    assert not check("all", np.array([True, False]), "")


def test_the_shown_verdict_is_escaped_and_announced() -> None:
    html = check("<b>", False, "a < b")._repr_html_()
    assert "&lt;b&gt;" in html
    assert 'role="status"' in html


def test_a_question_refuses_a_mistake_that_would_count_as_right() -> None:
    with pytest.raises(ValueError, match=r"half of ten: 5.04 \(close\) is too close to the answer 5"):
        ask("half of ten", 5, "Divide.", wrong={5.04: "close"})


def test_a_question_keeps_all_that_the_page_needs() -> None:
    state = ask("half of ten", 5, "Divide.", wrong={20: "You doubled it."}, unit="apples").get_state()
    wanted = {"label": "half of ten", "answer": 5.0, "hint": "Divide.", "unit": "apples", "tolerance": 0.01}
    assert wanted.items() <= state.items()
