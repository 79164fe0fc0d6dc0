"""The gates of the book: its pages pass, and each gate finds the fault it is there for."""

from __future__ import annotations

import re
import shutil

import pytest
from book_tree import CAMPUS, make_book_tree
from campus_tree import REPOSITORY, write
from tpc_book.gates import browser, check, files, keys, lighthouse
from tpc_book.gates.markup import check_markup
from tpc_book.gates.report import Report, pages
from tpc_book.gates.served import served
from tpc_book.site.build import build_book

FIGURE = """
```{code-cell} ipython3
from tpc_lab.figures import CountingFigure
CountingFigure()
```
"""


# A word longer than a line, a table wider than a phone with a formula at its far end, a text from right to left.
WIDE = """---
title: Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverordnung
---

| name | second | third | fourth | formula |
|---|---|---|---|---|
| a_long_identifier_without_breaks | several words here | several words here | several words | $\\frac{a}{b}$ |

هذا نص عربي
"""


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    places = make_book_tree(tmp_path_factory.mktemp("gates"))
    lesson = places.lesson("scaling/first-steps")
    write(lesson, lesson.read_text() + FIGURE)
    write(places.book / "content" / "wide.md", WIDE)
    build_book(places, CAMPUS, say=lambda line: None)
    return places


@pytest.fixture(scope="module")
def base(book):
    with served(book.site) as address:
        yield address


@pytest.fixture(scope="module")
def chromium():
    with browser.browser() as running:
        yield running


@pytest.fixture(scope="module")
def samples(book):
    """One page of each kind: the first, a lesson with a live figure, the programme, all elements."""
    found = check.samples(book.site, pages(book.site))
    assert found == ["", "lessons/scaling/first-steps/", "summer-school/2027/"]
    return [*found, "contract/"]


def told(problems):
    return [str(problem) for problem in problems]


# The book passes


def test_links_origins_and_secrets_are_in_order(book):
    assert told(files.link_problems(book.site)) == []
    assert told(files.outside_problems(book.site)) == []
    assert told(files.secret_problems(book.site, book)) == []


def test_all_html_is_valid(book):
    report = Report()
    check_markup(report, book.site, book.root, pages(book.site))
    assert told(report.problems) == []
    assert len(report.notes) == (0 if shutil.which("java") else 1)


def test_one_page_of_each_kind_is_accessible(book, base, chromium, samples):
    assert told(browser.accessibility_problems(chromium, base, book.root, samples)) == []


def test_pages_are_light(book, base, chromium, samples):
    weights: dict[str, int] = {}
    assert told(browser.weight_problems(chromium, base, samples, weights)) == []
    assert set(weights) == set(samples)
    assert min(weights.values()) > 50, "styles and fonts were counted"


def test_every_page_fits_a_narrow_screen(book, base, chromium):
    assert told(browser.narrow_problems(chromium, base, pages(book.site))) == []


def test_search_and_figures_work_by_keyboard(base, chromium):
    assert told(keys.keyboard_problems(chromium, base, "lessons/scaling/first-steps/")) == []


def test_lighthouse_finds_no_fault_on_the_first_page(base):
    # How fast a page is depends on what else this machine does: `make book-check` looks at that.
    scores = lighthouse.lighthouse(REPOSITORY, base)
    assert {name: scores[name] for name in ("accessibility", "best-practices", "seo")} == {
        "accessibility": 100,
        "best-practices": 100,
        "seo": 100,
    }


# Each gate finds its fault

FAULTY = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Faulty</title>
<link rel="stylesheet" href="https://outside.example/x.css"></head>
<body><div id="main"><a href="nowhere/">nowhere</a> <a href="#missing">missing</a><p id="twice"></p><p id="twice"></p>
<img src="dot.png"><div style="width: 900px">wide</div><p><div>nested</div></p>
<p>assert double(-1.5) == -3.0, "double must work for negative numbers"</p><p>### BEGIN SOLUTION</p></div>
<script>{weight}</script><script>throw new Error("broken script")</script></body></html>
"""


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    site = tmp_path_factory.mktemp("faulty")
    write(site / "index.html", FAULTY.replace("{weight}", f"/* {random_text(500_000)} */"))
    write(site / "dot.png", "")
    return site


def random_text(length: int) -> str:
    """Return text that does not pack well."""
    import random

    return "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=length))


def test_files_with_faults_are_named(faulty, book):
    links = told(files.link_problems(faulty))
    assert any("nowhere/: leads to no file" in line for line in links)
    assert any("#missing: leads to no such part" in line for line in links)
    assert any("id twice: stands twice" in line for line in links)
    assert any("https://outside.example/x.css" in line for line in told(files.outside_problems(faulty)))
    secrets = told(files.secret_problems(faulty, book))
    assert any("BEGIN SOLUTION" in line for line in secrets)
    assert any("a hidden test of double-" in line for line in secrets)


def test_a_page_with_faults_fails_in_the_browser(faulty, book, chromium):
    with served(faulty) as base:
        found = [
            *told(browser.accessibility_problems(chromium, base, book.root, [""])),
            *told(browser.narrow_problems(chromium, base, [""])),
            *told(browser.weight_problems(chromium, base, [""], {})),
            *told(keys.keyboard_problems(chromium, base, None)),
        ]
    for fault in (
        "image-alt",
        "outside.example/x.css: is asked of another origin",
        "broken script",
        "px wide on a screen of 320",
        "KiB without images",
        "does not reach the link to the text",
    ):
        assert any(fault in line for line in found), fault


def test_invalid_html_is_named_with_its_line(faulty, book):
    report = Report()
    check_markup(report, faulty, book.root, [""])
    assert report.notes or any(re.search(r"/book/: line \d+", line) for line in told(report.problems))


def test_without_java_the_check_says_what_it_left_out(book, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    report = Report()
    check_markup(report, book.site, book.root, [""])
    assert report.problems == []
    assert "HTML was not checked: there is no java" in report.notes[0]


def test_a_low_score_is_a_problem():
    scores = {"performance": 94, "accessibility": 100, "best-practices": 100, "seo": 100}
    assert [problem.found for problem in lighthouse.problems("calendar/", scores)] == ["is 94, less than 95"]
