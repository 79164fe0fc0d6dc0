"""Figures: each module is complete, runs in JavaScript, and computes what Python computes."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import chromium
from playwright.sync_api import Browser, Locator
from tpc_book.render.widgets import static_html
from tpc_lab import comparison, counting, dedup, figures, scaling, statistics
from tpc_lab.checkpoint import ask
from tpc_lab.figures.fit_a_law import FitFigure

OURS = {
    "counting": figures.CountingFigure,
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


def test_parameters_and_flops_agree_with_python(tmp_path: Path) -> None:
    shape = counting.Shape.plain(layers=12, width=768, heads=12, vocabulary=50257)
    held = evaluated(tmp_path, "counting", "m.parameters(12, 768, 50257)")
    spent = evaluated(tmp_path, "counting", "m.forwardFlops(12, 768, 50257, 2048)")
    assert held == {**counting.parameters(shape), "scores": 0}
    assert spent == {**counting.forward_flops(shape, 2048), "embedding": 0}


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


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("174,600", 174600),
        ("6 * 174.6e9 * 300E9", 6 * 174.6e9 * 300e9),
        ("1 - 0.05^(1/30)", 1 - 0.05 ** (1 / 30)),
        ("2**3**2 - -1", 513),
        ("-2^2", -4),
        ("8/2/2", 2),
        (".5×4", 2),
    ],
)
def test_a_typed_sum_is_computed_as_written(tmp_path: Path, text: str, value: float) -> None:
    assert evaluated(tmp_path, "question", f"m.evaluate({json.dumps(text)})") == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "alert(1)", "2 *", "(1", "1)", "1 2 x", "1..2", "e5", "constructor"])
def test_what_is_no_sum_of_numbers_is_refused(tmp_path: Path, text: str) -> None:
    assert evaluated(tmp_path, "question", f"Number.isNaN(m.evaluate({json.dumps(text)}))") is True


def test_a_verdict_says_what_went_wrong(tmp_path: Path) -> None:
    facts = json.dumps({"answer": 300, "tolerance": 0.01, "wrong": [[100, "Times three."]], "hint": "Count."})
    given = ["299", "100", "3e5", "170", "many"]
    said = evaluated(tmp_path, "question", f"{given}.map((t) => m.verdict(t, {facts}))")
    assert [v["right"] for v in said] == [True, False, False, False, False]
    assert "Times three." in said[1]["said"]
    assert "power of ten" in said[2]["said"]
    assert "Count." in said[3]["said"]
    assert "Type a number" in said[4]["said"]


@pytest.mark.e2e
def test_a_question_is_answered_by_keyboard(browser: Browser) -> None:
    asked = ask("half of ten", 5, "Divide.", wrong={20: "You doubled it."}, unit="apples")
    page = shown(browser, "question", 390, asked).page
    for typed, verdict in (("10*2", "✗ not yet. You doubled it."), ("10/2", "✓ right, you may move on.")):
        page.get_by_label("half of ten (apples)").fill(typed)
        page.keyboard.press("Enter")
        assert page.get_by_role("status").inner_text() == verdict
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("name", OURS)
def test_a_figure_can_be_drawn_where_there_is_no_browser(name: str) -> None:
    state = {key: value for key, value in OURS[name]().get_state().items() if not key.startswith("_")}
    plain = {key: value for key, value in state.items() if isinstance(value, int | float | str | list)}
    drawn = static_html(figures.module_text(name), json.dumps(plain, sort_keys=True))
    assert "<svg" in drawn
    assert "<table" in drawn


def test_a_question_on_paper_says_what_it_asks_and_not_the_answer() -> None:
    state = {
        "label": "half of ten",
        "unit": "apples",
        "answer": 5,
        "tolerance": 0.01,
        "wrong": [],
        "hint": "Divide.",
    }
    drawn = static_html(figures.module_text("question"), json.dumps(state))
    assert drawn == '<p class="asked">half of ten (apples): </p>'


def test_small_numbers_of_a_table_do_not_become_zero() -> None:
    drawn = static_html(figures.module_text("lsh"), json.dumps({"bands": 15, "rows": 9, "measured": []}))
    assert f"<td>{15 * 0.3**9:.2e}</td>".replace("e-04", "e-4") in drawn


def test_an_unknown_figure_names_the_known_ones() -> None:
    with pytest.raises(FileNotFoundError, match="coverage, "):
        figures.module_text("no-such-figure")


FIGURES = {
    **{name: lambda kind=kind: kind() for name, kind in OURS.items()},
    "fit_a_law": lambda: FitFigure.of(scaling.read_grid()),
}
# What anywidget hands to a module, without a kernel.
PAGE = """<!doctype html><meta charset="utf-8"><body style="margin:0">
<main></main><script type="module">%s
const state = new Map(Object.entries(%s)), heard = [];
const model = { get: (k) => state.get(k), set: (k, v) => state.set(k, v), save_changes() {}, on() {}, off() {} };
render({ model, el: document.querySelector("main") });
</script>"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def shown(browser: Browser, name: str, width: int, widget: figures.Figure | None = None) -> Locator:
    """The figure `name` on a page of its own, drawn by its module alone."""
    widget = widget or FIGURES[name]()
    values = {key: getattr(widget, key) for key in widget.trait_names(sync=True) if not key.startswith("_")}
    plain = {key: value for key, value in values.items() if isinstance(value, int | float | str | list)}
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.set_content(PAGE % (figures.module_text(name), json.dumps(plain)))
    return page.locator(".tpc-fig")


