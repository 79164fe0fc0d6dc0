"""One dictionary for all bands, so band 0 of a document meets band 1 of another."""

PART = "test-candidates"


def caught(similarity, bands, rows):
    return 1 - (1 - similarity**rows) ** bands


def candidate_pairs(signatures, bands, rows):
    buckets = {}
    for i, row in enumerate(signatures):
        if (row != PRIME).any():
            for band in range(bands):
                buckets.setdefault(tuple(row[band * rows : (band + 1) * rows]), set()).add(i)
    return {pair for members in buckets.values() for pair in combinations(sorted(members), 2)}
