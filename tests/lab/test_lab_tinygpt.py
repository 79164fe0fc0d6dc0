"""The small decoder keeps its invariances, its schedule its corners, training its order; no loss is asserted."""

import doctest
import math
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tpc_lab import costs, tinygpt
from tpc_lab.tinygpt import Config

TINY = Config(layers=2, width=16, heads=2, learning_rate=0.01, vocabulary=11, window=32)
LADDER = [(1, 16, 1), (2, 48, 2), (4, 128, 4)]


@pytest.fixture(scope="module")
def weights() -> tinygpt.Tree:
    fresh = tinygpt.initial(TINY, jax.random.key(3))
    return {**fresh, "head": 10 * fresh["head"]}  # so that logits differ by more than rounding


def tokens(rows: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, TINY.vocabulary, (rows, TINY.window))


def periodic(length: int = 20_000) -> np.ndarray:
    """Text with something to learn: a counter that now and then starts again."""
    rng = np.random.default_rng(1)
    starts = rng.random(length) < 0.05
    return (np.arange(length) - np.maximum.accumulate(np.where(starts, np.arange(length), 0))).astype(
        np.uint8
    ) % 11


def test_examples_in_docstrings_hold() -> None:
    assert doctest.testmod(tinygpt).failed == 0
    assert doctest.testmod(costs).failed == 0


def test_every_character_of_an_alphabet_has_its_index_and_others_are_refused() -> None:
    alphabet = "\0\nzab~"
    assert [alphabet[i] for i in tinygpt.encode("ba\nz~\0", alphabet)] == list("ba\nz~\0")
    with pytest.raises(ValueError, match=r"outside the alphabet: \['c', 'é'\]"):
        tinygpt.encode("abcé", alphabet)


def test_no_prediction_depends_on_later_characters(weights: tinygpt.Tree) -> None:
    before = tokens()
    after = before.copy()
    after[:, 20] = (after[:, 20] + 1) % TINY.vocabulary
    change = np.abs(tinygpt.forward(TINY, weights, after) - tinygpt.forward(TINY, weights, before)).max(
        (0, 2)
    )
    assert (change[:20] == 0).all()
    assert (change[20:] > 0).all()


def test_windows_of_a_batch_do_not_see_each_other(weights: tinygpt.Tree) -> None:
    windows = tokens(rows=4)
    together = tinygpt.forward(TINY, weights, windows)
    for order in ([3, 1, 0, 2], [2]):
        alone = tinygpt.forward(TINY, weights, windows[order])
        np.testing.assert_allclose(alone, together[jnp.array(order)], atol=1e-5)


def test_rotation_keeps_lengths_and_sees_distances_only() -> None:
    query, key = jax.random.normal(jax.random.key(0), (2, 8))
    rotated = [tinygpt._rotate(jnp.tile(x, (1, 40, 1, 1)))[0, :, 0] for x in (query, key)]
    np.testing.assert_allclose(jnp.linalg.norm(rotated[0], axis=-1), jnp.linalg.norm(query), rtol=1e-5)
    scores = np.asarray(rotated[0] @ rotated[1].T)
    for distance in (-7, 0, 3):
        along = np.diagonal(scores, distance)
        np.testing.assert_allclose(along, along[0], atol=1e-4)
    assert np.ptp([scores[0, j] for j in range(10)]) > 0.1


def test_the_order_of_characters_matters() -> None:
    """One layer of attention without positions would see a bag of characters."""
    config = replace(TINY, layers=1)
    fresh, window = tinygpt.initial(config, jax.random.key(3)), tokens(rows=1)
    window[0, [3, 9]] = (1, 2)
    swapped = window.copy()
    swapped[0, [3, 9]] = (2, 1)
    last = [tinygpt.forward(config, fresh, x)[0, -1] for x in (window, swapped)]
    assert float(np.abs(last[0] - last[1]).max()) > 1e-4


def test_an_untrained_model_knows_nothing() -> None:
    windows = np.random.default_rng(0).integers(0, 11, (64, TINY.window + 1))
    loss = float(tinygpt.loss(TINY, tinygpt.initial(TINY, jax.random.key(0)), windows))
    assert loss == pytest.approx(math.log(11), rel=0.08)


def test_the_schedule_has_its_corners_where_it_says() -> None:
    rate = tinygpt.rates(TINY, 0, 500, 500) / TINY.learning_rate
    assert rate[0] == pytest.approx(1 / 50)
    assert rate[48] < 1 == rate[49]
    assert (rate[49:400] == 1).all()
    assert rate[400] == pytest.approx(1 - 1 / 100)
    assert (np.diff(rate[399:]) < 0).all()
    assert rate[-1] == 0


