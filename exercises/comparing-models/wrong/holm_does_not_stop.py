"""Goes on after the first p value above its bound."""

PART = "test-holm"


def holm(p_values, level=0.05):
    stands = [False] * len(p_values)
    for step, i in enumerate(np.argsort(p_values, kind="stable")):
        stands[i] = bool(p_values[i] <= level / (len(p_values) - step))
    return stands
