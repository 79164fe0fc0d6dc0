"""Scaling laws: read a grid of runs, fit L(N, D) = E + A/N^alpha + B/D^beta, resample it, and choose a run.

N counts non-embedding parameters, D characters (or tokens) seen, L is validation loss in nats per character.
Method: Hoffmann et al. (2022), arXiv:2203.15556, eq. 2-4 and section 3.3; Besiroglu et al. (2024),
arXiv:2404.10102, on its pitfalls.
"""

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from threadpoolctl import ThreadpoolController

from tpc_lab import counting
from tpc_lab.corpus import ALPHABET

__all__ = [
    "Law",
    "Run",
    "bootstrap",
    "definitions_of_size",
    "fit",
    "huber",
    "log_loss",
    "read_grid",
    "usable",
]

GRID = Path(__file__).parent / "data" / "scaling-grid.csv"
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Run:
    """One finished training run: `loss` in nats per character after `characters` seen."""

    parameters: int
    characters: int
    seed: int
    loss: float


@dataclass(frozen=True)
class Law:
    """L(N, D) = E + A/N^alpha + B/D^beta, all five constants positive."""

    E: float
    A: float
    B: float
    alpha: float
    beta: float

    def loss(self, parameters: ArrayLike, characters: ArrayLike) -> Array:
        """The predicted loss; shapes broadcast.

        >>> float(Law(E=1, A=2, B=3, alpha=0.5, beta=1).loss(4, 3))
        3.0
        """
        n, d = np.asarray(parameters, float), np.asarray(characters, float)
        return np.asarray(self.E + self.A / n**self.alpha + self.B / d**self.beta)

    def optimal(self, flops: float) -> tuple[float, float]:
        """The (N, D) of least loss with 6 N D = `flops` (arXiv:2203.15556, eq. 4).

        >>> n, d = Law(E=1, A=2, B=2, alpha=0.5, beta=0.5).optimal(600)
        >>> round(n, 6), round(d, 6)
        (10.0, 10.0)
        """
        total = self.alpha + self.beta
        g = (self.alpha * self.A / (self.beta * self.B)) ** (1 / total)
        n = g * (flops / 6) ** (self.beta / total)
        return n, flops / 6 / n


def read_grid(path: Path = GRID) -> list[Run]:
    """The runs of a grid CSV in file order; a ValueError names every faulty line at once.

    Lines that start with # are remarks. A torn last line counts as faulty, as does a run that stands twice.
    """
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.DictReader(line for line in file if not line.startswith("#"))
        rows, columns = list(reader), reader.fieldnames or ()
    if missing := [field.name for field in fields(Run) if field.name not in columns]:
        raise ValueError(f"{path.name}: no column {', '.join(missing)}; expected a comma between columns")
    runs: list[Run] = []
    problems: list[str] = [] if rows else [f"{path.name}: no run; make some: campus experiment scaling-grid"]
    seen: dict[tuple[int, int, int], int] = {}
    for number, row in enumerate(rows, start=1):
        try:
            run = _run_from(row)
        except ValueError as error:
            problems.append(f"{path.name}: run {number}: cannot be read ({error}); do that run again")
            continue
        first = seen.setdefault((run.parameters, run.characters, run.seed), number)
        if first != number:
            problems.append(f"{path.name}: run {number}: stands twice, first as run {first}; delete one line")
        runs.append(run)
    if problems:
        raise ValueError("\n".join(problems))
    return runs


def _run_from(row: dict[str, str]) -> Run:
    if None in row or None in row.values():
        raise ValueError("the line is torn, or has too many values")
    return Run(int(row["parameters"]), int(row["characters"]), int(row["seed"]), float(row["loss"]))


