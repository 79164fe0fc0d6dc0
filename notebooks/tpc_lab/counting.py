"""What a decoder holds and what it costs: parameters, FLOPs, bytes and utilisation, all by counting matrices.

A multiplication and an addition are two FLOPs. Counts are per token unless a name says otherwise. Norms and biases
are left out (about d numbers each, against 12 d^2 in a block). Sources: Kaplan et al. (2020), arXiv:2001.08361,
section 2.1; Hoffmann et al. (2022), arXiv:2203.15556, App. F; Ainslie et al. (2023), arXiv:2305.13245.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tpc_lab import published

__all__ = [
    "Shape",
    "chinchilla_ratio",
    "cost_of_training",
    "forward_flops",
    "kv_cache_bytes",
    "non_embedding",
    "parameters",
    "pf_days",
    "published_shape",
    "training_flops",
    "training_state_bytes",
    "utilisation",
]

PF_DAY = 1e15 * 24 * 3600
# bf16 weights and gradients, then fp32 weights and two Adam moments: Rajbhandari et al. (2020), arXiv:1910.02054, 3.1.
STATE_BYTES = {"weights": 2, "gradients": 2, "fp32 weights": 4, "first moment": 4, "second moment": 4}


@dataclass(frozen=True)
class Shape:
    """The sizes that fix a decoder; a ValueError names every size that cannot be.

    `hidden` is the width inside the MLP, `kv_heads` the key and value heads that query heads share, `gated` an MLP
    of three matrices instead of two, `tied` a head that reuses the embedding, `positions` rows of learned positions.
    """

    layers: int
    width: int
    heads: int
    kv_heads: int
    head_size: int
    hidden: int
    vocabulary: int
    gated: bool = False
    tied: bool = False
    positions: int = 0

    def __post_init__(self) -> None:
        sizes = ("layers", "width", "heads", "kv_heads", "head_size", "hidden", "vocabulary")
        faults = [
            f"{name} is {getattr(self, name)}, not 1 or more" for name in sizes if getattr(self, name) < 1
        ]
        if not faults and self.heads % self.kv_heads:
            faults.append(f"{self.heads} query heads cannot share {self.kv_heads} key heads evenly")
        if faults:
            raise ValueError("; ".join(faults))

    @classmethod
    def plain(cls, layers: int, width: int, heads: int, vocabulary: int, **rest: Any) -> "Shape":
        """The classic block: every head has its own keys, an MLP four times as wide; `rest` overrides.

        >>> Shape.plain(layers=2, width=24, heads=3, vocabulary=101).hidden
        96
        """
        sizes = {"kv_heads": heads, "head_size": width // heads, "hidden": 4 * width, **rest}
        return cls(layers=layers, width=width, heads=heads, vocabulary=vocabulary, **sizes)


def parameters(shape: Shape) -> dict[str, int]:
    """Entries of all matrices by part: embedding, attention, mlp, head.

    >>> parameters(Shape.plain(layers=2, width=10, heads=1, vocabulary=50))
    {'embedding': 500, 'attention': 800, 'mlp': 1600, 'head': 500}
    """
    d, queries, keys = shape.width, shape.heads * shape.head_size, shape.kv_heads * shape.head_size
    return {
        "embedding": (shape.vocabulary + shape.positions) * d,
        "attention": shape.layers * d * (2 * queries + 2 * keys),
        "mlp": shape.layers * (3 if shape.gated else 2) * d * shape.hidden,
        "head": 0 if shape.tied else shape.vocabulary * d,
    }


def non_embedding(shape: Shape) -> int:
    """N of the scaling laws: the matrices of the blocks, 12 L d^2 for a plain shape.

    >>> non_embedding(Shape.plain(layers=2, width=10, heads=1, vocabulary=50))
    2400
    """
    parts = parameters(shape)
    return parts["attention"] + parts["mlp"]


def forward_flops(shape: Shape, window: int) -> dict[str, int]:
    """FLOPs of one token in a window of `window` tokens, by part; scores are those of queries with keys and values.

    A lookup in the embedding costs none, a tied head costs as much as a free one, and masked scores are counted
    because they are computed: attention that skips them needs half.

    >>> forward_flops(Shape.plain(layers=2, width=10, heads=1, vocabulary=50), window=5)
    {'attention': 1600, 'scores': 400, 'mlp': 3200, 'head': 1000}
    """
    parts = parameters(shape)
    return {
        "attention": 2 * parts["attention"],
        "scores": 4 * shape.layers * window * shape.heads * shape.head_size,
        "mlp": 2 * parts["mlp"],
        "head": 2 * shape.vocabulary * shape.width,
    }


def training_flops(shape: Shape, window: int) -> int:
    """FLOPs to train on one token: forward, and twice as much backward.

    >>> training_flops(Shape.plain(layers=2, width=10, heads=1, vocabulary=50), window=5)
    18600
    """
    return 3 * sum(forward_flops(shape, window).values())


def cost_of_training(parameters: float, tokens: float) -> float:
    """The rule of thumb C = 6 N D, in FLOP.

    >>> cost_of_training(1e9, 20e9)
    1.2e+20
    """
    return 6 * parameters * tokens


def pf_days(flops: float) -> float:
    """`flops` in petaflop/s-days: 1e15 FLOP a second for 24 hours.

    >>> pf_days(8.64e19)
    1.0
    """
    return flops / PF_DAY


def kv_cache_bytes(shape: Shape, tokens: int, sequences: int = 1, bytes_per_number: int = 2) -> int:
    """Bytes of the keys and values kept while text is generated.

    >>> kv_cache_bytes(Shape.plain(layers=2, width=10, heads=1, vocabulary=50), tokens=3)
    240
    """
    numbers = 2 * shape.layers * shape.kv_heads * shape.head_size
    return numbers * tokens * sequences * bytes_per_number


def training_state_bytes(parameters: float) -> float:
    """Bytes of weights, gradients and Adam's memory in mixed precision, 16 for each parameter; no activations.

    >>> training_state_bytes(7.5e9) / 1e9
    120.0
    """
    return parameters * sum(STATE_BYTES.values())


def utilisation(flops: float, device_hours: float, peak: float) -> float:
    """Model FLOPs utilisation: the share of `peak` (FLOP/s of one device) that went into `flops`.

    >>> utilisation(flops=1.8e18, device_hours=1, peak=1e15)
    0.5
    """
    if device_hours <= 0 or peak <= 0:
        raise ValueError(f"device_hours {device_hours} and peak {peak} must be positive")
    return flops / (device_hours * 3600 * peak)


# What the sources say in words: the registry holds the numbers.
_FAMILIES: Mapping[str, tuple[str, dict[str, Any]]] = {
    "gpt3": ("gpt2-vocabulary", {"tied": True, "positions": 2048}),
    "llama3": ("llama3-vocabulary", {"gated": True}),
    "chinchilla": ("gopher-vocabulary", {"tied": True}),
}
_SIZES = ("layers", "width", "heads", "kv_heads", "head_size", "hidden")


def published_shape(model: str) -> Shape:
    """The shape of a published model, as printed, misprints included; for instance "gpt3-small", "llama3-405b".

    >>> published_shape("gpt3-175b").width
    12288
    """
    known = published.every()
    family = model.split("-")[0]
    if family not in _FAMILIES:
        raise KeyError(f"no published shapes of {family!r}; there are: {', '.join(_FAMILIES)}")
    vocabulary, rest = _FAMILIES[family]
    sizes = {
        name: int(known[id].value) for name in _SIZES if (id := f"{model}-{name.replace('_', '-')}") in known
    }
    if not {"layers", "width", "heads"} <= sizes.keys():
        raise KeyError(
            f"no shape of {model!r} in tpc_lab.published: it needs {model}-layers, -width and -heads"
        )
    return Shape.plain(vocabulary=int(published.get(vocabulary).value), **sizes, **rest)


def chinchilla_ratio(shape: Shape, window: int, ends: bool) -> float:
    """The count of arXiv:2203.15556, App. F, over 6 N D; `ends` adds embedding (as a product) and final logits.

    N holds embedding and relative positions (one more d x d matrix in a block), and softmax counts 3 FLOPs a score.

    >>> round(chinchilla_ratio(published_shape("chinchilla-305m"), 2048, ends=False), 2)
    1.1
    """
    forward = forward_flops(shape, window)
    softmax = 3 * shape.layers * shape.heads * window
    flops = forward["attention"] + forward["scores"] + softmax + forward["mlp"] + ends * 2 * forward["head"]
    relative = shape.layers * shape.width * shape.heads * shape.head_size
    return 3 * flops / (6 * (sum(parameters(shape).values()) + relative))
