"""The later document of each pair goes: two that meet only in a third both stay."""

PART = "test-keep"


def keep(sets, pairs, threshold=0.8):
    gone = set()
    for i, j in pairs:
        union = sets[i] | sets[j]
        if union and len(sets[i] & sets[j]) / len(union) >= threshold:
            gone.add(max(i, j))
    return [i for i in range(len(sets)) if i not in gone]
