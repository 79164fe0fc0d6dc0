"""Addresses between pages. Nearly all are relative, so the book works below any path, and from a folder on a disk."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

# The engine puts a hash into the names of files that pages link to.
HASHED = re.compile(r"(.+)-[0-9a-f]{32}(\.\w+)")
OUTSIDE = re.compile(r"[a-z][a-z0-9+.-]*:|//|#", re.IGNORECASE)
# Files that keep their own name at the top of the book, because people subscribe to them.
FEEDS = {".ics", ".xml"}


@dataclass(frozen=True)
class Links:
    """Makes addresses as seen from the page `slug` (`lessons.scaling.x`; the first page is "").

    With `index_files` links name the file of a page, as a browser needs that opens it without a server. A page that
    is shown at any address names the `top` of the book, as a path that ends in a slash.
    """

    slug: str
    index_files: bool = False
    top: str = ""

    @property
    def root(self) -> str:
        """Return the way from this page to the top of the book; ends in a slash, or is empty."""
        return self.top or "../" * (len(self.slug.split(".")) if self.slug else 0)

    def page(self, slug: str, anchor: str = "") -> str:
        """Return the address of a page by its slug."""
        folder = self.root + (slug.replace(".", "/") + "/" if slug else "")
        file = "index.html" if self.index_files else ""
        return (folder + file or "./") + (f"#{anchor}" if anchor else "")

    def file(self, name: str) -> str:
        """Return the address of a file that lies at the top of the book."""
        return self.root + name

    def to(self, url: str) -> str:
        """Return the address for one that the engine wrote: a page `/a/b`, a file `/b-<hash>.png` or outside."""
        if not url or OUTSIDE.match(url) or not url.startswith("/"):
            return url
        path, _, anchor = url.partition("#")
        name = PurePosixPath(path).name
        if "." not in name:
            return self.page(path.strip("/").replace("/", "."), anchor)
        hashed = HASHED.fullmatch(name)
        if hashed and hashed[2] in FEEDS:
            return self.file(f"{hashed[1]}{hashed[2]}")
        return self.file(f"build/{name}")
