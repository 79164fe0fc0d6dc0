"""Error bars for scores: standard errors, clusters, repeated answers, intervals for a proportion.

Scores are arrays with one entry per item. Miller (2024), arXiv:2411.00640, section 2, unless said otherwise.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta, binom, norm

__all__ = ["INTERVALS", "clopper_pearson", "clustered_error", "coverage", "design_effect", "intraclass"]
__all__ += ["scores_array", "standard_error", "variance_of_mean", "wald", "wilson"]

Interval = tuple[float, float]
Z95 = float(norm.ppf(0.975))


def scores_array(scores: ArrayLike, fewest: int = 2) -> NDArray[np.float64]:
    """`scores` as a flat float array; ValueError when fewer than `fewest` or when one is not a number."""
    values = np.asarray(scores, dtype=float)
    if values.ndim != 1 or len(values) < fewest:
        raise ValueError(f"scores have shape {values.shape}, expected one entry per item, at least {fewest}")
    if not np.isfinite(values).all():
        raise ValueError(f"scores[{int(np.argmin(np.isfinite(values)))}] is not a finite number")
    return values


def standard_error(scores: ArrayLike) -> float:
    """The standard error of the mean score, s / sqrt(n), with s from n - 1.

    >>> standard_error([0, 1])
    0.5
    """
    values = scores_array(scores)
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def clustered_error(scores: ArrayLike, clusters: ArrayLike) -> float:
    """The standard error when items of one cluster (a passage, an element) rise and fall together.

    sqrt(SE^2 + sum over clusters of sum over i != j of (s_i - mean)(s_j - mean) / n^2); equal to
    `standard_error` when every cluster has one item. The value under the root cannot be negative.

    >>> round(clustered_error([0, 0, 1, 1], ["a", "a", "b", "b"]), 4)
    0.3819
    """
    values = scores_array(scores)
    labels = np.unique(np.asarray(clusters), return_inverse=True)[1]
    if labels.shape != values.shape:
        raise ValueError(f"{len(values)} scores but {labels.size} cluster labels; each item needs one")
    rest = values - values.mean()
    sums = np.bincount(labels, weights=rest)
    cross = float((sums**2).sum() - (rest**2).sum()) / len(values) ** 2
    return float(np.sqrt(standard_error(values) ** 2 + cross))


def intraclass(scores: ArrayLike, clusters: ArrayLike) -> float:
    """The mean correlation of two items of the same cluster (pairs in common, over the variance).

    0 when no cluster holds two items or all scores are equal.
    """
    values = scores_array(scores)
    labels = np.unique(np.asarray(clusters), return_inverse=True)[1]
    rest = values - values.mean()
    counts = np.bincount(labels)
    pairs = float((counts * (counts - 1)).sum())
    spread = float((rest**2).mean())
    if pairs == 0 or spread == 0:
        return 0.0
    shared = float((np.bincount(labels, weights=rest) ** 2).sum() - (rest**2).sum())
    return shared / pairs / spread


def design_effect(size: float, correlation: float) -> float:
    """How much clusters of equal `size` raise the variance of a mean: 1 + (size - 1) * correlation (Kish).

    >>> design_effect(10, 0.3)
    3.6999999999999997
    """
    return 1 + (size - 1) * correlation


def variance_of_mean(between: float, within: float, items: int, answers: int = 1) -> float:
    """The variance of a mean over `items`, each answered `answers` times: (between + within / K) / n.

    `between` is the variance of the items' true scores, `within` the mean variance of answers to one item.

    >>> variance_of_mean(0.1, 0.2, items=10, answers=2)
    0.02
    """
    return (between + within / answers) / items


def wald(right: int, items: int) -> Interval:
    """The plain 95% interval, mean ± 1.96 SE; has no width when none or all are right."""
    share = right / items
    half = Z95 * np.sqrt(share * (1 - share) / (items - 1))
    return float(share - half), float(share + half)


def wilson(right: int, items: int) -> Interval:
    """Wilson's 95% score interval (1927), doi:10.1080/01621459.1927.10502953.

    >>> [round(x, 3) for x in wilson(10, 10)]
    [0.722, 1.0]
    """
    share, z2 = right / items, Z95**2
    centre = (share + z2 / (2 * items)) / (1 + z2 / items)
    half = Z95 / (1 + z2 / items) * np.sqrt(share * (1 - share) / items + z2 / (4 * items**2))
    return float(centre - half), float(centre + half)


def clopper_pearson(right: int, items: int) -> Interval:
    """The exact 95% interval: never covers less than promised, so it is wide (1934).

    >>> [round(x, 3) for x in clopper_pearson(10, 10)]
    [0.692, 1.0]
    """
    low = 0.0 if right == 0 else float(beta.ppf(0.025, right, items - right + 1))
    high = 1.0 if right == items else float(beta.ppf(0.975, right + 1, items - right))
    return low, high


INTERVALS: dict[str, Callable[[int, int], Interval]] = {
    "plain": wald,
    "Wilson": wilson,
    "Clopper-Pearson": clopper_pearson,
}


def coverage(interval: Callable[[int, int], Interval], items: int, share: float) -> float:
    """The exact chance that `interval` holds the true `share`, summed over all counts of right answers."""
    counts = np.arange(items + 1)
    ends = np.array([interval(int(k), items) for k in counts])
    holds = (ends[:, 0] <= share + 1e-12) & (share <= ends[:, 1] + 1e-12)
    return float(binom.pmf(counts, items, share)[holds].sum())
