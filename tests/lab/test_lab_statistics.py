"""Error bars agree with simulation, with closed forms and with what is published."""

import numpy as np
import pytest
from tpc_lab import comparison, statistics


def test_single_item_clusters_give_the_plain_error() -> None:
    scores = np.random.default_rng(0).random(50)
    plain = statistics.standard_error(scores)
    assert statistics.clustered_error(scores, range(50)) == pytest.approx(plain)


def test_the_clustered_error_is_the_spread_over_new_clusters() -> None:
    rng = np.random.default_rng(1)
    means, errors = [], []
    labels = np.repeat(np.arange(60), 5)
    for _ in range(400):
        scores = rng.normal(size=60)[labels] + rng.normal(size=300)
        means.append(scores.mean())
        errors.append(statistics.clustered_error(scores, labels))
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.15)


def test_the_clustered_error_exists_even_when_pairs_cancel() -> None:
    assert statistics.clustered_error([1, -1, 1, -1], [0, 0, 1, 1]) == pytest.approx((1 / 12) ** 0.5)


@pytest.mark.parametrize("scores", [[1.0], [], [[1, 2]], [1.0, float("nan")]])
def test_scores_that_have_no_error_bar_are_refused(scores: list[float]) -> None:
    with pytest.raises(ValueError, match="scores"):
        statistics.standard_error(scores)


def test_coverage_is_exact_and_the_plain_interval_fails_near_one() -> None:
    assert statistics.coverage(statistics.clopper_pearson, 20, 0.9) >= 0.95
    assert statistics.coverage(statistics.wald, 20, 0.95) < 0.7
    assert statistics.coverage(statistics.wilson, 20, 0.95) > 0.9


def test_pairing_uses_the_covariance() -> None:
    rng = np.random.default_rng(2)
    hard = rng.normal(size=400)
    a, b = hard + rng.normal(size=400), hard + rng.normal(size=400)
    squared = comparison.unpaired_error(a, b) ** 2 - 2 * np.cov(a, b)[0, 1] / 400
    assert comparison.paired_difference(a, b).error ** 2 == pytest.approx(squared)


def test_the_planned_number_of_items_reaches_its_power() -> None:
    rng, n = np.random.default_rng(3), comparison.items_needed(0.2, between=1.0)
    seen = [
        comparison.paired_difference(rng.normal(0.2, 1, n), np.zeros(n)).p_value < 0.05 for _ in range(600)
    ]
    assert np.mean(seen) == pytest.approx(0.8, abs=0.08)


def test_equal_models_are_never_different() -> None:
    same = [1.0, 0.0, 1.0]
    assert comparison.paired_difference(same, same).p_value == 1
    assert comparison.mcnemar(same, same) == 1
    assert comparison.sign_flip(same, same) == 1


def test_permutation_and_mcnemar_agree_on_right_or_wrong_scores() -> None:
    rng = np.random.default_rng(4)
    a, b = (rng.random(200) < 0.8).astype(float), (rng.random(200) < 0.7).astype(float)
    assert comparison.sign_flip(a, b, repeats=20000) == pytest.approx(comparison.mcnemar(a, b), abs=0.02)


def test_benjamini_hochberg_finds_at_least_what_holm_finds() -> None:
    rng = np.random.default_rng(5)
    for _ in range(50):
        p = rng.random(12) ** 3
        assert not (comparison.holm(p) & ~comparison.benjamini_hochberg(p)).any()


def test_different_numbers_of_items_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="share their items"):
        comparison.paired_difference([1, 0], [1, 0, 1])
