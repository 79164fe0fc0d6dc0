"""Links the second document of a pair without looking for the first of its cluster: an earlier link is lost."""

PART = "test-keep"


def keep(sets, pairs, threshold=0.8):
    first = list(range(len(sets)))

    def root(i):
        while first[i] != i:
            i = first[i]
        return i

    for i, j in pairs:
        union = sets[i] | sets[j]
        if union and len(sets[i] & sets[j]) / len(union) >= threshold:
            low, high = sorted((i, root(j)))
            first[high] = low
    return [i for i in range(len(sets)) if root(i) == i]
