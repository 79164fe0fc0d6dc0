"""Bands and rows swapped, as a well-known paper's prose has it."""

PART = ["test-caught", "test-candidates"]


def caught(similarity, bands, rows):
    return 1 - (1 - similarity**bands) ** rows


def candidate_pairs(signatures, bands, rows):
    pairs = set()
    for band in range(rows):
        buckets = {}
        for i, row in enumerate(signatures):
            if (row != PRIME).any():
                buckets.setdefault(tuple(row[band * bands : (band + 1) * bands]), []).append(i)
        for members in buckets.values():
            pairs.update(combinations(members, 2))
    return pairs
