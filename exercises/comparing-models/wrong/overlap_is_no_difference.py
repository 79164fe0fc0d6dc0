"""Two intervals that overlap are taken for no difference: the errors are added, not their squares."""

PART = "test-paired"


def compare(a, b, clusters):
    def error(x):
        rest = np.asarray(x, dtype=float) - np.mean(x)
        labels = np.unique(np.asarray(clusters), return_inverse=True)[1]
        pairs = (np.bincount(labels, weights=rest) ** 2).sum() - (rest**2).sum()
        return np.sqrt(max(0.0, np.var(x, ddof=1) / len(rest) + pairs / len(rest) ** 2))

    gap, both = np.mean(a) - np.mean(b), error(a) + error(b)
    if both == 0:
        return gap, 0.0, 1.0 if gap == 0 else 0.0
    return gap, both, 2 * norm.sf(abs(gap) / both)
