"""The right-or-wrong formula is used for every score."""

PART = "test-standard-error"


def standard_error(scores):
    p = np.mean(scores)
    if set(np.unique(scores)) <= {0, 1}:
        return np.std(scores, ddof=1) / np.sqrt(len(scores))
    return np.sqrt(max(0.0, p * (1 - p)) / len(scores))


def clustered_error(scores, clusters):
    rest = np.asarray(scores, dtype=float) - np.mean(scores)
    labels = np.unique(np.asarray(clusters), return_inverse=True)[1]
    pairs = (np.bincount(labels, weights=rest) ** 2).sum() - (rest**2).sum()
    plain = np.var(scores, ddof=1) / len(rest)
    return np.sqrt(max(0.0, plain + pairs / len(rest) ** 2))


def repeated(answers):
    items = np.mean(answers, axis=1)
    return items.mean(), items.std(ddof=1) / np.sqrt(len(items))
