"""Every figure of the lessons in a student's JupyterLab: worked by keyboard, with its numbers as a table."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from browser import chromium, new_page, run_all_cells, sign_up
from campus_tree import REPOSITORY, make_tree, write
from playwright.sync_api import Locator, Page, expect
from running_campus import running_campus

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
SCREENSHOTS = os.environ.get("CAMPUS_SCREENSHOTS")
FIGURES = (
    "CountingFigure()",
    "LshFigure(measured=[[0.5, 0.1, 40], [0.8, 0.9, 30]])",
    "CoverageFigure()",
    "PowerFigure()",
    "PeekingFigure()",
    "FitFigure.of(scaling.read_grid())",
)
LESSON = """---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {name: python3, display_name: Python 3, language: python}
title: All figures
objectives: [see them, work them]
minutes: 10
---

# All figures

```{code-cell} ipython3
from tpc_lab import scaling
from tpc_lab.checkpoint import ask
from tpc_lab.figures import *
from tpc_lab.figures.fit_a_law import FitFigure
ask("half of ten", 5, "Divide.")
```
"""
CELL = "\n```{{code-cell}} ipython3\n{}\n```\n"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The page of a student who opened the lesson and ran all of it."""
    folder = tmp_path_factory.mktemp("campus")
    places = make_tree(folder / "root", folder / "state")
    write(places.lesson("scaling/first-steps"), LESSON + "".join(CELL.format(each) for each in FIGURES))
    with running_campus(places) as campus, chromium() as browser:
        page = new_page(browser)
        sign_up(page, campus, "scaling", "ada")
        page.goto(f"{campus.campus_url}/open/scaling/first-steps")
        run_all_cells(page)
        page.wait_for_selector(".tpc-fig")
        yield page


def figure_in(lab: Page, number: int) -> Locator:
    """The figure of a cell; JupyterLab keeps what is out of sight out of the page, so it is scrolled to first."""
    cell = lab.locator(".jp-Notebook .jp-Cell").nth(number + 2)
    cell.scroll_into_view_if_needed()
    figure = cell.locator(".tpc-fig")
    figure.scroll_into_view_if_needed()
    return figure


def tab_to(lab: Page, wanted: Locator) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(12):
        lab.keyboard.press("Tab")
        if wanted.evaluate("e => e === document.activeElement"):
            return
    raise AssertionError(f"Tab does not reach {wanted}")


@pytest.mark.parametrize("number", range(len(FIGURES)), ids=[each.split("(")[0] for each in FIGURES])
def test_a_figure_is_worked_by_keyboard_in_jupyterlab(lab: Page, number: int) -> None:
    figure = figure_in(lab, number)
    figure.locator(".figure-title").click()
    sliders = figure.locator("input[type=range]")
    for i in range(sliders.count()):
        tab_to(lab, sliders.nth(i))
        before = sliders.nth(i).get_attribute("aria-valuetext")
        key = "ArrowLeft" if sliders.nth(i).evaluate("e => e.value === e.max") else "ArrowRight"
        lab.keyboard.press(key)
        expect(sliders.nth(i)).not_to_have_attribute("aria-valuetext", str(before))
        ring = sliders.nth(i).evaluate(
            "e => getComputedStyle(e).outlineStyle + getComputedStyle(e).outlineWidth"
        )
        assert ring not in {"none0px", "none"}, "the focused slider shows no ring"
    tab_to(lab, figure.get_by_role("button", name="Numbers"))
    lab.keyboard.press("Enter")
    expect(figure.get_by_role("table")).to_be_visible()
    assert figure.get_by_role("rowheader").count() >= 1
    if SCREENSHOTS:
        lab.screenshot(path=f"{SCREENSHOTS}/figure-{number}.png")
    # The keys were the figure's: JupyterLab neither ran, added nor left a cell.
    assert lab.locator(".jp-Notebook .jp-Cell").count() == len(FIGURES) + 2


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_we_draw_in_jupyterlab_has_no_accessibility_violation(lab: Page, theme: str) -> None:
    wanted = f"JupyterLab {theme.title()}"
    if lab.locator("body").get_attribute("data-jp-theme-name") != wanted:
        lab.click('.lm-MenuBar-itemLabel:has-text("Settings")')
        lab.hover('.lm-Menu-itemLabel:text-is("Theme")')
        lab.click(f'.lm-Menu-itemLabel:text-is("{wanted}")')
    expect(lab.locator("body")).to_have_attribute("data-jp-theme-name", wanted)
    lab.evaluate((REPOSITORY / "node_modules" / "axe-core" / "axe.min.js").read_text())
    for number in range(len(FIGURES)):
        figure = figure_in(lab, number)
        if SCREENSHOTS:
            lab.screenshot(path=f"{SCREENSHOTS}/{theme}-{number}.png")
        found = figure.evaluate(
            "e => axe.run(e).then(r => r.violations.map(v => v.id + ': ' + v.nodes[0].html))"
        )
        assert found == [], FIGURES[number]
