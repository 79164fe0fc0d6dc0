"""Near-duplicate removal keeps its formulas and its promises."""

import subprocess
import sys

import numpy as np
import pytest
from tpc_lab import dedup


def pair_of_similarity(shared: int, own: int) -> tuple[dedup.Hashes, dedup.Hashes]:
    values = np.random.default_rng(shared).choice(2**31, shared + 2 * own, replace=False).astype(np.uint64)
    common = values[:shared]
    return np.sort(np.r_[common, values[shared : shared + own]]), np.sort(
        np.r_[common, values[shared + own :]]
    )


def test_shingles_are_the_same_in_another_process() -> None:
    code = "from tpc_lab.dedup import shingles; print(shingles('a b c d e f').tolist())"
    run = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONHASHSEED": "7"}, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == str(dedup.shingles("a b c d e f").tolist())


def test_short_and_empty_texts() -> None:
    assert len(dedup.shingles("two words")) == 1
    assert len(dedup.shingles(" ... ")) == 0
    assert dedup.jaccard(dedup.shingles(""), dedup.shingles("")) == 0


def test_signatures_are_exact_at_the_largest_values() -> None:
    big = 2**32 - 1
    top = np.array([big], np.uint64)
    assert int(dedup.signature(top, top, top)[0]) == (big * big + big) % dedup.PRIME


def test_equal_minima_estimate_the_similarity() -> None:
    a, b = pair_of_similarity(600, 200)
    family = dedup.hash_family(2000, seed=3)
    estimate = (dedup.signature(a, *family) == dedup.signature(b, *family)).mean()
    assert abs(estimate - 0.6) < 5 * (0.6 * 0.4 / 2000) ** 0.5


def test_pairs_are_caught_as_often_as_the_formula_says() -> None:
    caught = 0
    for seed in range(300):
        sets = pair_of_similarity(300, 64)
        signatures = np.array([dedup.signature(s, *dedup.hash_family(32, seed)) for s in sets])
        caught += bool(dedup.candidates(signatures, bands=8, rows=4))
    expected = dedup.caught(300 / 428, bands=8, rows=4)
    assert abs(caught / 300 - expected) < 5 * (expected * (1 - expected) / 300) ** 0.5


def test_empty_documents_are_no_candidates() -> None:
    empty = dedup.signature(dedup.shingles(""), *dedup.hash_family(4))
    assert dedup.candidates(np.array([empty, empty]), 2, 2) == set()


def test_a_wrong_shape_is_refused_with_the_numbers() -> None:
    with pytest.raises(ValueError, match="3 bands x 2 rows need 6"):
        dedup.candidates(np.zeros((2, 5), np.uint64), 3, 2)


def test_unlike_candidates_are_dropped_and_chains_keep_one() -> None:
    sets = [np.arange(start, start + 20, dtype=np.uint64) for start in (0, 2, 4, 90)]
    pairs = {(0, 1), (1, 2), (0, 2), (0, 3)}
    assert dedup.verified(pairs, sets, 0.8) == {(0, 1), (1, 2)}
    for order in ([(0, 1), (1, 2)], [(1, 2), (0, 1)]):
        assert dedup.kept(4, order) == [0, 3]
