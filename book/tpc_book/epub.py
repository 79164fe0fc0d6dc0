"""EPUB 3 of a volume: chapters as XHTML, pictures inside, formulas as MathML, links that work without the network."""

from __future__ import annotations

import datetime as dt
import mimetypes
import uuid
import zipfile
from html import escape
from pathlib import Path

from tpc_book.page import Edition
from tpc_book.volumes import Chapter, Volume, chapters, media

NAMESPACE = uuid.UUID("6f1c7c0e-2f43-4d0b-9a58-4b5b8a3b7f10")
PACKED_ALREADY = {".png", ".jpg", ".jpeg", ".webp", ".woff2"}
AUTHOR = "TPC Campus contributors"
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
    style = (edition.theme / "static" / "epub.css").read_text(encoding="utf-8")
    new = file.with_suffix(".new")
    files: dict[str, str | bytes] = {
        # Readers look at the first bytes: this file comes first and is not packed.
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "EPUB/content.opf": _package(edition, volume, parts, pictures, bool(cover)),
        "EPUB/nav.xhtml": _navigation(volume, parts),
        "EPUB/book.css": style,
        **({"EPUB/cover.png": cover} if cover else {}),
        **{f"EPUB/{part.name}.xhtml": _document(part) for part in parts},
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


def _document(part: Chapter) -> str:
    return _page(part.title, part.language, f'<section id="{part.name}">{part.html}</section>')


def _page(title: str, language: str, body: str) -> str:
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml" '
        f'xmlns:epub="http://www.idpf.org/2007/ops" lang="{language}" xml:lang="{language}">\n'
        f'<head><title>{escape(title)}</title><link rel="stylesheet" href="book.css"/></head>\n'
        f"<body>{body}</body>\n</html>\n"
    )


def _navigation(volume: Volume, parts: list[Chapter]) -> str:
    items = "".join(f'<li><a href="{part.name}.xhtml">{escape(part.title)}</a></li>' for part in parts)
    title = f"<h1>{escape(volume.title)}</h1><p>{escape(volume.subtitle)}</p>"
    return _page(volume.title, "en", f'{title}<nav epub:type="toc"><h2>Contents</h2><ol>{items}</ol></nav>')


def _package(edition: Edition, volume: Volume, parts: list[Chapter], pictures: list[str], cover: bool) -> str:
    """Return the list of all files with their kinds, and the order in which they are read."""
    source = f"{edition.book_url}/{volume.name}"
    today = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT00:00:00Z")
    items = ['<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>']
    items += ['<item id="style" href="book.css" media-type="text/css"/>']
    items += (
        ['<item id="cover" href="cover.png" media-type="image/png" properties="cover-image"/>']
        if cover
        else []
    )
    for part in parts:
        kinds = " ".join(kind for mark, kind in (("<math", "mathml"), ("<svg", "svg")) if mark in part.html)
        properties = f' properties="{kinds}"' if kinds else ""
        items.append(
            f'<item id="{part.name}" href="{part.name}.xhtml" media-type="application/xhtml+xml"{properties}/>'
        )
    for number, name in enumerate(pictures):
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        items.append(f'<item id="picture-{number}" href="build/{escape(name)}" media-type="{kind}"/>')
    spine = "".join(f'<itemref idref="{name}"/>' for name in ["nav", *(part.name for part in parts)])
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="en">\n'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f'<dc:identifier id="id">urn:uuid:{uuid.uuid5(NAMESPACE, source)}</dc:identifier>'
        f"<dc:title>{escape(volume.title)}</dc:title><dc:language>en</dc:language>"
        f"<dc:creator>{AUTHOR}</dc:creator><dc:description>{escape(volume.subtitle)}</dc:description>"
        f"<dc:rights>CC BY 4.0</dc:rights><dc:date>{today[:10]}</dc:date>"
        f'<meta property="dcterms:modified">{today}</meta></metadata>\n'
        f"<manifest>{''.join(items)}</manifest>\n<spine>{spine}</spine>\n</package>\n"
    )
