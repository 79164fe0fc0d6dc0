"""Wilson's width around the plain score, cut at 0 and 1."""

PART = "test-wilson"


def wilson(right, items):
    z, p = 1.959964, right / items
    half = z * np.sqrt(p * (1 - p) / items + z**2 / (4 * items**2)) / (1 + z**2 / items)
    return max(0.0, p - half), min(1.0, p + half)
