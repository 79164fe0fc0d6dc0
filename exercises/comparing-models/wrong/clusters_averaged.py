"""The differences of each cluster are averaged first, and its clusters counted as items."""

import numpy as np
from scipy.stats import norm

PART = "test-paired"


def compare(a, b, clusters):
    gap = np.asarray(a, dtype=float) - np.asarray(b, dtype=float)
    labels = np.unique(np.asarray(clusters), return_inverse=True)[1]
    means = np.bincount(labels, weights=gap) / np.bincount(labels)
    error = means.std(ddof=1) / np.sqrt(len(means))
    if error == 0:
        return gap.mean(), 0.0, 1.0 if gap.mean() == 0 else 0.0
    return gap.mean(), error, 2 * norm.sf(abs(gap.mean()) / error)
