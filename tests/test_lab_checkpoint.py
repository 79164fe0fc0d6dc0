"""Checkpoints answer in words, and never stop the page."""

import numpy as np
from tpc_lab.checkpoint import check


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
