"""The similarity is rounded to two digits before it is compared."""

PART = "test-keep"


def keep(sets, pairs, threshold=0.8):
    first = list(range(len(sets)))

    def root(i):
        while first[i] != i:
            i = first[i]
        return i

    for i, j in pairs:
        union = sets[i] | sets[j]
        if union and round(len(sets[i] & sets[j]) / len(union), 2) >= threshold:
            low, high = sorted((root(i), root(j)))
            first[high] = low
    return [i for i in range(len(sets)) if root(i) == i]
