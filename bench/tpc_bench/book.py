"""Build time, weight, requests and Lighthouse of the book: Jupyter Book 1 and ours, on the same pages."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import socket
import statistics
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from tpc_book.engine.project import Project
from tpc_book.gates import browser
from tpc_book.gates.lighthouse import best_scores
from tpc_book.gates.served import served
from tpc_book.site.build import publish
from tpc_book.site.live import serve
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import load_courses

from tpc_bench.measure import stock_book
from tpc_bench.measure.figures import machine, ratio

CAMPUS_URL = "http://hub.localhost:8000/services/campus"
LINKED = ("hub", "node_modules", "exercises", "pyproject.toml", "CITATION.cff")
SHOWN_SECONDS, STOP_SECONDS, SETTLE_SECONDS = 120, 30, 6
Say = Callable[[str], None]


def bench_book(places: Places, pages: int = 60, say: Say = print) -> dict[str, Any]:
    """Return what both books cost to build and to read; nothing is executed on either side."""
    program = stock_book.ensure_program(places.state / "bench" / f"jupyter-book-{stock_book.VERSION}", say)
    with tempfile.TemporaryDirectory(prefix="campus-bench-", dir=places.state) as folder:
        own = padded(places, Path(folder), pages)
        ours, stock = _ours(own, say), _stock(own, program, Path(folder) / "stock", say)
        ours["reading"] = _reading(places.root, own.site.resolve(), _our_pages(own), say)
        stock["reading"] = _reading(places.root, stock.pop("site"), _stock_pages(own), say)
    keys = ("first_build_seconds", "processor_seconds", "changed_page_seconds")
    both = {key: ratio(stock[key], ours[key]) for key in keys}
    for name in ("first page", "lesson"):
        both[f"{name}: KiB"] = ratio(stock["reading"][name]["kib"], ours["reading"][name]["kib"])
    return {"benchmark": "book", "machine": machine(), "ours": ours, "stock": stock, "ratio": both}


def padded(places: Places, folder: Path, pages: int) -> Places:
    """Return a campus with this one's book and runs, and copies of lessons until there are `pages` pages."""
    own = Places(folder / "root", folder / "state")
    for name in ("courses", "notebooks", "book"):
        shutil.copytree(places.root / name, own.root / name)
    for name in LINKED:
        if (places.root / name).exists():
            (own.root / name).symlink_to(places.root / name)
    if places.runs.exists():
        shutil.copytree(places.runs, own.runs)
    project = Project(own, load_courses(own), CAMPUS_URL)
    project.write()
    missing = pages - len(list(project.folder.rglob("*.md"))) - len(project.slugs) + _parts(project)
    slugs = itertools.islice(itertools.cycle(project.slugs), max(0, missing))
    copies = [_copy(own, slug, number) for number, slug in enumerate(slugs)]
    if copies:
        course = {
            "id": "copies",
            "title": "Copies of lessons",
            "summary": "Lessons once more, to fill the book.",
        }
        units = [{"lesson": slug} for slug in copies]
        (own.courses / "copies.yml").write_text(yaml.safe_dump({**course, "units": units}), encoding="utf-8")
    return own


def _parts(project: Project) -> int:
    return len(list((project.folder / "parts").glob("*.md")))


def _copy(own: Places, slug: str, number: int) -> str:
    """Copy a lesson with what it put out; return the slug of the copy."""
    copy = f"{slug}-copy-{number}"
    shutil.copyfile(own.lesson(slug), own.notebooks / f"{copy}.md")
    for suffix in (".ipynb", ".json"):
        if (own.runs / f"{slug}{suffix}").exists():
            shutil.copyfile(own.runs / f"{slug}{suffix}", own.runs / f"{copy}{suffix}")
    return copy


def _ours(own: Places, say: Say) -> dict[str, Any]:
    project = Project(own, load_courses(own), CAMPUS_URL)
    shutil.rmtree(own.state / "book", ignore_errors=True)
    # With EPUBs, cards and all else that a published book has.
    first = _timed(lambda: publish(project))
    _save(own, "A sentence before the second build.")
    again = Project(own, load_courses(own), CAMPUS_URL)
    second = _timed(lambda: publish(again))["first_build_seconds"]
    changed = saved_to_shown_seconds(own)
    say(f"ours: built in {first}, with one page changed in {second} s, a saved page shown after {changed} s")
    pages = len(list(own.site.resolve().rglob("index.html")))
    return {"pages": pages, **first, "second_build_seconds": second, "changed_page_seconds": changed}