@pytest.mark.e2e
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_worked_by_keyboard(browser: Browser, name: str) -> None:
    figure = shown(browser, name, 1000)
    sliders, keyboard = figure.locator("input[type=range]"), figure.page.keyboard
    start = settings(sliders)
    for i in range(sliders.count()):
        keyboard.press("Tab")
        assert sliders.nth(i).evaluate("e => e === document.activeElement")
        seen = []
        for key in ("Home", "End", "ArrowLeft"):
            keyboard.press(key)
            seen.append(settings(sliders)[i])
        assert len(set(seen)) == 3
    keyboard.press("Tab")
    keyboard.press("Enter")
    assert figure.get_by_role("table").is_visible()
    assert figure.get_by_role("rowheader").count() >= 1
    keyboard.press("Tab")
    keyboard.press("Space")
    assert settings(sliders) == start


def settings(sliders: Locator) -> list[str]:
    """What a screen reader says of each slider."""
    return sliders.evaluate_all("all => all.map((e) => e.getAttribute('aria-valuetext'))")


@pytest.mark.e2e
@pytest.mark.parametrize("name", FIGURES)
def test_jupyterlab_leaves_the_keys_to_the_figure(browser: Browser, name: str) -> None:
    # Lumino looks for this attribute from the focused element upwards, and matches its own keys on the way.
    figure = shown(browser, name, 1000)
    focusable = figure.locator("input, button, select, [tabindex]")
    assert focusable.count() >= 4
    for i in range(focusable.count()):
        assert focusable.nth(i).get_attribute("data-lm-suppress-shortcuts") == "true"


@pytest.mark.e2e
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_fits_a_phone_with_text_at_full_size(browser: Browser, name: str) -> None:
    figure = shown(browser, name, 390)
    figure.page.wait_for_function("document.querySelector('svg').viewBox.baseVal.width < 400")
    assert figure.page.evaluate("document.documentElement.scrollWidth") <= 390
    drawing = figure.locator("svg")
    scale = drawing.evaluate("e => e.getBoundingClientRect().width / e.viewBox.baseVal.width")
    assert scale == pytest.approx(1, abs=0.05)
    right = figure.locator("svg text").evaluate_all("all => all.map((e) => e.getBoundingClientRect().right)")
    assert max(right) <= 390
