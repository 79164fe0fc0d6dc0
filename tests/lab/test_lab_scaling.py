"""The laws are fitted, extrapolated and refused as tpc_lab.scaling promises."""

import doctest
import math
import re
from pathlib import Path

import numpy as np
import pytest
from tpc_lab import published, scaling, weights
from tpc_lab.experiments import grid
from tpc_lab.scaling import Law, Run

REFIT = Law(1.8169, 482.01, 2085.43, 0.3478, 0.3659)


def _runs(law: Law, noise: float = 0.0, seed: int = 0) -> list[Run]:
    rng = np.random.default_rng(seed)
    sizes, budgets = 10 ** np.linspace(5, 9, 6), 10 ** np.linspace(7, 11, 6)
    return [
        Run(int(n), int(d), 0, float(law.loss(int(n), int(d))) * math.exp(rng.normal(0, noise)))
        for n in sizes
        for d in budgets
    ]


def test_examples_in_docstrings_hold() -> None:
    assert doctest.testmod(scaling).failed == 0


def test_fit_recovers_the_law_that_made_the_runs() -> None:
    law = scaling.fit(_runs(REFIT))
    assert law.alpha == pytest.approx(REFIT.alpha, rel=0.01)
    assert law.beta == pytest.approx(REFIT.beta, rel=0.01)
    assert pytest.approx(REFIT.E, rel=0.01) == law.E


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_fit_of_noisy_runs_predicts_a_larger_run_within_five_percent(seed: int) -> None:
    law = scaling.fit(_runs(REFIT, 0.005, seed))
    assert float(law.loss(3e9, 3e11)) == pytest.approx(float(REFIT.loss(3e9, 3e11)), rel=0.05)


def test_one_failed_run_hardly_moves_a_robust_fit() -> None:
    runs = _runs(REFIT)
    runs[7] = Run(runs[7].parameters, runs[7].characters, 0, 2 * runs[7].loss)
    assert float(scaling.fit(runs).loss(1e9, 1e11)) == pytest.approx(float(REFIT.loss(1e9, 1e11)), rel=0.01)


def test_optimal_spends_the_budget_and_cannot_be_improved() -> None:
    n, d = REFIT.optimal(1e21)
    assert 6 * n * d == pytest.approx(1e21)
    assert float(REFIT.loss(n, d)) < min(float(REFIT.loss(n * s, d / s)) for s in (0.9, 1.1))


def test_published_exponent_follows_from_its_own_constants() -> None:
    a = REFIT.beta / (REFIT.alpha + REFIT.beta)
    assert published.get("epoch-a").agrees(a)


def test_chinchilla_175b_row_is_a_power_of_ten_off() -> None:
    printed = published.get("chinchilla-a3-175b")
    assert not printed.agrees(6 * 175e9 * 12e12)
    assert pytest.approx(10 * printed.value, rel=0.01) == 6 * 175e9 * 12e12


def test_gpt3_flops_are_six_n_d() -> None:
    for size in ("small", "medium", "large", "xl", "2-7b", "6-7b", "13b", "175b"):
        flops, n = published.get(f"gpt3-{size}-flops"), published.get(f"gpt3-{size}-params")
        assert flops.value == pytest.approx(6 * n.value * 300e9, rel=0.01)


@pytest.mark.parametrize("loss", [float("nan"), 0.0, -1.0, float("inf")])
def test_unusable_losses_are_refused_and_the_run_is_named(loss: float) -> None:
    runs = [*_runs(REFIT), Run(777, 888, 3, loss)]
    with pytest.raises(ValueError, match="N=777, D=888, seed 3"):
        scaling.fit(runs)


def test_fewer_points_than_parameters_are_refused() -> None:
    four = _runs(REFIT)[:4]
    with pytest.raises(ValueError, match="4 different points cannot fix 5 parameters"):
        scaling.fit(four * 3)


