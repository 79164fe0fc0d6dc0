"""Takes a cluster to be a run of equal labels, so mixed order breaks it."""

PART = "test-clustered-error"


def clustered_error(scores, clusters):
    rest = np.asarray(scores, dtype=float) - np.mean(scores)
    labels = np.asarray(clusters)
    runs = np.concatenate([[0], np.cumsum(labels[1:] != labels[:-1])])
    pairs = (np.bincount(runs, weights=rest) ** 2).sum() - (rest**2).sum()
    return np.sqrt(max(0.0, standard_error(scores) ** 2 + pairs / len(rest) ** 2))
