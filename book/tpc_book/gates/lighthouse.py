"""Lighthouse on a phone: how fast, accessible and sound a few pages are, as Google's tool sees them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tpc_courses.base.problems import Problem

from tpc_book.gates.browser import chromium_path
from tpc_book.gates.report import Report, shown

PROGRAM = Path("node_modules") / "lighthouse" / "cli" / "index.js"
LEAST = {"performance": 95, "accessibility": 100, "best-practices": 100, "seo": 100}
# Other work on the machine only makes a page look slower, so the best of some runs counts.
TRIES = 3
Scores = Mapping[str, int]


def check_scores(report: Report, base: str, root: Path, pages: Sequence[str]) -> None:
    """Add to the report each page that scores less than it must, and the scores of all."""
    if not (root / PROGRAM).exists() or shutil.which("node") is None:
        report.notes.append("Lighthouse was not run: it is not installed. Run `npm ci --ignore-scripts`.")
        return
    for page in pages:
        scores = best_scores(root, base + page)
        told = "/".join(str(scores[name]) for name in LEAST)
        report.lines.append(f"Lighthouse, phone, {shown(page)}: {told}")
        report.add(problems(page, scores))


def best_scores(root: Path, url: str) -> Scores:
    """Return the best scores of up to three runs, by category, from 0 to 100."""
    best = dict.fromkeys(LEAST, 0)
    for _ in range(TRIES):
        scores = lighthouse(root, url)
        best = {name: max(best[name], scores[name]) for name in LEAST}
        if all(best[name] >= least for name, least in LEAST.items()):
            break
    return best


def lighthouse(root: Path, url: str) -> Scores:
    """Return the scores of one run for a phone; raises RuntimeError when Lighthouse fails."""
    command = [
        "node",
        str(root / PROGRAM),
        url,
        "--output=json",
        "--quiet",
        f"--only-categories={','.join(LEAST)}",
    ]
    flags = "--chrome-flags=--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage"
    environment = os.environ | {"CHROME_PATH": chromium_path()}
    done = subprocess.run([*command, flags], capture_output=True, text=True, env=environment, timeout=300)
    if done.returncode:
        raise RuntimeError(f"Lighthouse failed on {url}: {done.stderr.strip()[-500:]}")
    categories = json.loads(done.stdout)["categories"]
    return {name: round(100 * (categories[name]["score"] or 0)) for name in LEAST}


def problems(page: str, scores: Scores) -> Iterator[Problem]:
    """Yield a problem for each category in which a page scores less than it must."""
    for name, least in LEAST.items():
        if scores[name] < least:
            remedy = f"See `npx lighthouse` on this page, category {name}"
            yield Problem(shown(page), f"Lighthouse {name}", f"is {scores[name]}, less than {least}", remedy)
