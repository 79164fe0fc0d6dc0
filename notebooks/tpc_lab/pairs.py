"""Minimal pairs: a line of documentation as it was written, and the same line with one thing spoiled.

A language model passes an item when it gives the true line more probability. The lines come from docstrings of an
installed package that the shipped checkpoints were not trained on; nothing is downloaded or shipped. A cluster is one
docstring.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from random import Random

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from tpc_lab import tinygpt
from tpc_lab.corpus import ALPHABET, docstrings
from tpc_lab.weights import Checkpoint

__all__ = ["KINDS", "Pair", "build_pairs", "margins", "spoil_bracket", "spoil_letters", "spoil_words"]

CONTEXT = 35  # characters before the line, so that both fit a window of 128


@dataclass(frozen=True)
class Pair:
    """One item: `context` is read first, then `good` or `bad`; `docstring` numbers the document it is from."""

    kind: str
    docstring: int
    context: str
    good: str
    bad: str


def spoil_letters(line: str, rng: Random) -> str | None:
    """`line` with two neighbouring letters of a word exchanged; None when no exchange would show.

    >>> spoil_letters("a cat", Random(1))
    'a act'
    """
    places = [m.start() for m in re.finditer(r"(?=[a-z]{2})", line) if line[m.start()] != line[m.start() + 1]]
    if not places:
        return None
    i = rng.choice(places)
    return line[:i] + line[i + 1] + line[i] + line[i + 2 :]


def spoil_words(line: str, rng: Random) -> str | None:
    """`line` with two neighbouring words exchanged; None when it has no two.

    >>> spoil_words("black cats", Random(1))
    'cats black'
    """
    words = line.split(" ")
    places = [
        i
        for i in range(len(words) - 1)
        if words[i].isalpha() and words[i + 1].isalpha() and words[i].lower() != words[i + 1].lower()
    ]
    if not places:
        return None
    i = rng.choice(places)
    return " ".join([*words[:i], words[i + 1], words[i], *words[i + 2 :]])


def spoil_bracket(line: str, rng: Random) -> str | None:
    """`line` with one closing bracket of another kind; None when it has none.

    >>> spoil_bracket("f(x)", Random(1)), spoil_bracket("a[i]", Random(1))
    ('f(x]', 'a[i)')
    """
    places = [i for i, c in enumerate(line) if c in ")]"]
    if not places:
        return None
    i = rng.choice(places)
    return line[:i] + ("]" if line[i] == ")" else ")") + line[i + 1 :]


def _underlines(text: str, rng: Random) -> Iterator[tuple[int, str, str]]:
    """Headings whose underline is as long as they are, against one of another length."""
    for match in re.finditer(r"\n([A-Z][A-Za-z ]{3,20})\n(-{4,22})\n", text):
        length = len(match.group(2))
        if length == len(match.group(1)):
            other = max(3, length + rng.choice([-2, -1, 1, 2]))
            yield match.start(2), "-" * length + "\n", "-" * other + "\n"


def _spoiled(
    spoil: Callable[[str, Random], str | None], text: str, rng: Random
) -> Iterator[tuple[int, str, str]]:
    for match in re.finditer(r"[^\n]{30,80}\n", text):
        bad = spoil(match.group(), rng)
        if bad is not None and match.start() >= CONTEXT:
            yield match.start(), match.group(), bad


KINDS: dict[str, Callable[[str, Random], Iterator[tuple[int, str, str]]]] = {
    "letters": partial(_spoiled, spoil_letters),
    "words": partial(_spoiled, spoil_words),
    "bracket": partial(_spoiled, spoil_bracket),
    "underline": _underlines,
}


def build_pairs(
    each: int = 300,
    kinds: Sequence[str] = tuple(KINDS),
    package: str = "matplotlib",
    per_docstring: int = 3,
) -> list[Pair]:
    """`each` items of every kind from the docstrings of `package`, at most `per_docstring` of a kind from one.

    The same call gives the same items; fewer come back when the package has no more.
    """
    texts = list(dict.fromkeys(docstrings(package, package)))
    return [pair for kind in kinds for pair in islice(_pairs_of(kind, texts, per_docstring), each)]


def _pairs_of(kind: str, texts: Sequence[str], per_docstring: int) -> Iterator[Pair]:
    rng = Random(kind)
    for number in rng.sample(range(len(texts)), len(texts)):
        here = list(KINDS[kind](texts[number], rng))
        for start, good, bad in rng.sample(here, min(per_docstring, len(here))):
            context = texts[number][max(0, start - CONTEXT) : start]
            yield Pair(kind, number, context, good, bad)


def margins(checkpoint: Checkpoint, pairs: Sequence[Pair]) -> NDArray[np.float64]:
    """log p(good) - log p(bad) of each pair in nats, `(pairs,)`; above 0 the model passes."""
    texts = [(p.context, line) for p in pairs for line in (p.good, p.bad)]
    scores = _log_likelihood(checkpoint, texts)
    return scores[0::2] - scores[1::2]


def _log_likelihood(checkpoint: Checkpoint, texts: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
    """Nats that the model gives each continuation after its context, `(texts,)`."""
    config, rows = checkpoint.config, 100
    count = -(-len(texts) // rows) * rows
    tokens = np.zeros((count, config.window + 1), np.int32)
    counted = np.zeros((count, config.window), bool)
    for i, (context, line) in enumerate(texts):
        # A NUL comes first: it stands between documents, and gives a line without context something to follow.
        codes = tinygpt.encode(f"\0{context}{line}", ALPHABET)[-config.window - 1 :]
        tokens[i, : len(codes)] = codes
        counted[i, len(codes) - 1 - len(line) : len(codes) - 1] = True
    batches = (a.reshape(-1, rows, a.shape[1]) for a in (tokens, counted))
    scored = _scored(config, checkpoint.weights, *map(jnp.asarray, batches))
    return np.asarray(scored, np.float64).ravel()[: len(texts)]


@partial(jax.jit, static_argnums=0)
def _scored(
    config: tinygpt.Config, weights: tinygpt.Tree, tokens: jax.Array, counted: jax.Array
) -> jax.Array:
    def batch(part: tuple[jax.Array, jax.Array]) -> jax.Array:
        windows, mask = part
        logs = jax.nn.log_softmax(tinygpt.forward(config, weights, windows[:, :-1]))
        chosen = jnp.take_along_axis(logs, windows[:, 1:, None], axis=-1)[..., 0]
        return jnp.where(mask, chosen, 0).sum(axis=1)

    return jax.lax.map(batch, (tokens, counted))
