"""Comparing two models or many: pairing, planning the number of items, permutation, multiplicity.

Miller (2024), arXiv:2411.00640, sections 4 and 5, unless said otherwise.
"""

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest, norm

from tpc_lab.statistics import clustered_error, scores_array, standard_error

__all__ = ["Difference", "benjamini_hochberg", "detectable_difference", "holm", "items_needed", "mcnemar"]
__all__ += ["paired_difference", "sign_flip", "unpaired_error"]


@dataclass(frozen=True)
class Difference:
    """The mean of A minus B over shared items, with its standard error."""

    mean: float
    error: float

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval of the difference."""
        half = float(norm.ppf(0.975)) * self.error
        return self.mean - half, self.mean + half

    @property
    def p_value(self) -> float:
        """The two-sided p value of "no difference"; 1 when both mean and error are 0."""
        if self.error == 0:
            return 1.0 if self.mean == 0 else 0.0
        return float(2 * norm.sf(abs(self.mean) / self.error))


def paired_difference(a: ArrayLike, b: ArrayLike, clusters: ArrayLike | None = None) -> Difference:
    """A minus B on shared items, in the same order; the error is that of the item-wise differences.

    >>> paired_difference([1, 1, 0, 1], [1, 0, 0, 1]).mean
    0.25
    """
    gap = _gaps(a, b)
    error = standard_error(gap) if clusters is None else clustered_error(gap, clusters)
    return Difference(float(gap.mean()), error)


def _gaps(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    first, second = scores_array(a), scores_array(b)
    if first.shape != second.shape:
        raise ValueError(f"{len(first)} scores for A, {len(second)} for B; paired scores share their items")
    return first - second


def unpaired_error(a: ArrayLike, b: ArrayLike) -> float:
    """The standard error of the difference when A and B answered different items."""
    return float(np.hypot(standard_error(a), standard_error(b)))


def mcnemar(a: ArrayLike, b: ArrayLike) -> float:
    """The exact two-sided p value from the items only one of two right-or-wrong models gets right.

    McNemar (1947), doi:10.1007/BF02295996.

    >>> mcnemar([1, 1, 1, 1, 1, 0], [0, 0, 0, 0, 0, 0])
    0.0625
    """
    gap = _gaps(a, b)
    only_a, only_b = int((gap > 0).sum()), int((gap < 0).sum())
    return 1.0 if only_a + only_b == 0 else float(binomtest(only_a, only_a + only_b).pvalue)


def sign_flip(a: ArrayLike, b: ArrayLike, repeats: int = 2000, seed: int = 0) -> float:
    """The p value of a permutation test that swaps A and B at random, item by item.

    The observed order counts as one of the repeats, so that p is never 0.
    """
    gap = _gaps(a, b)
    signs = np.random.default_rng(seed).integers(0, 2, (repeats, len(gap)), dtype=np.int8) * 2 - 1
    extreme = np.abs(signs @ gap) >= abs(gap.sum()) - 1e-9
    return float((extreme.sum() + 1) / (repeats + 1))


def items_needed(
    difference: float,
    between: float,
    within: tuple[float, float] = (0.0, 0.0),
    answers: tuple[int, int] = (1, 1),
    level: float = 0.05,
    power: float = 0.8,
) -> int:
    """The items for a paired test to find `difference` with chance `power` (eq. 9, rounded up).

    `between` is the variance of the true item differences, `within` the noise of an answer of A and of B,
    `answers` how often each is asked.

    >>> items_needed(0.03, 1 / 9)
    969
    """
    noise = between + within[0] / answers[0] + within[1] / answers[1]
    return ceil(float((norm.ppf(1 - level / 2) + norm.ppf(power)) ** 2 * noise / difference**2))


def detectable_difference(
    items: int,
    between: float,
    within: tuple[float, float] = (0.0, 0.0),
    answers: tuple[int, int] = (1, 1),
    level: float = 0.05,
    power: float = 0.8,
) -> float:
    """The smallest difference that `items` find with chance `power`; the inverse of `items_needed`."""
    noise = between + within[0] / answers[0] + within[1] / answers[1]
    return float((norm.ppf(1 - level / 2) + norm.ppf(power)) * np.sqrt(noise / items))


def holm(p_values: ArrayLike, level: float = 0.05) -> NDArray[np.bool_]:
    """Which findings stand so that one false finding among all has a chance of at most `level` (1979).

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [True, False, False]
    """
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    passed = np.logical_and.accumulate(p[order] <= level / np.arange(len(p), 0, -1))
    return np.asarray(passed[np.argsort(order, kind="stable")], dtype=bool)


def benjamini_hochberg(p_values: ArrayLike, rate: float = 0.05) -> NDArray[np.bool_]:
    """Which findings stand so that at most the share `rate` of them is expected to be false.

    Benjamini and Hochberg (1995), doi:10.1111/j.2517-6161.1995.tb02031.x.

    >>> benjamini_hochberg([0.01, 0.04, 0.03]).tolist()
    [True, True, True]
    """
    p = np.asarray(p_values, dtype=float)
    ranked = np.sort(p)
    below = np.flatnonzero(ranked <= rate * np.arange(1, len(p) + 1) / len(p))
    return np.asarray(p <= ranked[below[-1]] if len(below) else np.zeros(len(p)), dtype=bool)
