"""Shared pieces over those of the smaller text: a quotation looks like a copy."""

PART = "test-keep"


def keep(sets, pairs, threshold=0.8):
    first = list(range(len(sets)))

    def root(i):
        while first[i] != i:
            i = first[i]
        return i

    for i, j in pairs:
        least = min(len(sets[i]), len(sets[j]))
        if least and len(sets[i] & sets[j]) / least >= threshold:
            low, high = sorted((root(i), root(j)))
            first[high] = low
    return [i for i in range(len(sets)) if root(i) == i]
