"""Valid HTML, by the Nu HTML checker that the W3C uses. It needs Java; where there is none, a note says so."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tpc_courses.base.problems import Problem

from tpc_book.gates.report import Report, shown

JAR = Path("node_modules") / "vnu-jar" / "build" / "dist" / "vnu.jar"


def check_markup(report: Report, site: Path, root: Path, pages: Sequence[str]) -> None:
    """Add every error in the HTML of `pages` to the report."""
    java, jar = shutil.which("java"), root / JAR
    if java is None:
        report.notes.append(
            "HTML was not checked: there is no java. On Debian: apt install default-jre-headless."
        )
        return
    if not jar.exists():
        report.notes.append(f"HTML was not checked: there is no {JAR}. Run `npm ci --ignore-scripts`.")
        return
    files = [str(site.resolve() / page / "index.html") for page in pages]
    command = [java, "-Xss1024k", "-jar", str(jar), "--format", "json", "--errors-only", "--stdout", *files]
    done = subprocess.run(command, capture_output=True, text=True)
    messages = json.loads(done.stdout or '{"messages": []}')["messages"]
    if done.returncode and not messages:
        raise RuntimeError(
            f"The HTML checker ended with code {done.returncode}: {done.stderr.strip()[-500:]}"
        )
    report.add(_problem(message, site) for message in messages)


def _problem(message: dict[str, object], site: Path) -> Problem:
    path = Path(str(message["url"]).removeprefix("file:")).parent
    page = path.relative_to(site.resolve()).as_posix()
    where = f"line {message.get('lastLine', '?')}: {' '.join(str(message.get('extract', '')).split())[:120]}"
    remedy = "Correct the renderer in tpc_book.render.nodes or the template"
    return Problem(
        shown("" if page == "." else f"{page}/"), where, str(message["message"]).rstrip("."), remedy
    )
