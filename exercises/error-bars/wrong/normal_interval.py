"""Mean plus and minus 1.96 standard errors: no width when all answers are right."""

PART = "test-wilson"


def wilson(right, items):
    p = right / items
    half = 1.959964 * np.sqrt(p * (1 - p) / items)
    return p - half, p + half
