"""All gates over the book as it was built last: those that need a browser beside each other, Lighthouse alone."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING

from tpc_courses.base.places import Places
from tpc_courses.base.problems import Problem
from tpc_courses.base.words import counted

from tpc_book.gates import browser, files, keys
from tpc_book.gates.lighthouse import check_scores
from tpc_book.gates.markup import check_markup
from tpc_book.gates.report import Report, pages
from tpc_book.gates.served import served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Say = Callable[[str], None]
Gate = Callable[["Browser"], Iterable[Problem]]
# A figure that was drawn at build time has sliders once its script runs; a question has none.
DRAWN_FIGURE = re.compile(r'class="figure-live"[^>]*>(?:<p[^>]*>[^<]*</p>)?<svg')


def check_book(places: Places, say: Say = print) -> Report:
    """Return what all gates say of the built book; raises RuntimeError when there is none."""
    if not places.site.exists():
        raise RuntimeError("There is no book yet. Run `campus build book` first.")
    site, report = places.site.resolve(), Report()
    addresses = pages(site)
    say(counted(len(addresses), "page"))
    for name, found in _in_files(places, site):
        _tell(report, name, found, say)
    check_markup(report, site, places.root, addresses)
    say("valid HTML: looked at")
    with served(site) as base:
        _check_in_browsers(report, places, base, addresses, say)
        say("Lighthouse on the first page, a lesson and the programme: up to three runs each")
        check_scores(report, base, places.root, samples(site, addresses))
    return report


def _in_files(places: Places, site: Path) -> Iterator[tuple[str, list[Problem]]]:
    yield "links", list(files.link_problems(site))
    yield "origins", list(files.outside_problems(site))
    yield "solutions and hidden tests", list(files.secret_problems(site, places))


def _check_in_browsers(report: Report, places: Places, base: str, addresses: list[str], say: Say) -> None:
    """Run the gates that need a browser, as many at once as there are processors, each in its own."""
    weights: dict[str, int] = {}
    figure = with_figure(places.site.resolve(), addresses)

    def axe(reader: tuple[str, int]) -> Gate:
        return lambda running: browser.accessibility_problems(running, base, places.root, addresses, [reader])

    gates: dict[str, Gate] = {
        **{f"axe, {scheme}, {width} px": axe((scheme, width)) for scheme, width in browser.READERS},
        "weight": lambda running: browser.weight_problems(running, base, addresses, weights),
        f"a screen of {browser.NARROW} px": lambda running: browser.narrow_problems(running, base, addresses),
        "keyboard": lambda running: keys.keyboard_problems(running, base, figure),
    }
    with ThreadPoolExecutor(max(1, len(os.sched_getaffinity(0)))) as pool:
        jobs = {pool.submit(_in_own_browser, gate): name for name, gate in gates.items()}
        for job in as_completed(jobs):
            _tell(report, jobs[job], job.result(), say)
    heaviest = max(weights, key=lambda page: weights[page])
    report.lines.append(f"Heaviest page: /book/{heaviest}, {weights[heaviest]} KiB without images")


def _in_own_browser(gate: Gate) -> list[Problem]:
    with browser.browser() as running:
        return list(gate(running))


def _tell(report: Report, name: str, found: list[Problem], say: Say) -> None:
    """Add what a gate found, and say it at once: the whole check takes minutes."""
    report.add(found)
    say(f"{name}: {counted(len(found), 'problem') if found else 'no problems'}")
    for problem in sorted(set(found)):
        say(f"  {problem}")


def with_figure(site: Path, addresses: list[str]) -> str | None:
    """Return the first lesson with a live figure that has a slider; None when there is none."""
    for page in addresses:
        text = (site / page / "index.html").read_text(encoding="utf-8")
        if page.startswith("lessons/") and DRAWN_FIGURE.search(text):
            return page
    return None


def samples(site: Path, addresses: list[str]) -> list[str]:
    """Return the first page, a lesson (one with a live figure if there is any) and the newest programme."""
    lesson = with_figure(site, addresses) or next(
        (page for page in addresses if page.startswith("lessons/")), ""
    )
    programmes = [page for page in addresses if page.startswith("summer-school/2")]
    return list(dict.fromkeys(["", lesson, *programmes[-1:]]))
