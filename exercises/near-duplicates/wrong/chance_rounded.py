"""The chance is rounded, so that a rare one becomes none."""

from itertools import combinations

PART = "test-caught"
PRIME = 4294967311


def caught(similarity, bands, rows):
    return round(1 - (1 - similarity**rows) ** bands, 4)


def candidate_pairs(signatures, bands, rows):
    pairs = set()
    for band in range(bands):
        buckets = {}
        for i, row in enumerate(signatures):
            if (row != PRIME).any():
                buckets.setdefault(tuple(row[band * rows : (band + 1) * rows]), []).append(i)
        for members in buckets.values():
            pairs.update(combinations(members, 2))
    return pairs
