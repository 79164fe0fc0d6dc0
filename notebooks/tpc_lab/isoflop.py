"""The best size for a budget, read from runs: losses at equal compute, and the lowest point of a parabola through them.

This is approach 2 of Hoffmann et al. (2022), arXiv:2203.15556, section 3.2. It assumes no law, but it needs several
sizes at each budget.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tpc_lab.scaling import Run, usable

__all__ = ["best_size", "profile"]

Array = NDArray[np.float64]


def profile(runs: Sequence[Run], flops: float, slack: float = 1.15) -> tuple[Array, Array]:
    """The sizes that have runs near the budget 6 N D = `flops`, ascending, and the loss of each at that budget.

    A size's loss is read between its runs, on straight lines through (log D, log of the mean loss of the seeds); it is
    left out when the budget lies more than the factor `slack` outside its runs. Shapes (sizes,). A ValueError names
    runs that cannot be used.

    >>> runs = [Run(10, 100, 0, 4.0), Run(10, 400, 0, 1.0), Run(1000, 900, 0, 1.0)]
    >>> sizes, losses = profile(runs, flops=6 * 10 * 200)
    >>> sizes.tolist(), losses.round(6).tolist()
    ([10.0], [2.0])
    """
    found = []
    for size in sorted({run.parameters for run in usable(runs)}):
        own = [run for run in runs if run.parameters == size]
        seen = np.array(sorted({run.characters for run in own}), float)
        mean = [np.mean([run.loss for run in own if run.characters == d]) for d in seen]
        characters = flops / 6 / size
        if len(seen) > 1 and seen[0] / slack <= characters <= seen[-1] * slack:
            found.append((size, _read(np.log(seen), np.log(mean), np.log(characters))))
    table = np.array(found, float).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _read(log_d: Array, log_loss: Array, at: float) -> float:
    """The loss at `at`, on the line through the two neighbouring runs, continued at the ends."""
    left = int(np.clip(np.searchsorted(log_d, at) - 1, 0, len(log_d) - 2))
    slope = (log_loss[left + 1] - log_loss[left]) / (log_d[left + 1] - log_d[left])
    return float(np.exp(log_loss[left] + slope * (at - log_d[left])))


def best_size(sizes: ArrayLike, losses: ArrayLike) -> float:
    """The size at the lowest point of a parabola through (log size, loss); nan when it has none.

    A ValueError says when there are fewer than three sizes, which fix no parabola.

    >>> round(best_size([1, 10, 100], [3, 2, 3]), 6)
    10.0
    """
    x, y = np.log(np.asarray(sizes, float)), np.asarray(losses, float)
    if len(x) < 3:
        raise ValueError(f"{len(x)} sizes fix no parabola; give at least 3, or another budget")
    bend, slope, _ = np.polyfit(x, y, 2)
    return float(np.exp(-slope / (2 * bend))) if bend > 0 else float("nan")
