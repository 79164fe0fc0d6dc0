"""Counting: equal to real models, to the compiler and to published tables, and to itself under change of shape."""

from dataclasses import replace
from functools import partial

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tpc_lab import counting, published, tinygpt
from tpc_lab.counting import Shape

LADDER = [(1, 16, 1), (2, 48, 2), (4, 128, 4)]
CHINCHILLA = ("73m", "305m", "552m", "1-1b", "1-6b", "6-8b")


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    keys = draw(st.integers(1, 6))
    return Shape(
        layers=draw(st.integers(1, 50)),
        width=draw(st.integers(1, 2000)),
        heads=keys * draw(st.integers(1, 6)),
        kv_heads=keys,
        head_size=draw(st.integers(1, 200)),
        hidden=draw(st.integers(1, 9000)),
        vocabulary=draw(st.integers(1, 10**6)),
        gated=draw(st.booleans()),
        tied=draw(st.booleans()),
        positions=draw(st.integers(0, 5000)),
    )


@pytest.mark.parametrize(("layers", "width", "heads"), LADDER)
def test_a_real_model_holds_the_counted_matrices_and_its_norms(layers: int, width: int, heads: int) -> None:
    config = tinygpt.Config(layers, width, heads, learning_rate=0.004, vocabulary=101)
    real = sum(array.size for array in jax.tree.leaves(tinygpt.initial(config, jax.random.key(0))))
    shape = Shape.plain(layers, width, heads, vocabulary=101)
    assert real == sum(counting.parameters(shape).values()) + (2 * layers + 1) * width
    assert counting.non_embedding(shape) == config.parameters


@pytest.mark.parametrize(("layers", "width", "heads"), LADDER)
def test_the_compiler_counts_little_more_than_we_do(layers: int, width: int, heads: int) -> None:
    config = tinygpt.Config(layers, width, heads, learning_rate=0.004, vocabulary=101)
    weights = tinygpt.initial(config, jax.random.key(0))
    windows = np.zeros((config.batch, config.window + 1), np.int32)
    step = jax.jit(jax.grad(partial(tinygpt.loss, config))).lower(weights, windows).compile()
    measured = step.cost_analysis()["flops"] / (config.batch * config.window)
    ours = counting.training_flops(Shape.plain(layers, width, heads, vocabulary=101), config.window)
    assert 1 < measured / ours < 1.2


@given(shapes(), st.integers(1, 10**5))
def test_each_matrix_parameter_costs_two_flops(shape: Shape, window: int) -> None:
    forward = counting.forward_flops(shape, window)
    assert forward["attention"] + forward["mlp"] == 2 * counting.non_embedding(shape)
    assert counting.training_flops(shape, window) > counting.cost_of_training(
        counting.non_embedding(shape), 1
    )


@given(shapes(), st.integers(1, 10**5))
def test_tying_changes_what_is_held_and_not_what_is_computed(shape: Shape, window: int) -> None:
    other = replace(shape, tied=not shape.tied)
    assert counting.forward_flops(other, window) == counting.forward_flops(shape, window)
    apart = sum(counting.parameters(shape).values()) - sum(counting.parameters(other).values())
    assert abs(apart) == shape.vocabulary * shape.width


@given(shapes(), st.integers(1, 10**5), st.integers(1, 9))
def test_layers_and_windows_scale_as_they_should(shape: Shape, window: int, times: int) -> None:
    deeper = replace(shape, layers=times * shape.layers)
    assert counting.non_embedding(deeper) == times * counting.non_embedding(shape)
    scores = counting.forward_flops(shape, window)["scores"]
    assert counting.forward_flops(shape, times * window)["scores"] == times * scores
    assert counting.kv_cache_bytes(deeper, window) == counting.kv_cache_bytes(shape, times * window)


@given(shapes())
def test_shared_keys_shrink_the_cache_by_the_sharing(shape: Shape) -> None:
    unshared = replace(shape, kv_heads=shape.heads)
    sharing = shape.heads // shape.kv_heads
    assert counting.kv_cache_bytes(unshared, 7) == sharing * counting.kv_cache_bytes(shape, 7)
    assert counting.non_embedding(unshared) >= counting.non_embedding(shape)


@pytest.mark.parametrize("size", CHINCHILLA)
def test_chinchilla_ratios_leave_both_ends_out(size: str) -> None:
    shape, printed = counting.published_shape(f"chinchilla-{size}"), published.get(f"chinchilla-{size}-ratio")
    assert printed.agrees(counting.chinchilla_ratio(shape, 2048, ends=False))
    assert not printed.agrees(counting.chinchilla_ratio(shape, 2048, ends=True))


def test_an_impossible_shape_names_every_fault() -> None:
    with pytest.raises(ValueError, match=r"layers is 0, not 1 or more; hidden is -4"):
        Shape.plain(layers=0, width=8, heads=2, vocabulary=5, hidden=-4)
    with pytest.raises(ValueError, match="6 query heads cannot share 4 key heads"):
        Shape.plain(layers=1, width=12, heads=6, vocabulary=5, kv_heads=4)


def test_an_unknown_model_names_what_the_registry_needs() -> None:
    with pytest.raises(KeyError, match="gpt3-9b-layers"):
        counting.published_shape("gpt3-9b")
    with pytest.raises(KeyError, match="gpt3, llama3"):
        counting.published_shape("bert-large")


def test_utilisation_needs_time_and_speed() -> None:
    with pytest.raises(ValueError, match="device_hours 0"):
        counting.utilisation(1e18, 0, 1e15)
    assert counting.utilisation(1e18, 10, 1e15) == counting.utilisation(2e18, 20, 1e15)
