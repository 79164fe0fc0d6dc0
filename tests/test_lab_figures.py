"""Figures: each module is complete, runs in JavaScript, and computes what Python computes."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tpc_lab import comparison, dedup, figures, statistics

OURS = {
    "lsh": figures.LshFigure,
    "coverage": figures.CoverageFigure,
    "power": figures.PowerFigure,
    "peeking": figures.PeekingFigure,
}


def evaluated(tmp_path: Path, name: str, expression: str) -> Any:
    """What `expression` over the module `m` of figure `name` gives in node."""
    (tmp_path / "m.mjs").write_text(figures.module_text(name), encoding="utf-8")
    code = f"import * as m from './m.mjs'; console.log(JSON.stringify({expression}))"
    done = subprocess.run(
        ["node", "--input-type=module", "-e", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", OURS)
def test_a_module_stands_alone_and_exports_render(name: str, tmp_path: Path) -> None:
    assert evaluated(tmp_path, name, "typeof m.default.render") == "function"
    assert "import " not in figures.module_text(name).split("*/")[-1].replace("No imports", "")


@pytest.mark.parametrize("name", OURS)
def test_a_widget_carries_its_module_and_its_numbers(name: str) -> None:
    widget = OURS[name]()
    state = widget.get_state()
    assert "function figure(el, model, spec)" in state["_esm"]
    assert "export default" in state["_esm"]


def test_band_chances_agree_with_python(tmp_path: Path) -> None:
    assert evaluated(tmp_path, "lsh", "m.collisionProbability(0.8, 14, 8)") == pytest.approx(
        dedup.caught(0.8, 14, 8)
    )


@pytest.mark.parametrize(
    ("name", "interval"),
    [
        ("plain (mean ± 1.96 SE)", statistics.wald),
        ("Wilson", statistics.wilson),
        ("Clopper–Pearson", statistics.clopper_pearson),
    ],
)
def test_coverage_agrees_with_python(tmp_path: Path, name: str, interval: Any) -> None:
    got = evaluated(
        tmp_path,
        "coverage",
        f"[[20, 0.83], [7, 0.6], [150, 0.97]].map(([n, p]) => m.coverage('{name}', n, p))",
    )
    want = [statistics.coverage(interval, n, p) for n, p in ((20, 0.83), (7, 0.6), (150, 0.97))]
    assert got == pytest.approx(want, abs=1e-6)


def test_items_needed_agrees_with_python(tmp_path: Path) -> None:
    got = evaluated(tmp_path, "power", "m.itemsNeeded(0.02, 0.4, 0.6)")
    assert got == comparison.items_needed(0.02, 2 * 0.4**2 * (1 - 0.6))


def test_one_look_keeps_its_promise_and_many_do_not(tmp_path: Path) -> None:
    rates = evaluated(tmp_path, "peeking", "m.falseAlarms(20)")
    assert rates[0] == pytest.approx(0.05, abs=0.015)
    assert rates == sorted(rates)
    assert rates[-1] > 0.2


def test_an_unknown_figure_names_the_known_ones() -> None:
    with pytest.raises(FileNotFoundError, match="coverage, "):
        figures.module_text("no-such-figure")
