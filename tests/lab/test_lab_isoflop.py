"""The best size at a budget: exact on runs that follow a law, honest about budgets without runs."""

import math

import numpy as np
import pytest
from tpc_lab import isoflop, scaling
from tpc_lab.scaling import Law, Run

LAW = Law(E=0.5, A=40.0, B=40.0, alpha=0.4, beta=0.4)
SIZES, CHARACTERS = np.geomspace(1e3, 1e6, 13), np.geomspace(1e3, 1e9, 49)
RUNS = [Run(round(n), round(d), 0, float(LAW.loss(round(n), round(d)))) for n in SIZES for d in CHARACTERS]


def test_the_parabola_finds_the_best_size_of_a_symmetric_law() -> None:
    for flops in (6e9, 6e10):
        sizes, losses = isoflop.profile(RUNS, flops)
        near = abs(np.log(sizes) - math.log((flops / 6) ** 0.5)) < 2.5
        assert isoflop.best_size(sizes[near], losses[near]) == pytest.approx((flops / 6) ** 0.5, rel=0.03)


def test_a_profile_takes_the_mean_of_the_seeds_and_only_sizes_with_runs_near_the_budget() -> None:
    runs = [Run(10, d, seed, 1.0 + seed / 10) for d in (100, 200) for seed in (0, 1)] + [Run(20, 100, 0, 2.0)]
    sizes, losses = isoflop.profile(runs, 6 * 10 * 150)
    assert (sizes.tolist(), losses.tolist()) == ([10.0], [pytest.approx(1.05)])
    assert isoflop.profile(runs, 6 * 10 * 200 * 1.1)[0].tolist() == [10.0]
    assert isoflop.profile(runs, 6 * 10 * 200 * 1.3)[0].tolist() == []


def test_what_has_no_best_size_says_so() -> None:
    assert math.isnan(isoflop.best_size([1, 10, 100], [2, 3, 2]))
    with pytest.raises(ValueError, match="2 sizes fix no parabola; give at least 3"):
        isoflop.best_size([1, 10], [2, 3])
    with pytest.raises(ValueError, match=r"run 0 \(N=10, D=100, seed 7\): loss nan"):
        isoflop.profile([Run(10, 100, 7, math.nan)], 6000.0)


def test_our_grid_has_three_budgets_with_a_best_size_inside() -> None:
    runs = scaling.read_grid()
    best = []
    for flops in (8e10, 3.1e11, 1.3e12):
        sizes, losses = isoflop.profile(runs, flops)
        assert len(sizes) == 3
        best.append(isoflop.best_size(sizes, losses))
        assert sizes[0] < best[-1] < sizes[-1]
    assert best == sorted(best)
