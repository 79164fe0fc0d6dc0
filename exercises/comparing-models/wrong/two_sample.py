"""Two-sample error, as if the models had answered different items."""

PART = "test-paired"


def compare(a, b, clusters):
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    gap = a - b
    n, rest = len(gap), gap - gap.mean()
    labels = np.unique(np.asarray(clusters), return_inverse=True)[1]
    pairs = (np.bincount(labels, weights=rest) ** 2).sum() - (rest**2).sum()
    error = np.sqrt(a.var(ddof=1) / n + b.var(ddof=1) / n)
    if error == 0:
        return gap.mean(), 0.0, 1.0 if gap.mean() == 0 else 0.0
    return gap.mean(), error, 2 * norm.sf(abs(gap.mean()) / error)
