"""The same answers, as arrays, tuples and generators."""

import numpy as np
from scipy.stats import norm


def compare(a, b, clusters):
    gap = np.subtract(a, b, dtype=float)
    labels = np.unique(np.asarray(clusters), return_inverse=True)[1]
    rest = gap - gap.mean()
    pairs = (np.bincount(labels, weights=rest) ** 2).sum() - (rest**2).sum()
    error = np.sqrt(gap.var(ddof=1) / len(gap) + pairs / len(gap) ** 2)
    if error == 0:
        return np.array([gap.mean(), 0, gap.mean() == 0])
    return np.array([gap.mean(), error, 2 * norm.sf(abs(gap.mean()) / error)])


def items_needed(difference, between, noise=(0.0, 0.0), answers=(1, 1), power=0.8):
    variance = between + noise[0] / answers[0] + noise[1] / answers[1]
    return np.ceil((norm.ppf(0.975) + norm.ppf(power)) ** 2 * variance / difference**2)


def holm(p_values, level=0.05):
    p, m = np.asarray(p_values, dtype=float), len(p_values)
    order = np.argsort(p, kind="stable")
    stands = np.zeros(m, dtype=bool)
    stands[order] = np.logical_and.accumulate(p[order] <= level / (m - np.arange(m)))
    return tuple(stands)


def benjamini_hochberg(p_values, rate=0.05):
    m = len(p_values)
    most = max((k for k, p in enumerate(sorted(p_values), start=1) if p <= k * rate / m), default=0)
    bound = sorted(p_values)[most - 1] if most else -1
    return (p <= bound for p in p_values)
