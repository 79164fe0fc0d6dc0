"""PDF of a volume, printed by the system's Chromium from one page with all chapters."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tpc_book.downloads.volumes import Volume, chapters, media
from tpc_book.theme.page import Edition, templates

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PRINT_SECONDS = 300
ARGUMENTS = (
    *("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"),
    *("--no-first-run", "--no-pdf-header-footer", "--generate-pdf-document-outline"),
)
STYLES = ("book.css", "katex.css", "print.css")


class PdfError(RuntimeError):
    """A PDF could not be printed."""


def browser() -> str | None:
    """Return the system's Chromium; None when there is none."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def print_page(edition: Edition, volume: Volume) -> str:
    """Return a volume as one page: a title, contents, chapters; raises ChapterError."""
    parts = list(chapters(edition, volume, single=True))
    page = templates(edition.theme).get_template("print.html")
    return page.render(volume=volume, parts=parts, styles=STYLES, book_url=edition.book_url)


def write_pdf(edition: Edition, volume: Volume, site: Path, file: Path) -> bool:
    """Print a volume to a file; return whether that was needed: a page that did not change is not printed again.

    `site` is a folder of finished pages, whose styles, fonts and pictures are used. Raises PdfError.
    """
    page = print_page(edition, volume)
    digest = hashlib.sha256(page.encode())
    for name in STYLES:
        digest.update((site / name).read_bytes())
    stamp = file.with_suffix(".sha256")
    if file.exists() and stamp.exists() and stamp.read_text() == digest.hexdigest():
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent) as scratch:
        folder = Path(scratch)
        for path in site.iterdir():
            if (path.is_file() and path.suffix in {".css", ".woff2"}) or path.name == "fonts":
                (folder / path.name).symlink_to(path.resolve())
        (folder / "build").symlink_to(media(edition).resolve())
        (folder / "page.html").write_text(page, encoding="utf-8")
        _print(folder / "page.html", folder / "new.pdf")
        (folder / "new.pdf").replace(file)
    stamp.write_text(digest.hexdigest())
    return True


def _print(page: Path, file: Path) -> None:
    path = browser()
    if path is None:
        raise PdfError("There is no Chromium to print with. On Debian: apt install chromium.")
    # Root cannot have Chromium's sandbox; the page is ours and has no script.
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    profile = f"--user-data-dir={page.parent / 'profile'}"
    command = [path, *ARGUMENTS, *root, profile, f"--print-to-pdf={file}", page.as_uri()]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PRINT_SECONDS)
    except subprocess.TimeoutExpired as e:
        raise PdfError(f"Chromium did not print in {PRINT_SECONDS} s.") from e
    if done.returncode or not file.exists():
        tail = "\n".join(done.stderr.strip().splitlines()[-3:])
        raise PdfError(f"{tail}\nChromium ended with code {done.returncode} and printed nothing.")
