"""Gates for the keyboard: search, contents and figures without a mouse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from tpc_courses.base.problems import Problem

from tpc_book.gates.browser import visitor
from tpc_book.gates.report import shown

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

STEPS = 120  # how often Tab is pressed before a control counts as out of reach
SOUGHT = "calendar"
VISIBLE_FOCUS = """() => { const style = getComputedStyle(document.activeElement);
  return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 }"""
DRAWN = "document.querySelector('.figure-live.ready svg')?.innerHTML ?? ''"
IN_FIGURE = "document.activeElement.matches('.figure-live.ready input[type=range]')"


def keyboard_problems(running: Browser, base: str, figure_page: str | None) -> Iterator[Problem]:
    """Yield a problem for each step that the keyboard cannot take; `figure_page` has a live figure with a slider."""
    with visitor(running, base) as reader:
        tab, _, _ = reader.open("")
        yield from _walk("", [("skip to the text", lambda: _skips(tab)), ("search", lambda: _finds(tab))])
    if figure_page is not None:
        with visitor(running, base) as reader:
            tab, _, _ = reader.open(figure_page)
            yield from _walk(figure_page, [("move a figure", lambda: _moves(tab))])


def _walk(page: str, steps: list[tuple[str, Callable[[], str]]]) -> Iterator[Problem]:
    from playwright.sync_api import Error

    for name, step in steps:
        try:
            reason = step()
        except Error as e:  # what a key should bring never came
            reason = e.message.splitlines()[0]
        if reason:
            yield Problem(shown(page), f"keyboard, {name}", reason, "Make it work without a mouse")


def _skips(tab: Page) -> str:
    """Return why the first Tab and Enter do not lead to the text; empty when they do."""
    tab.keyboard.press("Tab")
    if not _holds(tab, "document.activeElement.matches('a.skip')"):
        return "the first Tab does not reach the link to the text"
    if not tab.evaluate(VISIBLE_FOCUS):
        return "the focus cannot be seen"
    tab.keyboard.press("Enter")
    tab.keyboard.press("Tab")
    inside = _holds(tab, "document.activeElement.closest('main') !== null")
    return "" if inside else "after the link to the text, Tab goes on elsewhere"


def _finds(tab: Page) -> str:
    """Return why a word cannot be found with keys alone; empty when its page opens with the word marked."""
    tab.keyboard.press("/")
    if not _holds(tab, "document.activeElement.id === 'search'"):
        return "the key / does not lead to the search"
    tab.keyboard.type(SOUGHT)
    tab.wait_for_selector("#hits a[aria-selected=true]")
    first = tab.evaluate("document.activeElement.getAttribute('aria-activedescendant')")
    tab.keyboard.press("ArrowDown")
    if tab.evaluate("document.activeElement.getAttribute('aria-activedescendant')") == first:
        return "the arrow keys do not move among what was found"
    tab.keyboard.press("Escape")
    if not _holds(tab, "document.getElementById('hits').hidden"):
        return "Escape does not close the list"
    tab.fill("#search", SOUGHT)
    tab.wait_for_selector("#hits a[aria-selected=true]")
    with tab.expect_navigation():
        tab.keyboard.press("Enter")
    return (
        ""
        if _holds(tab, "document.querySelector('main mark') !== null")
        else "the word is not marked on its page"
    )


def _moves(tab: Page) -> str:
    """Return why a slider cannot be moved with keys; empty when the drawing follows, and the address keeps it."""
    tab.wait_for_selector(".figure-live.ready")
    for _ in range(STEPS):
        tab.keyboard.press("Tab")
        if tab.evaluate(IN_FIGURE):
            break
    else:
        return f"no slider within {STEPS} presses of Tab"
    if not tab.evaluate(VISIBLE_FOCUS):
        return "the focus cannot be seen on the slider"
    before: Any = tab.evaluate(DRAWN)
    for key in ("ArrowRight", "ArrowLeft"):  # one of them moves it, wherever it stands
        tab.keyboard.press(key)
        if tab.evaluate(DRAWN) != before:
            return "" if "figure-" in tab.url else "the address does not keep the setting"
    return "the drawing does not follow the arrow keys"


def _holds(tab: Page, condition: str) -> bool:
    return bool(tab.evaluate(condition))
