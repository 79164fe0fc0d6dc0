"""Clusters are made from candidates, and verified afterwards: one alike pair condemns the whole group."""

PART = "test-keep"


def keep(sets, pairs, threshold=0.8):
    def alike(i, j):
        union = sets[i] | sets[j]
        return bool(union) and len(sets[i] & sets[j]) / len(union) >= threshold

    first = list(range(len(sets)))
    for i, j in sorted(tuple(sorted(p)) for p in pairs):
        low, high = sorted((first[i], first[j]))
        first = [low if f == high else f for f in first]
    real = {first[i] for i, j in pairs if alike(i, j)}
    return [i for i, f in enumerate(first) if f == i or f not in real]
