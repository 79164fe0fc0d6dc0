"""Divides by n, not n - 1, so that few scores look too sure."""

PART = "test-standard-error"


def standard_error(scores):
    return np.std(scores) / np.sqrt(len(scores))


def clustered_error(scores, clusters):
    rest = np.asarray(scores, dtype=float) - np.mean(scores)
    labels = np.unique(np.asarray(clusters), return_inverse=True)[1]
    pairs = (np.bincount(labels, weights=rest) ** 2).sum() - (rest**2).sum()
    plain = np.var(scores, ddof=1) / len(rest)
    return np.sqrt(max(0.0, plain + pairs / len(rest) ** 2))


def repeated(answers):
    items = np.mean(answers, axis=1)
    return items.mean(), items.std(ddof=1) / np.sqrt(len(items))
