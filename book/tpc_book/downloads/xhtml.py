"""HTML of our pages as XHTML for paper and e-book readers: well formed, without what only a script would move."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from html.parser import HTMLParser

VOID = {"area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
DROPPED = {"script", "style", "template", "button", "input", "select", "video"}
DROPPED_CLASSES = {"run-here", "anchor", "folded"}
# KaTeX writes each formula twice: as MathML, and as boxes that need its style sheet.
BOXES, MATHML = "katex-html", "katex-mathml"
KEPT_ATTRIBUTES = {
    *(
        "id",
        "class",
        "href",
        "src",
        "alt",
        "title",
        "lang",
        "style",
        "colspan",
        "rowspan",
        "scope",
        "value",
        "start",
    ),
    *("open", "type", "aria-label", "aria-hidden", "datetime"),
}
Address = Callable[[str, str], str]
NAMESPACES = {"svg": "http://www.w3.org/2000/svg", "math": "http://www.w3.org/1998/Math/MathML"}
# HTML reads names in lower case; XML does not forgive it.
CASED = {
    name.lower(): name
    for name in (
        *(
            "viewBox",
            "preserveAspectRatio",
            "gradientUnits",
            "gradientTransform",
            "markerWidth",
            "markerHeight",
        ),
        *(
            "refX",
            "refY",
            "textLength",
            "lengthAdjust",
            "clipPathUnits",
            "pathLength",
            "patternUnits",
            "markerUnits",
        ),
        *("linearGradient", "radialGradient", "clipPath", "textPath"),
    )
}


def as_xhtml(
    html: str, address: Address = lambda name, url: url, prefix: str = "", without: str = BOXES
) -> str:
    """Return HTML as XHTML; `address(attribute, url)` is asked for each link and picture, `prefix` begins each id.

    Of the two forms of a formula the one `without` is left out.

    >>> as_xhtml('<p id="a">1 < 2<br><a href="#a">up</a></p>', prefix="x--")
    '<p id="x--a">1 &lt; 2<br/><a href="#x--a">up</a></p>'
    """
    writer = _Writer(address, prefix, without)
    writer.feed(html)
    writer.close()
    return "".join(writer.parts)


class _Writer(HTMLParser):
    def __init__(self, address: Address, prefix: str, without: str) -> None:
        super().__init__(convert_charrefs=True)
        self.address, self.prefix, self.dropped = address, prefix, DROPPED_CLASSES | {without}
        self.parts: list[str] = []
        self.open: list[str] = []
        self.dropped_at: int | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if self.dropped_at is None and (tag in DROPPED or self.dropped & set(given.get("class", "").split())):
            self.dropped_at = len(self.open)
        if self.dropped_at is None:
            self.parts.append(self._tag(tag, given))
        if tag in VOID:
            if self.dropped_at == len(self.open):
                self.dropped_at = None
        else:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.open:
            return
        while self.open:
            name = self.open.pop()
            if self.dropped_at is None:
                self.parts.append(f"</{'a' if name == 'iframe' else CASED.get(name, name)}>")
            elif self.dropped_at == len(self.open):
                self.dropped_at = None
            if name == tag:
                return

    def handle_data(self, data: str) -> None:
        if self.dropped_at is None:
            self.parts.append(escape(data, quote=False))

    def _tag(self, tag: str, given: dict[str, str]) -> str:
        if tag == "iframe":  # a page within the page is a link to it
            source, title = given.get("src", ""), given.get("title", "")
            return f'<a href="{escape(self.address("href", source))}">{escape(title or source)}'
        if tag == "details":
            given["open"] = "open"
        drawing = bool({"svg", "math"} & {tag, *self.open})
        kept = {name: value for name, value in given.items() if self._is_kept(name, drawing)}
        if tag in NAMESPACES:
            kept = {
                "xmlns": NAMESPACES[tag],
                **{name: value for name, value in kept.items() if name != "xmlns"},
            }
        text = "".join(
            f' {CASED.get(name, name)}="{escape(self._value(name, value))}"' for name, value in kept.items()
        )
        return f"<{CASED.get(tag, tag)}{text}{'/' if tag in VOID else ''}>"

    @staticmethod
    def _is_kept(name: str, drawing: bool) -> bool:
        if drawing:
            return not name.startswith(("on", "data-", "xml")) and name not in {"tabindex", "role"}
        return name in KEPT_ATTRIBUTES

    def _value(self, name: str, value: str) -> str:
        if name == "id":
            return f"{self.prefix}{value}"
        if name in {"href", "src"} and value.startswith("#"):
            return f"#{self.prefix}{value[1:]}"
        if "url(#" in value:
            return value.replace("url(#", f"url(#{self.prefix}")
        return self.address(name, value) if name in {"href", "src"} else value
