"""The generation benchmark: both sides make a release of the same source, and ours tries the solution."""

from __future__ import annotations

import pytest
from campus_tree import write
from tpc_bench.generation import bench_generation


@pytest.mark.timeout(200)
def test_both_sides_generate_the_same_exercise(tree):
    said = list[str]()
    result = bench_generation(tree, ("double-data",), said.append)
    (found,) = result["exercises"].values()
    assert result["worst_ratio"] == found["ratio"]
    assert found["ratio"] == pytest.approx(found["campus_seconds"] / found["stock_seconds"], rel=0.1)
    assert any("double-data: stock" in line for line in said)
    path = tree.exercise("double-data")
    write(path, path.read_text("utf-8").replace("return 2 * x", "return 3 * x"))
    with pytest.raises(RuntimeError, match="the author's own solution does not pass"):
        bench_generation(tree, ("double-data",), said.append)
