"""The same answers, as frozen sets, lists, tuples and arrays."""

import re
from hashlib import sha1

import numpy as np


def shingles(text, n=5):
    words = re.findall(r"\w+", text.lower())
    runs = [" ".join(words[i : i + n]) for i in range(max(1, len(words) - n + 1))] if words else []
    return frozenset(np.uint64(int.from_bytes(sha1(run.encode()).digest()[:4], "big")) for run in runs)


def signature(hashes, a, b):
    pairs = [(int(p), int(q)) for p, q in zip(a, b)]
    return [min(((p * x + q) % PRIME for x in hashes), default=PRIME) for p, q in pairs]  # noqa: F821


def keep(sets, pairs, threshold=0.8):
    label = np.arange(len(sets))
    for i, j in pairs:
        union = sets[i] | sets[j]
        if union and len(sets[i] & sets[j]) / len(union) >= threshold:
            low, high = sorted((label[i], label[j]))
            label[label == high] = low
    return tuple(np.unique(label))