def test_a_branch_goes_on_where_the_trunk_stops() -> None:
    whole = tinygpt.rates(TINY, 0, 500, 500)
    trunk = tinygpt.rates(TINY, 0, 400, total=400, cooldown=0)
    np.testing.assert_array_equal(np.r_[trunk, tinygpt.rates(TINY, 400, 500, 500)], whole)


def test_decay_pulls_at_matrices_and_leaves_norms_alone(weights: tinygpt.Tree) -> None:
    optimiser = tinygpt.optimiser()
    nothing = jax.tree.map(jnp.zeros_like, weights)
    change, _ = optimiser.update(nothing, optimiser.init(weights), weights)
    for pull, weight in zip(jax.tree.leaves(change), jax.tree.leaves(weights), strict=True):
        np.testing.assert_allclose(pull, 0.1 * weight if weight.ndim == 2 else 0 * weight, rtol=1e-6)


@pytest.fixture(scope="module")
def grown() -> list[tinygpt.Trunk]:
    return list(tinygpt.grow(TINY, tinygpt.plant(TINY, (0, 1, 2)), (0, 1, 2), periodic(), 400))


def losses(trunk: tinygpt.Trunk) -> np.ndarray:
    windows = jnp.asarray(periodic()[: 33 * 40].reshape(4, 10, 33).astype(np.int32))
    return np.asarray(tinygpt.validate(TINY, trunk.weights, windows))


def test_training_helps_every_seed(grown: list[tinygpt.Trunk]) -> None:
    start, early, late = (losses(t) for t in (tinygpt.plant(TINY, (0, 1, 2)), grown[0], grown[-1]))
    assert [t.steps for t in grown] == [100, 200, 300, 400]
    assert (early < 0.92 * start).all()
    assert late.mean() < 0.92 * early.mean()


def test_cooling_down_helps_and_seeds_differ(grown: list[tinygpt.Trunk]) -> None:
    cooled = list(tinygpt.cool_down(TINY, grown[-1], (0, 1, 2), periodic(), 500))[-1]
    assert cooled.steps == 500
    assert losses(cooled).mean() < losses(grown[-1]).mean()
    assert len(set(losses(cooled).round(6))) == 3


def test_a_seed_trains_beside_others_as_it_does_alone(grown: list[tinygpt.Trunk]) -> None:
    alone = next(tinygpt.grow(TINY, tinygpt.plant(TINY, (1,)), (1,), periodic(), 100))
    beside = jax.tree.map(lambda a: a[1:2], grown[0].weights)
    for a, b in zip(jax.tree.leaves(alone.weights), jax.tree.leaves(beside), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-3)


def test_a_trunk_that_stopped_goes_on_as_if_it_had_not(grown: list[tinygpt.Trunk]) -> None:
    again = list(tinygpt.grow(TINY, grown[1], (0, 1, 2), periodic(), 400))[-1]
    for a, b in zip(jax.tree.leaves(again.weights), jax.tree.leaves(grown[-1].weights), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_run_leaves_its_trunk_at_its_turning_point_only(grown: list[tinygpt.Trunk]) -> None:
    with pytest.raises(ValueError, match="leaves its trunk at step 800; this one is at 400"):
        list(tinygpt.cool_down(TINY, grown[-1], (0, 1, 2), periodic(), 1000))


@pytest.mark.parametrize(("layers", "width", "heads"), LADDER)
def test_the_compiler_finds_the_flops_and_bytes_that_formulas_give(
    layers: int, width: int, heads: int
) -> None:
    config = Config(layers, width, heads, learning_rate=0.004, vocabulary=97)
    cost = costs.step_cost(config)
    assert 1 < cost.compiled_flops / cost.flops < 1.2
    held = sum(array.size for array in jax.tree.leaves(tinygpt.initial(config, jax.random.key(0))))
    # Weights and two moments of 4 bytes go in and come out.
    assert cost.state_bytes == pytest.approx(2 * 3 * 4 * held, rel=0.02)
    assert cost.moved_bytes > cost.state_bytes
    assert cost.scratch_bytes > 4 * config.batch * config.window * config.vocabulary


def test_twice_the_batch_costs_twice_the_flops_and_no_more_state() -> None:
    config = Config(2, 24, 1, learning_rate=0.004, vocabulary=97)
    one, two = costs.step_cost(config), costs.step_cost(replace(config, batch=8))
    assert two.flops == 2 * one.flops
    assert 1.8 < two.compiled_flops / one.compiled_flops < 2
    assert two.state_bytes - one.state_bytes < 10_000
