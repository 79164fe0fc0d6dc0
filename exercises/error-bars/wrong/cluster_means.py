"""The standard error of the cluster means, right only for clusters of one size."""

PART = "test-clustered-error"


def clustered_error(scores, clusters):
    scores, clusters = np.asarray(scores, dtype=float), np.asarray(clusters)
    return standard_error([scores[clusters == c].mean() for c in np.unique(clusters)])
