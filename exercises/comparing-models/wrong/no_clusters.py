"""Clusters are ignored."""

PART = "test-paired"


def compare(a, b, clusters):
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    gap = a - b
    n = len(gap)
    error = np.sqrt(gap.var(ddof=1) / n)
    if error == 0:
        return gap.mean(), 0.0, 1.0 if gap.mean() == 0 else 0.0
    return gap.mean(), error, 2 * norm.sf(abs(gap.mean()) / error)
