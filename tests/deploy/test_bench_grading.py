"""The grading benchmark: both sides grade the same class, to the same scores."""

from __future__ import annotations

import pytest
from campus_tree import REPOSITORY
from tpc_bench.grading import bench_grading
from tpc_courses.base.places import Places


@pytest.mark.timeout(200)
def test_both_sides_give_the_same_scores(tmp_path):
    said = list[str]()
    result = bench_grading(Places(REPOSITORY, tmp_path), "error-bars", students=9, cores=2, say=said.append)
    assert result["equal_scores"] is True
    assert result["students"] == 9
    assert result["parts_with_the_authors_version"] > 0, "stock would give these nothing"
    assert result["ratio"] == pytest.approx(result["stock_seconds"] / result["campus_seconds"], rel=0.1)
    assert 0 < result["floor_seconds"] < result["stock_seconds"]
    assert any("stock" in line for line in said)
