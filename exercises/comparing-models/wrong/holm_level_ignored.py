"""The level is 5%, whatever was asked for."""

PART = "test-holm"


def holm(p_values, level=0.05):
    stands = [False] * len(p_values)
    for step, i in enumerate(np.argsort(p_values, kind="stable")):
        if p_values[i] > 0.05 / (len(p_values) - step):
            break
        stands[i] = True
    return stands
