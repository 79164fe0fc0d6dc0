"""EPUB 3 of a volume: chapters as XHTML, pictures inside, formulas as MathML, links that work without the network."""

from __future__ import annotations

import datetime as dt
import mimetypes
import uuid
import zipfile
from pathlib import Path

from tpc_courses.base.tokens import resolved

from tpc_book.downloads.volumes import Chapter, Volume, chapters, media
from tpc_book.theme.page import Edition, templates

NAMESPACE = uuid.UUID("6f1c7c0e-2f43-4d0b-9a58-4b5b8a3b7f10")
PACKED_ALREADY = {".png", ".jpg", ".jpeg", ".webp", ".woff2"}
CONTAINER = """<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="EPUB/content.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>
"""


def write_epub(edition: Edition, volume: Volume, file: Path, cover: bytes = b"") -> int:
    """Write a volume as EPUB, replaced when complete; return its number of chapters.

    `cover` is a PNG. Raises ChapterError.
    """
    parts = list(chapters(edition, volume))
    pictures = sorted({name for part in parts for name in part.files})
    style = resolved((edition.theme / "static" / "epub.css").read_text(encoding="utf-8"))
    new, frame = file.with_suffix(".new"), templates(edition.theme).get_template
    files: dict[str, str | bytes] = {
        # Readers look at the first bytes: this file comes first and is not packed.
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "EPUB/content.opf": _package(edition, volume, parts, pictures, bool(cover)),
        "EPUB/nav.xhtml": frame("nav.xhtml").render(
            title=volume.title, subtitle=volume.subtitle, language="en", parts=parts
        ),
        "EPUB/book.css": style,
        **({"EPUB/cover.png": cover} if cover else {}),
        **{f"EPUB/{part.name}.xhtml": frame("chapter.xhtml").render(vars(part)) for part in parts},
        **{f"EPUB/build/{name}": (media(edition) / name).read_bytes() for name in pictures},
    }
    with zipfile.ZipFile(new, "w") as archive:
        for name, data in files.items():
            packs = name != "mimetype" and Path(name).suffix not in PACKED_ALREADY
            # Without the time of day, so that equal books are equal files.
            archive.writestr(
                zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED if packs else zipfile.ZIP_STORED
            )
    new.replace(file)
    return len(parts)


def _package(edition: Edition, volume: Volume, parts: list[Chapter], pictures: list[str], cover: bool) -> str:
    """Return the list of all files with their kinds, and the order in which they are read."""
    kinds = {
        part.name: " ".join(
            kind for mark, kind in (("<math", "mathml"), ("<svg", "svg")) if mark in part.html
        )
        for part in parts
    }
    typed = [(name, mimetypes.guess_type(name)[0] or "application/octet-stream") for name in pictures]
    return (
        templates(edition.theme)
        .get_template("package.opf")
        .render(
            id=uuid.uuid5(NAMESPACE, f"{edition.book_url}/{volume.name}"),
            volume=volume,
            today=dt.datetime.now(dt.UTC).date(),
            cover=cover,
            parts=parts,
            kinds=kinds,
            pictures=typed,
        )
    )
