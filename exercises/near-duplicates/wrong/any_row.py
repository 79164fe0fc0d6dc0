"""One equal row is taken for a band, and documents without text become copies."""

PART = "test-candidates"


def candidate_pairs(signatures, bands, rows):
    n = len(signatures)
    return {(i, j) for i in range(n) for j in range(i + 1, n) if (signatures[i] == signatures[j]).any()}
