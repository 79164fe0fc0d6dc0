"""Gates in a real browser: accessibility, what is asked of whom, weight, narrow screens."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tpc_courses.base.problems import Problem

from tpc_book.gates.report import shown

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

AXE = Path("node_modules") / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDTHS = (1400, 390)
NARROW = 320
SCHEMES = ("light", "dark")
READERS = tuple((scheme, width) for scheme in SCHEMES for width in WIDTHS)
WEIGHT_KIB = 200
# The sandbox needs what root in a container lacks; the rest keeps Chromium from calling home.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
# Folded parts are read too, so nothing stays folded while a gate looks.
UNFOLD = "document.querySelectorAll('details').forEach(item => { item.open = true })"
RUN_AXE = """rules => axe.run({runOnly: rules}).then(result => result.violations.flatMap(rule =>
  rule.nodes.map(node => [rule.id, rule.help, node.html.slice(0, 120)])))"""


def chromium_path() -> str:
    """Return the system's Chromium; raises RuntimeError when there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    raise RuntimeError("There is no Chromium. On Debian: apt install chromium.")


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """Start headless Chromium; raises RuntimeError where it or playwright is missing."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as e:
        raise RuntimeError("Page checks need playwright: pip install 'tpc-campus[dev]'.") from e
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        try:
            yield running
        finally:
            running.close()


@dataclass
class Visitor:
    """One kind of reader, by screen and colours, who notes what pages ask of other origins."""

    context: BrowserContext
    base: str
    width: int
    scheme: str

    def open(self, page: str, quiet: bool = True) -> tuple[Page, list[Problem], int]:
        """Open a page; return it with the problems met on the way and the bytes it loaded without images.

        With `quiet` it waits until nothing more is asked for, half a second after the last answer.
        """
        tab = self.context.new_page()
        problems: list[Problem] = []
        weight: list[int] = []
        tab.on("request", lambda request: problems.extend(self._outside(page, request.url)))
        tab.on("pageerror", lambda error: problems.append(_script_error(page, str(error))))
        tab.on("response", lambda response: weight.append(_bytes(response)))
        answer = tab.goto(self.base + page, wait_until="networkidle" if quiet else "load")
        if answer is None or answer.status != 200:
            status = answer.status if answer else "nothing"
            problems.append(Problem(shown(page), "page", f"answers {status}", "Build the book again"))
        return tab, problems, sum(weight)

    def _outside(self, page: str, url: str) -> Iterator[Problem]:
        origin = self.base.rsplit("/book/", 1)[0]
        if not url.startswith((f"{origin}/", "data:", "blob:")):
            yield Problem(shown(page), url, "is asked of another origin", "Bring the file into the book")

    @property
    def name(self) -> str:
        return f"{self.scheme}, {self.width} px"


def _script_error(page: str, error: str) -> Problem:
    return Problem(shown(page), "script", error.rstrip("."), "Correct the script")


def _bytes(response: Any) -> int:
    """Return how much an answer weighs; images come on top, and what a page makes of itself is no answer."""
    if response.request.resource_type in {"image", "media"} or not response.url.startswith("http"):
        return 0
    return int(response.headers.get("content-length") or 0)


@contextlib.contextmanager
def visitor(running: Browser, base: str, width: int = 1400, scheme: str = "light") -> Iterator[Visitor]:
    """Start a reader with nothing stored."""
    colours: Any = scheme
    context = running.new_context(
        viewport={"width": width, "height": 900}, color_scheme=colours, reduced_motion="reduce"
    )
    context.set_default_timeout(60_000)
    try:
        yield Visitor(context, base, width, scheme)
    finally:
        context.close()


def accessibility_problems(
    running: Browser,
    base: str,
    root: Path,
    pages: Sequence[str],
    readers: Sequence[tuple[str, int]] = READERS,
) -> Iterator[Problem]:
    """Yield every violation that axe finds on every page, wide and narrow, light and dark, with nothing folded."""
    axe = (root / AXE).read_text(encoding="utf-8")
    for scheme, width in readers:
        with visitor(running, base, width, scheme) as reader:
            for page in pages:
                tab, problems, _ = reader.open(page)
                yield from problems
                tab.evaluate(UNFOLD)
                tab.evaluate(axe)
                for rule, text, html in tab.evaluate(RUN_AXE, RULES):
                    yield Problem(shown(page), f"{reader.name}, {rule}", f"{text}: {html}", "Correct it")
                tab.close()


def narrow_problems(running: Browser, base: str, pages: Sequence[str]) -> Iterator[Problem]:
    """Yield a problem for each page that scrolls sideways on a screen of 320 px."""
    with visitor(running, base, NARROW) as reader:
        for page in pages:
            tab, problems, _ = reader.open(page, quiet=False)
            yield from problems
            tab.evaluate(UNFOLD)
            wide = int(tab.evaluate("document.documentElement.scrollWidth"))
            if wide > NARROW:
                found = f"is {wide} px wide on a screen of {NARROW} px"
                yield Problem(shown(page), "layout", found, "Let the wide part scroll by itself")
            tab.close()


def weight_problems(
    running: Browser, base: str, pages: Sequence[str], weights: dict[str, int]
) -> Iterator[Problem]:
    """Yield a problem for each page that loads more than 200 KiB without images; `weights` gets all, in KiB."""
    for page in pages:
        with visitor(running, base) as reader:  # a new reader has nothing cached
            _, problems, weight = reader.open(page)
            yield from problems
        weights[page] = round(weight / 1024)
        if weights[page] > WEIGHT_KIB:
            found = f"loads {weights[page]} KiB without images, more than {WEIGHT_KIB}"
            yield Problem(shown(page), "weight", found, "Split the page, or make its figures smaller")
