"""What one training step costs: counted by formula, and measured in the program the compiler made of it."""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp

from tpc_lab import tinygpt
from tpc_lab.counting import Shape, training_flops

__all__ = ["StepCost", "step_cost"]


@dataclass(frozen=True)
class StepCost:
    """FLOPs and bytes of one step on `batch` windows of one model.

    `flops` is the formula (3 times the forward matrices), `compiled_flops` and `moved_bytes` are the compiler's
    analysis of the program, `state_bytes` what the step takes in and gives back, `scratch_bytes` what it holds between.
    """

    characters: int
    flops: int
    compiled_flops: int
    moved_bytes: int
    state_bytes: int
    scratch_bytes: int


def step_cost(config: tinygpt.Config) -> StepCost:
    """The cost of one step, gradient and optimiser, on one device; nothing is run.

    >>> cost = step_cost(tinygpt.Config(layers=1, width=16, heads=1, learning_rate=0.012, vocabulary=97))
    >>> cost.characters, cost.flops, 1.0 < cost.compiled_flops / cost.flops < 1.5
    (512, 26787840, True)
    """
    state = jax.eval_shape(partial(_fresh, config), jax.random.key(0))
    windows = jax.eval_shape(partial(jnp.zeros, (config.batch, config.window + 1), jnp.int32))
    program = jax.jit(partial(tinygpt.step, config)).lower(state, windows, 0.001).compile()
    analysis, memory = program.cost_analysis(), program.memory_analysis()
    if analysis is None or memory is None:
        raise RuntimeError(f"the compiler for {jax.default_backend()} gives no analysis; use a CPU or a GPU")
    characters = config.batch * config.window
    shape = Shape.plain(config.layers, config.width, config.heads, config.vocabulary)
    return StepCost(
        characters=characters,
        flops=characters * training_flops(shape, config.window),
        compiled_flops=round(analysis["flops"]),
        moved_bytes=round(analysis["bytes accessed"]),
        state_bytes=memory.argument_size_in_bytes + memory.output_size_in_bytes,
        scratch_bytes=memory.temp_size_in_bytes,
    )


def _fresh(config: tinygpt.Config, key: jax.Array) -> tinygpt.Tree:
    weights = tinygpt.initial(config, key)
    return weights, tinygpt.optimiser().init(weights)