def saved_to_shown_seconds(own: Places) -> float:
    """Return the time from saving a page to reading it, while `campus book serve` runs; a median of five.

    The next page is saved when all of the last one has settled.
    """
    port, stop = free_pair(), threading.Event()
    serving = threading.Thread(
        target=serve, args=(own, CAMPUS_URL, port, lambda line: None, stop), daemon=True
    )
    serving.start()
    try:
        address = f"http://localhost:{port}/about/"
        _until_shown(address, "<h1")
        return round(statistics.median(_saved_to_shown(own, address, number) for number in range(5)), 2)
    finally:
        stop.set()
        serving.join(STOP_SECONDS)


def _saved_to_shown(own: Places, address: str, number: int) -> float:
    time.sleep(SETTLE_SECONDS)
    start = time.monotonic()
    _save(own, f"Sentence {number} more.")
    _until_shown(address, f"Sentence {number} more.")
    return time.monotonic() - start


def _save(own: Places, sentence: str) -> None:
    page = own.book / "content" / "about.md"
    page.write_text(f"{page.read_text(encoding='utf-8')}\n{sentence}\n", encoding="utf-8")


def _until_shown(address: str, words: str) -> None:
    until = time.monotonic() + SHOWN_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=20) as answer:
            if words in answer.read().decode():
                return
        time.sleep(0.05)
    raise RuntimeError(f"{address} does not show {words!r} after {SHOWN_SECONDS} s.")


def free_pair() -> int:
    """Return a port that is free together with the one above it."""
    for _ in range(100):
        with socket.socket() as one, socket.socket() as two:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            with contextlib.suppress(OSError, OverflowError):
                two.bind(("127.0.0.1", port + 1))
                return port
    raise RuntimeError("There are no two free ports.")


def _stock(own: Places, program: Path, folder: Path, say: Say) -> dict[str, Any]:
    project = Project(own, load_courses(own), CAMPUS_URL)
    pages = stock_book.write_sources(project.folder, folder)
    built: list[tuple[Path, int]] = []
    first = _timed(lambda: built.append(stock_book.build(program, folder)))
    say(f"Jupyter Book 1: built in {first} s")
    page = folder / "about.md"
    page.write_text(page.read_text(encoding="utf-8") + "\nOne sentence once more.\n", encoding="utf-8")
    changed = _timed(lambda: built.append(stock_book.build(program, folder)))["first_build_seconds"]
    say(f"Jupyter Book 1: with one page changed in {changed} s")
    site, warnings = built[0]
    times = {**first, "changed_page_seconds": changed}
    return {"version": stock_book.VERSION, "pages": pages, **times, "warnings": warnings, "site": site}


def _timed(action: Callable[[], object]) -> dict[str, float]:
    """Return the time that a build took, and that of processors, which other work on the machine changes less."""
    start, before = time.monotonic(), _processor_seconds()
    action()
    spent = {
        "first_build_seconds": time.monotonic() - start,
        "processor_seconds": _processor_seconds() - before,
    }
    return {name: round(value, 2) for name, value in spent.items()}


def _processor_seconds() -> float:
    return sum(os.times()[:4])


def _our_pages(own: Places) -> dict[str, str]:
    return {"first page": "", "lesson": f"lessons/{_lesson(own)}/"}


def _stock_pages(own: Places) -> dict[str, str]:
    return {"first page": "index.html", "lesson": f"lessons/{_lesson(own)}.html"}


def _lesson(own: Places) -> str:
    return load_courses(own)[-1].lessons[-1]


def _reading(root: Path, site: Path, pages: dict[str, str], say: Say) -> dict[str, Any]:
    """Return what each page loads, and its scores; both sites come packed from the same server."""
    found = {}
    with served(site) as base, browser.browser() as running:
        for name, page in pages.items():
            found[name] = _loads(running, base, page)
            found[name]["lighthouse"] = dict(best_scores(root, base + page))
            say(f"{site.parent.name}/{page}: {found[name]}")
    return found


def _loads(running: Any, base: str, page: str) -> dict[str, Any]:
    """Return weight and requests of a page for a new reader; nothing outside answers."""
    with browser.visitor(running, base) as reader:
        loaded = {"kib": 0.0, "requests": 0, "outside_requests": 0}
        tab = reader.context.new_page()
        tab.route(lambda url: not url.startswith(base), lambda route: route.abort())

        def count(request: Any) -> None:
            loaded["requests" if request.url.startswith(base) else "outside_requests"] += 1

        def weigh(answer: Any) -> None:
            loaded["kib"] += int(answer.headers.get("content-length") or 0) / 1024

        tab.on("request", count)
        tab.on("response", weigh)
        tab.goto(base + page, wait_until="networkidle")
    return {**loaded, "kib": round(loaded["kib"])}
