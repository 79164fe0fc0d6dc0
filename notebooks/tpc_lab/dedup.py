"""Near-duplicates: shingles, MinHash signatures, bands, verification, clusters.

Broder (1997), doi:10.1109/SEQUEN.1997.666900, for MinHash; Lee et al. (2022), arXiv:2107.06499, for its use
on training text. A document is the set of its word n-grams, each hashed to 32 bits.
"""

import re
from collections.abc import Iterable, Sequence
from hashlib import sha1
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

__all__ = ["PRIME", "candidates", "caught", "clusters", "hash_family", "jaccard", "kept", "shingles"]
__all__ += ["signature", "turning_point", "verified"]

PRIME = 4294967311  # the smallest prime above 2**32; a * x + b then still fits 64 unsigned bits

Hashes = NDArray[np.uint64]


def shingles(text: str, n: int = 5) -> Hashes:
    """The sorted 32-bit hashes of the word `n`-grams of `text`, lower-cased, punctuation dropped.

    A text shorter than n words is one shingle; a text without words has none.
    """
    words = re.findall(r"\w+", text.lower())
    grams = {" ".join(words[i : i + n]) for i in range(max(1, len(words) - n + 1))} - {""}
    hashes = {int.from_bytes(sha1(gram.encode()).digest()[:4], "big") for gram in grams}
    return np.array(sorted(hashes), dtype=np.uint64)


def jaccard(a: Hashes, b: Hashes) -> float:
    """Shared shingles over all shingles, 0..1; 0 when either set is empty: no text is no evidence.

    >>> jaccard(np.array([1, 2, 3]), np.array([2, 3, 4]))
    0.5
    """
    if not len(a) or not len(b):
        return 0.0
    shared = len(np.intersect1d(a, b, assume_unique=True))
    return shared / (len(a) + len(b) - shared)


def hash_family(count: int, seed: int = 0) -> tuple[Hashes, Hashes]:
    """Multipliers a (1..2^32-1) and shifts b (0..2^32-1) of `count` hash functions (a x + b) mod PRIME."""
    random = np.random.default_rng(seed)
    shape = (count,)
    return (
        random.integers(1, 2**32, shape, dtype=np.uint64),
        random.integers(0, 2**32, shape, dtype=np.uint64),
    )


def signature(hashes: Hashes, a: Hashes, b: Hashes) -> Hashes:
    """The smallest value of each hash function over the shingles, shape (functions,); PRIME if none.

    >>> signature(np.array([3, 5], np.uint64), np.array([2], np.uint64), np.array([1], np.uint64))
    array([7], dtype=uint64)
    """
    lowest = np.full(len(a), PRIME, np.uint64)
    for start in range(0, len(hashes), 4096):
        block = hashes[start : start + 4096, None]
        lowest = np.minimum(lowest, ((a * block + b) % np.uint64(PRIME)).min(axis=0))
    return lowest


def caught(similarity: float, bands: int, rows: int) -> float:
    """The chance that a pair shares at least one band: 1 - (1 - s^rows)^bands.

    >>> caught(0.5, bands=2, rows=1)
    0.75
    """
    return float(1 - (1 - similarity**rows) ** bands)


def turning_point(bands: int, rows: int) -> float:
    """The similarity (1/bands)^(1/rows) near which the chance rises most steeply."""
    return float((1 / bands) ** (1 / rows))


def candidates(signatures: Hashes, bands: int, rows: int) -> set[tuple[int, int]]:
    """Pairs (i, j), i < j, equal in at least one band; `signatures` has shape (documents, bands * rows).

    Documents without shingles are in no pair. Raises ValueError when the shape does not fit.
    """
    if signatures.shape[1] != bands * rows:
        raise ValueError(
            f"signatures have {signatures.shape[1]} columns, {bands} bands x {rows} rows need {bands * rows}"
        )
    pairs: set[tuple[int, int]] = set()
    full = np.flatnonzero((signatures != PRIME).any(axis=1))
    for band in range(bands):
        buckets: dict[bytes, list[int]] = {}
        for i in full:
            key = np.ascontiguousarray(signatures[i, band * rows : (band + 1) * rows]).tobytes()
            buckets.setdefault(key, []).append(int(i))
        for members in buckets.values():
            pairs.update(combinations(members, 2))
    return pairs


def verified(
    pairs: Iterable[tuple[int, int]], sets: Sequence[Hashes], threshold: float
) -> set[tuple[int, int]]:
    """The pairs whose true Jaccard similarity is at least `threshold`."""
    return {(i, j) for i, j in pairs if jaccard(sets[i], sets[j]) >= threshold}


def clusters(count: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """For each of `count` documents the lowest index it is connected to, directly or through others.

    >>> clusters(4, [(0, 1), (1, 3)])
    [0, 0, 2, 0]
    """
    parent = list(range(count))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i, j in pairs:
        low, high = sorted((root(i), root(j)))
        parent[high] = low
    return [root(i) for i in range(count)]


def kept(count: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """The first document of every cluster: what stays when each cluster keeps one."""
    return [i for i, first in enumerate(clusters(count, pairs)) if i == first]
