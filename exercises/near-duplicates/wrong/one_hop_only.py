"""Labels are merged in one pass over the pairs: chains in an unlucky order fall apart."""

PART = "test-keep"


def keep(sets, pairs, threshold=0.8):
    first = list(range(len(sets)))
    for i, j in pairs:
        union = sets[i] | sets[j]
        if union and len(sets[i] & sets[j]) / len(union) >= threshold:
            first[i] = first[j] = min(first[i], first[j])
    return sorted(set(first))
