"""The values of a band are written one after another: 1, 12 and 11, 2 become the same text."""

from itertools import combinations

PRIME = 4294967311

PART = "test-candidates"


def caught(similarity, bands, rows):
    return 1 - (1 - similarity**rows) ** bands


def candidate_pairs(signatures, bands, rows):
    pairs = set()
    for band in range(bands):
        buckets = {}
        for i, row in enumerate(signatures):
            if (row != PRIME).any():
                key = "".join(str(v) for v in row[band * rows : (band + 1) * rows])
                buckets.setdefault(key, []).append(i)
        for members in buckets.values():
            pairs.update(combinations(members, 2))
    return pairs
