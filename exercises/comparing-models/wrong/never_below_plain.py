"""The clustered error is never let below the plain one."""

import numpy as np
from scipy.stats import norm

PART = "test-paired"


def compare(a, b, clusters):
    gap = np.asarray(a, dtype=float) - np.asarray(b, dtype=float)
    n, rest = len(gap), gap - gap.mean()
    labels = np.unique(np.asarray(clusters), return_inverse=True)[1]
    pairs = (np.bincount(labels, weights=rest) ** 2).sum() - (rest**2).sum()
    error = np.sqrt(gap.var(ddof=1) / n + max(0.0, pairs) / n**2)
    if error == 0:
        return gap.mean(), 0.0, 1.0 if gap.mean() == 0 else 0.0
    return gap.mean(), error, 2 * norm.sf(abs(gap.mean()) / error)
