"""Without spread there is no finding: the p value is 1 even when every item gives the same difference."""

PART = "test-paired"


def compare(a, b, clusters):
    gap = np.asarray(a, dtype=float) - np.asarray(b, dtype=float)
    n, rest = len(gap), gap - gap.mean()
    labels = np.unique(np.asarray(clusters), return_inverse=True)[1]
    pairs = (np.bincount(labels, weights=rest) ** 2).sum() - (rest**2).sum()
    error = np.sqrt(gap.var(ddof=1) / n + pairs / n**2)
    return gap.mean(), error, 2 * norm.sf(abs(gap.mean()) / error) if error else 1.0
