"""The rounded z = 1.96, which small samples alone would show with a coarse tolerance."""

PART = "test-wilson"


def wilson(right, items):
    z, p = 1.96, right / items
    half = z * np.sqrt(p * (1 - p) / items + z**2 / (4 * items**2))
    low, high = (p + z**2 / (2 * items) + np.array([-half, half])) / (1 + z**2 / items)
    return low, high