def test_torn_line_of_a_grid_is_named(tmp_path: Path) -> None:
    path = tmp_path / "grid.csv"
    path.write_text("parameters,characters,seed,loss\n10,20,0,1.5\n10,40,0")
    with pytest.raises(ValueError, match=r"grid.csv: run 2: .* do that run again"):
        scaling.read_grid(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no column parameters, characters, seed, loss"),
        (b"parameters,characters,seed,loss\n", "no run; make some: campus experiment scaling-grid"),
        (b"parameters;characters;seed;loss\n1;2;0;3\n", "expected a comma between columns"),
        (bytes(range(256)), "no column parameters"),
        (b"parameters,characters,seed,loss\n1,2,0,3\n1,2,0,4\n", "run 2: stands twice, first as run 1"),
        (b"parameters,characters,seed,loss,width\n1,2,0,3,8\n1,2,1,4", "run 2: .* torn"),
        (b"parameters,characters,seed,loss\n1,2,0,3\n\xe9\n", "run 2: "),
    ],
)
def test_a_grid_that_is_no_grid_says_what_is_wrong(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "grid.csv"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=f"^grid.csv: .*{message}"):
        scaling.read_grid(path)


def test_a_grid_saved_by_a_spreadsheet_is_read(tmp_path: Path) -> None:
    path = tmp_path / "grid.csv"
    path.write_bytes(b"\xef\xbb\xbf" + scaling.GRID.read_bytes().replace(b"\n", b"\r\n"))
    assert scaling.read_grid(path) == scaling.read_grid()
    assert grid.finished(path) == grid.finished(scaling.GRID)


def _shipped_means() -> np.ndarray:
    """Mean loss over seeds, `(sizes, budgets)`."""
    runs = scaling.read_grid()
    sizes, budgets = (sorted({getattr(r, name) for r in runs}) for name in ("parameters", "characters"))
    found = [
        [[r.loss for r in runs if (r.parameters, r.characters) == (n, d)] for d in budgets] for n in sizes
    ]
    return np.array([[np.mean(losses) for losses in row] for row in found])


def test_shipped_grid_falls_with_size_and_with_text() -> None:
    means = _shipped_means()
    assert means.shape == (5, 5)
    assert not (np.diff(means, axis=0) >= 0).any()
    assert not (np.diff(means, axis=1) >= 0).any()


def test_shipped_grid_says_how_each_run_was_made() -> None:
    records = grid.finished(scaling.GRID)
    assert len(records) == len(scaling.read_grid())
    assert len({(r.parameters, r.characters, r.seed) for r in records}) == len(records) == 5 * 5 * 3
    for r in records:
        assert re.fullmatch(r"[0-9a-f]{12}", r.commit)
        assert r.seconds > 0
        assert 1 < r.compiled_flops / r.flops < 1.3
    assert {r.corpus for r in records} == {records[0].corpus}


def test_law_fits_shipped_runs_and_extrapolates_low_by_percents() -> None:
    runs = [r for r in scaling.read_grid() if r.characters > 1e6 and r.parameters > 5e3]
    n, d, loss = (np.array([getattr(r, k) for r in runs]) for k in ("parameters", "characters", "loss"))
    assert np.log(scaling.fit(runs).loss(n, d) / loss).std() < 0.03
    ahead = scaling.fit([r for r in runs if r.parameters < 5e5])
    big = n > 5e5
    assert -0.08 < (ahead.loss(n[big], d[big]) / loss[big] - 1).mean() < 0.0


def test_shipped_checkpoints_are_twelve_small_models_of_the_grid() -> None:
    models = weights.shipped()
    known = {(r.parameters, r.characters, r.seed): r.loss for r in scaling.read_grid()}
    assert len(models) == 12
    assert sum(path.stat().st_size for path in weights.SHIPPED.iterdir()) <= 8e6
    for m in models:
        facts = (m.facts["parameters"], m.facts["characters"], m.facts["seed"])
        assert m.config.parameters == facts[0]
        assert known[facts] == m.facts["loss"]


def test_bootstrap_repeats_with_its_seed_and_differs_between_samples() -> None:
    runs = _runs(REFIT, 0.01)
    first, again = scaling.bootstrap(runs, 4, seed=5), scaling.bootstrap(runs, 4, seed=5)
    assert first == again
    assert len({law.alpha for law in first}) > 1
