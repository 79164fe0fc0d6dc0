"""Minimal pairs differ in the one thing they spoil, and a model's margins are its log-likelihoods."""

import doctest
from random import Random

import jax
import numpy as np
import pytest
from tpc_lab import corpus, pairs, tinygpt, weights
from tpc_lab.weights import Checkpoint


@pytest.fixture(scope="module")
def items() -> list[pairs.Pair]:
    return pairs.build_pairs(20, package="networkx")


@pytest.fixture(scope="module")
def model() -> Checkpoint:
    config = tinygpt.Config(1, 16, 1, 0.01, vocabulary=len(corpus.ALPHABET))
    fresh = tinygpt.initial(config, jax.random.key(0))
    return Checkpoint("fresh", config, {**fresh, "head": 20 * fresh["head"]}, {})


def test_examples_in_docstrings_hold() -> None:
    assert doctest.testmod(pairs).failed == 0


def test_every_kind_has_its_items_and_no_docstring_has_many(items: list[pairs.Pair]) -> None:
    for kind in pairs.KINDS:
        own = [p.docstring for p in items if p.kind == kind]
        assert len(own) == 20
        assert max(own.count(d) for d in own) <= 3
    assert pairs.build_pairs(20, package="networkx") == items
    assert pairs.build_pairs(20, ["words"], package="networkx") == [p for p in items if p.kind == "words"]


def test_the_two_lines_differ_and_only_as_their_kind_says(items: list[pairs.Pair]) -> None:
    for p in items:
        assert p.good != p.bad
        assert p.good.endswith("\n")
        if p.kind in {"letters", "words"}:
            assert sorted(p.good) == sorted(p.bad)
        elif p.kind == "bracket":
            assert [{a, b} for a, b in zip(p.good, p.bad, strict=True) if a != b] == [{")", "]"}]
        else:
            heading = p.context.rstrip("\n").rsplit("\n", 1)[-1]
            assert len(p.good) - 1 == len(heading) != len(p.bad) - 1


@pytest.mark.parametrize("spoil", [pairs.spoil_letters, pairs.spoil_words, pairs.spoil_bracket])
def test_a_line_that_cannot_be_spoiled_is_no_item(spoil: object) -> None:
    assert spoil("== 1 2", Random(0)) is None  # type: ignore[operator]


def test_a_margin_is_the_difference_of_log_likelihoods(items: list[pairs.Pair], model: Checkpoint) -> None:
    item = items[0]
    nats = []
    for line in (item.good, item.bad):
        codes = tinygpt.encode(f"\0{item.context}{line}", corpus.ALPHABET)[None, :]
        logs = jax.nn.log_softmax(tinygpt.forward(model.config, model.weights, codes[:, :-1]))[0]
        nats.append(float(sum(logs[i, codes[0, i + 1]] for i in range(len(codes[0]) - 1)[-len(line) :])))
    assert pairs.margins(model, [item])[0] == pytest.approx(nats[0] - nats[1], abs=1e-3)


def test_margins_do_not_depend_on_what_else_is_asked(items: list[pairs.Pair], model: Checkpoint) -> None:
    together = pairs.margins(model, items)
    np.testing.assert_allclose(pairs.margins(model, items[7:9]), together[7:9], atol=1e-4)


def test_exchanging_good_and_bad_turns_the_sign(items: list[pairs.Pair], model: Checkpoint) -> None:
    swapped = [pairs.Pair(p.kind, p.docstring, p.context, p.bad, p.good) for p in items]
    np.testing.assert_allclose(pairs.margins(model, swapped), -pairs.margins(model, items), atol=1e-4)


def test_more_training_passes_more_pairs() -> None:
    items = pairs.build_pairs(150)
    shares = {
        m.name: float((pairs.margins(m, items) > 0).mean()) for m in weights.shipped() if m.config.width < 60
    }
    assert shares["13824-512000-0"] < shares["55296-2048000-0"]
    assert shares["13824-512000-0"] < shares["13824-4096000-0"] + 0.02
    assert min(shares.values()) > 0.6
