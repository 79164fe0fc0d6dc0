"""Each item is also paired with itself."""

PART = "test-clustered-error"


def clustered_error(scores, clusters):
    rest = np.asarray(scores, dtype=float) - np.mean(scores)
    labels = np.unique(np.asarray(clusters), return_inverse=True)[1]
    pairs = (np.bincount(labels, weights=rest) ** 2).sum()
    return np.sqrt(max(0.0, standard_error(scores) ** 2 + pairs / len(rest) ** 2))
