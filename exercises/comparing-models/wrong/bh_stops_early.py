"""Stops at the first p value above its bound, as Holm's rule would."""

PART = "test-benjamini-hochberg"


def benjamini_hochberg(p_values, rate=0.05):
    stands = [False] * len(p_values)
    for k, i in enumerate(np.argsort(p_values, kind="stable"), start=1):
        if p_values[i] > k * rate / len(p_values):
            break
        stands[i] = True
    return stands
