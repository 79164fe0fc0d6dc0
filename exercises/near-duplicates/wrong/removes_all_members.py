"""Every member of a cluster is removed, the one to keep included."""

PART = "test-keep"


def keep(sets, pairs, threshold=0.8):
    gone = set()
    for i, j in pairs:
        union = sets[i] | sets[j]
        if union and len(sets[i] & sets[j]) / len(union) >= threshold:
            gone |= {i, j}
    return [i for i in range(len(sets)) if i not in gone]
