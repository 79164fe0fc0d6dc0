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

__all__ = ["Config", "encode", "forward", "initial", "loss", "rates", "train", "train_branches", "validate"]

Tree = Any  # a JAX pytree of arrays


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
    index = {c: i for i, c in enumerate(alphabet)}
    return np.fromiter((index[c] for c in text), dtype=np.uint8, count=len(text))


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


def _direction() -> optax.GradientTransformation:
    return optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.scale_by_adam(b1=0.9, b2=0.95),
        optax.add_decayed_weights(0.1, mask=lambda tree: jax.tree.map(lambda w: w.ndim == 2, tree)),
    )


def rates(config: Config, start: int, stop: int, total: int, cooldown: float = 0.2) -> NDArray[np.float32]:
    """Learning rates of steps `start` to `stop` of `total`: 50 steps up, constant, then linear to 0.

    >>> c = Config(layers=1, width=4, heads=1, learning_rate=1.0, vocabulary=2)
    >>> [round(float(r), 2) for r in rates(c, 98, 100, 100, cooldown=0.04)], float(rates(c, 0, 1, 100)[0])
    ([0.25, 0.0], 0.019999999552965164)
    """
    step = np.arange(start, stop)
    turn = round(total * (1 - cooldown))
    down = np.where(step < turn, 1.0, 1 - (step + 1 - turn) / max(total - turn, 1))
    return (config.learning_rate * np.minimum(np.minimum(1.0, (step + 1) / 50), down)).astype(np.float32)


@partial(jax.jit, static_argnums=0)
def train(
    config: Config, state: Tree, keys: jax.Array, text: jax.Array, steps: jax.Array, lr: jax.Array
) -> Tree:
    """`state` (weights, optimiser) after the numbered `steps` with rates `lr`, for all seeds `keys` at once.

    Step k of a seed draws the same windows in every call, so a branch repeats no data of its trunk.
    """
    direction, offsets = _direction(), jnp.arange(config.window + 1)

    def one_seed(state: Tree, key: jax.Array) -> Tree:
        def step(carry: Tree, now: tuple[jax.Array, jax.Array]) -> tuple[Tree, None]:
            weights, memory = carry
            number, rate = now
            drawn = jax.random.fold_in(key, number)
            first = jax.random.randint(drawn, (config.batch, 1), 0, text.shape[0] - config.window)
            gradient = jax.grad(partial(loss, config))(weights, text[first + offsets].astype(jnp.int32))
            change, memory = direction.update(gradient, memory, weights)
            return (jax.tree.map(lambda w, c: w - rate * c, weights, change), memory), None

        return jax.lax.scan(step, state, (steps, lr))[0]

    return jax.vmap(one_seed)(state, keys)


@partial(jax.jit, static_argnums=0)
def validate(config: Config, weights: Tree, windows: jax.Array) -> jax.Array:
    """Loss of each seed `(seeds,)` on fixed `windows (batches, rows, time + 1)`, in nats per character."""
    return jax.vmap(lambda w: jax.lax.map(partial(loss, config, w), windows).mean())(weights)


def train_branches(
    config: Config, text: NDArray[np.uint8], seeds: Sequence[int], characters: Sequence[int]
) -> Iterator[tuple[int, Tree]]:
    """For each budget, ascending: characters seen and the weights (leading axis: seeds).

    One constant-rate trunk serves all budgets; each cools down on a branch of its own.
    """
    keys = jnp.stack([jax.random.key(s) for s in seeds])
    weights = jax.vmap(partial(initial, config))(keys)
    state, done, data = (weights, jax.vmap(_direction().init)(weights)), 0, jnp.asarray(text)
    for budget in sorted(characters):
        total = round(budget / (config.batch * config.window))
        turn = round(total * 0.8)
        if turn > done:
            state = train(config, state, keys, data, jnp.arange(done, turn), rates(config, done, turn, 10**9))
            done = turn
        branch = train(config, state, keys, data, jnp.arange(turn, total), rates(config, turn, total, total))
        yield total * config.batch * config.window, branch[0]
