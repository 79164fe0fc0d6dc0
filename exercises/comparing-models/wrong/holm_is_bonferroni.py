"""Every p value is compared with level / m."""

PART = "test-holm"


def holm(p_values, level=0.05):
    return [p <= level / len(p_values) for p in p_values]
