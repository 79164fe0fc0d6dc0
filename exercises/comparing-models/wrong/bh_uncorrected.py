"""No correction at all: the best of thirty wins."""

PART = "test-benjamini-hochberg"


def benjamini_hochberg(p_values, rate=0.05):
    return [p <= rate for p in p_values]