def definitions_of_size(path: Path = GRID) -> dict[str, Array]:
    """What N may mean for each run of the shipped grid, in file order, by definition.

    The last divides the compiler's FLOPs by 6 and by the characters: the N for which C = 6ND holds.

    >>> {name: round(float(n[0])) for name, n in definitions_of_size().items()}
    {'blocks': 3072, 'blocks and head': 4624, 'all parameters': 6176, 'measured FLOPs / 6': 9964}
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    sizes = [{name: int(row[name]) for name in ("layers", "width", "heads")} for row in rows]
    parts = [counting.parameters(counting.Shape.plain(**size, vocabulary=len(ALPHABET))) for size in sizes]
    blocks = np.array([part["attention"] + part["mlp"] for part in parts], float)
    head, embedding = (np.array([part[name] for part in parts], float) for name in ("head", "embedding"))
    flops = np.array([float(row["compiled_flops"]) / float(row["characters"]) for row in rows])
    return {
        "blocks": blocks,
        "blocks and head": blocks + head,
        "all parameters": blocks + head + embedding,
        "measured FLOPs / 6": flops / 6,
    }


def huber(residual: ArrayLike, delta: float = 1e-3) -> Array:
    """Huber's loss, elementwise: r^2/2 up to |r| = delta, then delta (|r| - delta/2).

    >>> [float(x) for x in huber([0.0, 1.0, -3.0], delta=1)]
    [0.0, 0.5, 2.5]
    """
    r = np.abs(np.asarray(residual, float))
    return np.where(r <= delta, 0.5 * r * r, delta * (r - 0.5 * delta))


def _terms(p: Array, log_n: Array, log_d: Array) -> Array:
    return np.stack([np.full_like(log_n, p[2]), p[0] - p[3] * log_n, p[1] - p[4] * log_d])


def log_loss(p: ArrayLike, log_n: Array, log_d: Array) -> Array:
    """log L for p = (log A, log B, log E, alpha, beta), stable for large exponents.

    >>> round(float(np.exp(log_loss([0, 0, 0, 1, 1], np.zeros(1), np.zeros(1))[0])), 9)
    3.0
    """
    return np.asarray(np.logaddexp.reduce(_terms(np.asarray(p, float), log_n, log_d), axis=0))


def _objective(p: Array, log_n: Array, log_d: Array, target: Array, delta: float) -> tuple[float, Array]:
    """The sum of Huber losses in log space, and its gradient, both over delta so the optimiser's units fit."""
    terms = _terms(p, log_n, log_d)
    predicted = np.logaddexp.reduce(terms, axis=0)
    e, a, b = np.exp(terms - predicted)
    residual = predicted - target
    slope = np.clip(residual, -delta, delta) / delta
    gradient = np.array([slope @ a, slope @ b, slope @ e, -slope @ (a * log_n), -slope @ (b * log_d)])
    return float(huber(residual, delta).sum() / delta), gradient


def usable(runs: Sequence[Run]) -> Sequence[Run]:
    """The runs as they are; a ValueError names each whose loss or size is not finite and positive."""
    bad = [
        f"run {i} (N={r.parameters}, D={r.characters}, seed {r.seed}): loss {r.loss}"
        for i, r in enumerate(runs)
        if not (math.isfinite(r.loss) and r.loss > 0 and r.parameters > 0 and r.characters > 0)
    ]
    if bad:
        raise ValueError("losses and sizes must be finite and positive; drop or redo " + "; ".join(bad))
    return runs


def _checked(runs: Sequence[Run]) -> None:
    points = {(r.parameters, r.characters) for r in usable(runs)}
    if len(points) < 5:
        raise ValueError(f"{len(points)} different points cannot fix 5 parameters; give at least 5")


@cache
def _libraries() -> ThreadpoolController:
    """The libraries of linear algebra, whose threads only wait for each other at five numbers."""
    return ThreadpoolController()


STARTS = tuple(product((0.0, 5.0), (3.0, 8.0), (-1.0, 0.5), (0.2, 0.6), (0.2, 0.6)))
BOUNDS = [(-10.0, 40.0), (-10.0, 40.0), (-10.0, 3.0), (0.01, 3.0), (0.01, 3.0)]


def fit(runs: Sequence[Run], delta: float = 1e-3, starts: Iterable[Sequence[float]] = STARTS) -> Law:
    """The law that fits `runs` best in log space under a Huber loss, the best of several starting points.

    `starts` holds (log A, log B, log E, alpha, beta). A ValueError names runs that cannot be used.
    """
    _checked(runs)
    log_n = np.log([float(r.parameters) for r in runs])
    log_d = np.log([float(r.characters) for r in runs])
    target = np.log([r.loss for r in runs])
    with _libraries().limit(limits=1, user_api="blas"):
        found = [
            minimize(
                _objective,
                np.asarray(start, float),
                args=(log_n, log_d, target, delta),
                jac=True,
                method="L-BFGS-B",
                bounds=BOUNDS,
                options={"maxiter": 5000, "maxfun": 10000, "ftol": 1e-12, "gtol": 1e-8},
            )
            for start in starts
        ]
    a, b, e, alpha, beta = min(found, key=lambda r: float(r.fun)).x
    return Law(math.exp(e), math.exp(a), math.exp(b), float(alpha), float(beta))


def bootstrap(runs: Sequence[Run], resamples: int, seed: int = 0, delta: float = 1e-3) -> list[Law]:
    """Fits to `resamples` samples of the runs with replacement; samples with under 5 points are redrawn."""
    best = fit(runs, delta)
    near = [math.log(best.A), math.log(best.B), math.log(best.E), best.alpha, best.beta]
    starts = [near, [5.0, 8.0, -1.0, 0.3, 0.5], [1.0, 5.0, 0.0, 0.2, 0.6]]
    rng = np.random.default_rng(seed)
    laws: list[Law] = []
    while len(laws) < resamples:
        sample = [runs[i] for i in rng.integers(len(runs), size=len(runs))]
        if len({(r.parameters, r.characters) for r in sample}) >= 5:
            laws.append(fit(sample, delta, starts))
    return laws
