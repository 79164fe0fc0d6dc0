"""A small decoder in JAX and optax, trained by one compiled loop; several seeds train side by side.

Pre-LN, rotary positions (base 1000), GELU, untied head, no biases. Small batches (4 windows of 128) and rotary
positions matter: with learned positions and batch 16 the smallest models stay on the bigram plateau.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

__all__ = [
    "CHUNK",
    "Config",
    "Trunk",
    "cool_down",
    "encode",
    "forward",
    "grow",
    "initial",
    "loss",
    "optimiser",
    "plant",
    "rates",
    "step",
    "train",
    "turning_point",
    "validate",
]

Tree = Any  # a JAX pytree of arrays
COOLDOWN = 0.2  # the share of a run in which its rate falls to zero
CHUNK = 100  # steps of one compiled call; runs whose parts are multiples of it compile once


@dataclass(frozen=True)
class Config:
    """The shape of a model and how it is trained; `vocabulary` counts characters, `window` positions."""

    layers: int
    width: int
    heads: int
    learning_rate: float
    vocabulary: int
    window: int = 128
    batch: int = 4

    @property
    def parameters(self) -> int:
        """Weights of the blocks' matrices, without embedding, head and norms: 12 L d^2.

        >>> Config(layers=2, width=24, heads=1, learning_rate=0.004, vocabulary=101).parameters
        13824
        """
        return 12 * self.layers * self.width**2


def encode(text: str, alphabet: str) -> NDArray[np.uint8]:
    """The index in `alphabet` of each character, `(len(text),)`; a ValueError shows characters outside it.

    >>> encode("abba", "ab").tolist()
    [0, 1, 1, 0]
    """
    unknown = set(text) - set(alphabet)
    if unknown:
        raise ValueError(f"characters outside the alphabet: {sorted(unknown)[:10]}")
    codes = np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
    table = np.zeros(max(map(ord, alphabet)) + 1, dtype=np.uint8)
    table[[ord(c) for c in alphabet]] = np.arange(len(alphabet))
    return table[codes]


def initial(config: Config, key: jax.Array) -> Tree:
    """Fresh weights: N(0, 1/fan_in), outputs of residual branches over sqrt(2L), head x0.1, embedding 0.02."""
    d, out = config.width, 1 / math.sqrt(2 * config.layers)
    keys = iter(jax.random.split(key, 4 * config.layers + 2))

    def matrix(rows: int, columns: int, scale: float) -> jax.Array:
        return jax.random.normal(next(keys), (rows, columns)) * scale

    blocks = [
        {
            "norm1": jnp.ones(d),
            "qkv": matrix(d, 3 * d, d**-0.5),
            "out": matrix(d, d, out * d**-0.5),
            "norm2": jnp.ones(d),
            "up": matrix(d, 4 * d, d**-0.5),
            "down": matrix(4 * d, d, out * (4 * d) ** -0.5),
        }
        for _ in range(config.layers)
    ]
    ends = {
        "embedding": matrix(config.vocabulary, d, 0.02),
        "head": matrix(d, config.vocabulary, 0.1 * d**-0.5),
    }
    return {"blocks": blocks, "norm": jnp.ones(d), **ends}


def _norm(x: jax.Array, scale: jax.Array) -> jax.Array:
    centred = x - x.mean(-1, keepdims=True)
    return centred * jax.lax.rsqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * scale


def _rotate(x: jax.Array) -> jax.Array:
    """Rotary positions on `(batch, time, heads, size)`."""
    half = x.shape[-1] // 2
    angles = jnp.outer(jnp.arange(x.shape[1]), 1000.0 ** (-jnp.arange(half) / half))[:, None]
    a, b, cos, sin = x[..., :half], x[..., half:], jnp.cos(angles), jnp.sin(angles)
    return jnp.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)


def _attention(block: Tree, x: jax.Array, heads: int) -> jax.Array:
    rows, time, width = x.shape
    q, k, v = jnp.split((x @ block["qkv"]).reshape(rows, time, heads, -1), 3, axis=-1)
    scores = jnp.einsum("bthd,bshd->bhts", _rotate(q), _rotate(k)) * (width // heads) ** -0.5
    causal = jnp.tril(jnp.ones((time, time), bool))
    weights = jax.nn.softmax(jnp.where(causal, scores, -1e9))
    return jnp.einsum("bhts,bshd->bthd", weights, v).reshape(rows, time, width) @ block["out"]


def forward(config: Config, weights: Tree, tokens: jax.Array) -> jax.Array:
    """Logits `(batch, time, vocabulary)` for `tokens (batch, time)`."""
    x = weights["embedding"][tokens]
    for block in weights["blocks"]:
        x = x + _attention(block, _norm(x, block["norm1"]), config.heads)
        x = x + jax.nn.gelu(_norm(x, block["norm2"]) @ block["up"]) @ block["down"]
    return _norm(x, weights["norm"]) @ weights["head"]


def loss(config: Config, weights: Tree, windows: jax.Array) -> jax.Array:
    """Mean nats per character on `windows (batch, time + 1)`: each character is predicted from those before."""
    logits = forward(config, weights, windows[:, :-1])
    return optax.softmax_cross_entropy_with_integer_labels(logits, windows[:, 1:]).mean()


def optimiser() -> optax.GradientTransformation:
    """AdamW without its rate: gradients clipped to norm 1, betas 0.9 and 0.95, decay 0.1 on matrices only."""
    return optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.scale_by_adam(b1=0.9, b2=0.95),
        optax.add_decayed_weights(0.1, mask=lambda tree: jax.tree.map(lambda w: w.ndim == 2, tree)),
    )


def rates(
    config: Config, start: int, stop: int, total: int, cooldown: float = COOLDOWN
) -> NDArray[np.float32]:
    """Learning rates of steps `start` to `stop` of `total`: 50 steps up, constant, then linear to 0.

    >>> c = Config(layers=1, width=4, heads=1, learning_rate=1.0, vocabulary=2)
    >>> [round(float(r), 2) for r in rates(c, 98, 100, 100, cooldown=0.04)], float(rates(c, 0, 1, 100)[0])
    ([0.25, 0.0], 0.019999999552965164)
    """
    step = np.arange(start, stop)
    turn = round(total * (1 - cooldown))
    down = np.where(step < turn, 1.0, 1 - (step + 1 - turn) / max(total - turn, 1))
    return (config.learning_rate * np.minimum(np.minimum(1.0, (step + 1) / 50), down)).astype(np.float32)


def step(config: Config, state: Tree, windows: jax.Array, rate: jax.Array | float) -> Tree:
    """`state` (weights, optimiser) after one step on `windows (batch, time + 1)` at learning rate `rate`."""
    weights, memory = state
    gradient = jax.grad(partial(loss, config))(weights, windows)
    change, memory = optimiser().update(gradient, memory, weights)
    return jax.tree.map(lambda w, c: w - rate * c, weights, change), memory


@partial(jax.jit, static_argnums=0)
def train(
    config: Config, state: Tree, keys: jax.Array, text: jax.Array, steps: jax.Array, lr: jax.Array
) -> Tree:
    """`state` (weights, optimiser) after the numbered `steps` with rates `lr`, for all seeds `keys` at once.

    Step k of a seed draws the same windows in every call, so that runs of one seed differ in their length only.
    """
    offsets = jnp.arange(config.window + 1)

    def one_seed(state: Tree, key: jax.Array) -> Tree:
        def numbered(state: Tree, now: tuple[jax.Array, jax.Array]) -> tuple[Tree, None]:
            number, rate = now
            drawn = jax.random.fold_in(key, number)
            first = jax.random.randint(drawn, (config.batch, 1), 0, text.shape[0] - config.window)
            return step(config, state, text[first + offsets].astype(jnp.int32), rate), None

        return jax.lax.scan(numbered, state, (steps, lr))[0]

    return jax.vmap(one_seed)(state, keys)


@partial(jax.jit, static_argnums=0)
def validate(config: Config, weights: Tree, windows: jax.Array) -> jax.Array:
    """Loss of each seed `(seeds,)` on fixed `windows (batches, rows, time + 1)`, in nats per character."""
    return jax.vmap(lambda w: jax.lax.map(partial(loss, config, w), windows).mean())(weights)


@dataclass(frozen=True)
class Trunk:
    """Training at a constant rate, after `steps` steps: weights and optimiser, both with a leading axis of seeds."""

    steps: int
    weights: Tree
    memory: Tree


def plant(config: Config, seeds: Sequence[int]) -> Trunk:
    """The trunk before its first step, one model for each seed."""
    weights = jax.vmap(partial(initial, config))(_keys(seeds))
    return Trunk(0, weights, jax.vmap(optimiser().init)(weights))


def grow(
    config: Config, trunk: Trunk, seeds: Sequence[int], text: NDArray[np.uint8], until: int
) -> Iterator[Trunk]:
    """The trunk every CHUNK steps up to step `until`, at the constant rate after its warm-up."""
    lr = rates(config, trunk.steps, until, total=until, cooldown=0)
    return _advance(config, trunk, seeds, text, lr)


def cool_down(
    config: Config, trunk: Trunk, seeds: Sequence[int], text: NDArray[np.uint8], total: int
) -> Iterator[Trunk]:
    """A branch of the trunk every CHUNK steps up to step `total`, where its rate has fallen to zero.

    A ValueError refuses a trunk that is not at the turning point of `total`.
    """
    if trunk.steps != turning_point(total):
        raise ValueError(
            f"a run of {total} steps leaves its trunk at step {turning_point(total)}; this one is at {trunk.steps}"
        )
    return _advance(config, trunk, seeds, text, rates(config, trunk.steps, total, total))


def turning_point(total: int) -> int:
    """The step of `total` at which a run leaves the trunk to cool down: four fifths.

    >>> turning_point(500)
    400
    """
    return round(total * (1 - COOLDOWN))


def _keys(seeds: Sequence[int]) -> jax.Array:
    return jnp.stack([jax.random.key(seed) for seed in seeds])


def _advance(
    config: Config, trunk: Trunk, seeds: Sequence[int], text: NDArray[np.uint8], lr: NDArray[np.float32]
) -> Iterator[Trunk]:
    keys, data = _keys(seeds), jnp.asarray(text)
    for start in range(0, len(lr), CHUNK):
        part = lr[start : start + CHUNK]
        steps = jnp.arange(trunk.steps, trunk.steps + len(part))
        trunk = Trunk(
            trunk.steps + len(part), *train(config, (trunk.weights, trunk.memory), keys, data, steps, part)
        )
        yield trunk
