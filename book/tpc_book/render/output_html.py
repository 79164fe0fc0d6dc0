"""HTML that notebooks put out, before it is cleaned: tables keep their colours, what plays or loads is named."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser

from tpc_courses.base.tokens import read_tokens

from tpc_book.render.sanitise import clean

_STYLE = re.compile(r"<style\b[^>]*>(.*?)</style>", re.IGNORECASE | re.DOTALL)
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_SIMPLE = re.compile(r"(?P<tag>[a-zA-Z][\w-]*)?(?P<names>(?:[#.][\w-]+)*)")
_MEDIA = re.compile(
    r"<(?P<kind>iframe|video|audio|object|embed)\b(?P<open>[^>]*)>(?:(?P<inside>.*?)</(?P=kind)\s*>)?",
    re.IGNORECASE | re.DOTALL,
)
_SOURCE = re.compile(r"""\b(?:src|data)\s*=\s*(["'])(.*?)\1""", re.IGNORECASE | re.DOTALL)
# What is played from the page itself: nothing is fetched for it.
_OWN = re.compile(r"data:(?:audio|video)/[\w.+-]+;base64,[A-Za-z0-9+/=\s]*")
# A file beside the notebook, which is not beside the page.
_BESIDE = re.compile(r'<a href="(?!(?:https?|mailto):|//|#)[^"]*"')
_SHOWN = re.compile(r"<(?:img|svg|table|progress|meter|math|audio|video|hr)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Element:
    """What selectors ask about: the name, the id and the classes of an element."""

    tag: str
    names: frozenset[str]

    def is_meant(self, part: str) -> bool:
        found = _SIMPLE.fullmatch(part)
        wanted = set(re.findall(r"[#.][\w-]+", found["names"])) if found else set()
        return found is not None and found["tag"] in (None, self.tag) and wanted <= self.names


def shown(html: str, say: Callable[[str, str], str]) -> str:
    """Return cleaned HTML; empty when nothing in it can be seen without its scripts.

    `say(kind, address)` names what cannot stand in a page: an embedded page, a film.
    """
    played: list[str] = []

    def still(found: re.Match[str]) -> str:
        address = _SOURCE.search(found["open"]) or _SOURCE.search(found["inside"] or "")
        source = address[2].strip() if address else ""
        if found["kind"].lower() in {"audio", "video"} and _OWN.fullmatch(source):
            played.append(f'<{found["kind"].lower()} controls src="{source}"></{found["kind"].lower()}>')
            return f"<p>\ue000{len(played) - 1}\ue001</p>"
        return say(found["kind"].lower(), source)

    safe = clean(_MEDIA.sub(still, with_styles(html.replace("\ue000", ""))))
    safe = _BESIDE.sub("<a", safe)
    if not _SHOWN.search(safe) and not re.sub(r"<[^>]*>|\s|&nbsp;", "", safe):
        return ""
    return re.sub("\ue000(\\d+)\ue001", lambda mark: played[int(mark[1])], safe)


def with_styles(html: str) -> str:
    """Return HTML in which the rules of its own style sheets stand at the elements, as far as they name an id.

    So a table keeps its colours, and its styles reach nothing else of the page.
    """
    rules = [
        (selector.split(), declared.strip())
        for sheet in _STYLE.findall(html)
        for selectors, declared in _RULE.findall(re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL))
        for selector in selectors.split(",")
        if "#" in selector and not re.search(r"[:>+~*\[@]", selector)
    ]
    if not rules:
        return html
    writer = _Writer(rules)
    writer.feed(html)
    writer.close()
    return "".join(writer.parts)


class _Writer(HTMLParser):
    def __init__(self, rules: list[tuple[list[str], str]]) -> None:
        super().__init__(convert_charrefs=False)
        self.rules = rules
        self.parts: list[str] = []
        self.open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        names = {f".{name}" for name in given.get("class", "").split()}
        element = Element(tag, frozenset(names | ({f"#{given['id']}"} if given.get("id") else set())))
        if declared := [text for parts, text in self.rules if self._is_meant(parts, element)]:
            given["style"] = _readable("; ".join([*declared, given.get("style", "")]))
            inside = "".join(f' {name}="{escape(value)}"' for name, value in given.items())
            self.parts.append(f"<{tag}{inside}>")
        else:
            self.parts.append(self.get_starttag_text() or "")
        if tag not in {"br", "col", "hr", "img", "input", "wbr"}:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parts.append(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        self.parts.append(f"</{tag}>")
        for index in reversed(range(len(self.open))):
            if self.open[index].tag == tag:
                del self.open[index:]
                return

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def handle_entityref(self, name: str) -> None:
        self.parts.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.parts.append(f"&#{name};")

    def _is_meant(self, parts: list[str], element: Element) -> bool:
        if not element.is_meant(parts[-1]):
            return False
        above = iter(self.open)
        return all(any(one.is_meant(part) for one in above) for part in parts[:-1])


def _readable(style: str) -> str:
    """Return a style in which a coloured ground has the dark ink that notebooks write on it."""
    properties = {name.strip() for name, _, _ in (one.partition(":") for one in style.split(";"))}
    grounded = properties & {"background-color", "background"} and "transparent" not in style
    return (
        f"{style}; color: {read_tokens()['ink'].light}" if grounded and "color" not in properties else style
    )
