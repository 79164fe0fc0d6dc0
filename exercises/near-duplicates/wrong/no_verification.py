"""Every candidate is believed without looking at the documents."""

PART = "test-keep"


def keep(sets, pairs, threshold=0.8):
    first = list(range(len(sets)))
    for i, j in sorted(pairs):
        low, high = sorted((first[i], first[j]))
        first = [low if f == high else f for f in first]
    return [i for i, f in enumerate(first) if f == i]
