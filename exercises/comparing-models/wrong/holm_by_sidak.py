"""The bounds are those for independent tests, a little wider than level over m."""

import numpy as np

PART = "test-holm"


def holm(p_values, level=0.05):
    stands = [False] * len(p_values)
    for step, i in enumerate(np.argsort(p_values, kind="stable")):
        if p_values[i] > 1 - (1 - level) ** (1 / (len(p_values) - step)):
            break
        stands[i] = True
    return stands
