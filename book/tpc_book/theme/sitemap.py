"""What search engines read: the list of pages with their languages, and where that list is."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence

SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
XHTML = "http://www.w3.org/1999/xhtml"


def sitemap_xml(pages: Mapping[str, Sequence[tuple[str, str]]]) -> str:
    """Return a sitemap of absolute addresses; `pages` is address -> (language, address) of the page in each language.

    >>> "<loc>http://a.test/b/</loc>" in sitemap_xml({"http://a.test/b/": []})
    True
    """
    ET.register_namespace("", SITEMAP)
    ET.register_namespace("xhtml", XHTML)
    root = ET.Element(f"{{{SITEMAP}}}urlset")
    for address, languages in sorted(pages.items()):
        entry = ET.SubElement(root, f"{{{SITEMAP}}}url")
        ET.SubElement(entry, f"{{{SITEMAP}}}loc").text = address
        for language, other in languages:
            ET.SubElement(entry, f"{{{XHTML}}}link", rel="alternate", hreflang=language, href=other)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def robots_txt(book_url: str) -> str:
    """Return leave to read everything but Python for the browser, which has no text of its own."""
    path = "/" + book_url.partition("://")[2].partition("/")[2]
    return f"User-agent: *\nDisallow: {path}/lite/\n\nSitemap: {book_url}/sitemap.xml\n"
