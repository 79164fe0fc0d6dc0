"""What programs write to a terminal, as a terminal would show it: pieces joined, lines overwritten, colours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape

COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_STYLE = re.compile(r"\x1b\[([0-9;:]*)m")
# Other orders to a terminal: moves of the cursor, titles, links, one character.
_ORDER = re.compile(
    r"\x1b(?:\[[0-9;?]*[ -/]*[@-ln-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][A-Z0-9]|[@-Z\\^_=>])"
)
_PART = re.compile(r"\x1b\[[0-9;:]*m|.", re.DOTALL)
_ERASE_LINE = re.compile(r"\x1b\[[0-2]?K")
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ON = {"1": "bold", "2": "quiet", "3": "italic", "4": "underline", "7": "reverse", "9": "struck"}
_OFF = {
    "22": ("bold", "quiet"),
    "23": ("italic",),
    "24": ("underline",),
    "27": ("reverse",),
    "29": ("struck",),
}


def settled(text: str) -> str:
    r"""Return what remains on the screen after carriage returns and backspaces; styles stay.

    >>> settled("step 1\rstep 2\nab\b\bX")
    'step 2\nXb'
    """
    text = text.replace("\r\n", "\n")
    if "\r" not in text and "\b" not in text:
        return text
    return "\n".join(map(_line, text.split("\n")))


def _line(text: str) -> str:
    if "\r" not in text and "\b" not in text:
        return text
    cells: list[str] = []
    place, style = 0, ""
    for part in _PART.findall(_ERASE_LINE.sub("\v", text)):
        if part == "\r":
            place = 0
        elif part == "\b":
            place = max(0, place - 1)
        elif part == "\v":
            del cells[place:]
        elif part.startswith("\x1b[") and part.endswith("m"):
            style += part
        else:
            cells[place : place + 1] = [style + part]
            place, style = place + 1, ""
    return "".join(cells) + style


def as_html(text: str) -> str:
    r"""Return terminal text as HTML; colours and styles become classes.

    >>> as_html("\x1b[1;31mno\x1b[0m <b>")
    '<span class="ansi-bold ansi-red">no</span> &lt;b&gt;'
    """
    text = _ORDER.sub("", text)
    styles: list[str] = []
    html, at = [], 0
    for found in _STYLE.finditer(text):
        html.append(_span(text[at : found.start()], styles))
        styles, at = _changed(styles, found[1]), found.end()
    html.append(_span(text[at:], styles))
    return "".join(html)


def _span(text: str, styles: Iterable[str]) -> str:
    shown = escape(_UNSEEN.sub("", text), quote=False)
    names = " ".join(f"ansi-{name}" for name in styles)
    return f'<span class="{names}">{shown}</span>' if names and shown else shown


def _changed(styles: list[str], codes: str) -> list[str]:
    """Return the styles after an order such as `1;31`; a new colour takes the place of the last."""
    now = list(styles)
    numbers = iter(re.split("[;:]", codes) if codes else ["0"])
    for number in numbers:
        code = int(number or 0)
        if code == 0:
            now = []
        elif number in _ON:
            now = [*(name for name in now if name != _ON[number]), _ON[number]]
        elif number in _OFF:
            now = [name for name in now if name not in _OFF[number]]
        elif 30 <= code <= 49 or 90 <= code <= 107:
            ground = "on-" if code // 10 in (4, 10) else ""
            kept = [name for name in now if not _is_colour(name, ground)]
            now = [*kept, *(f"{ground}{name}" for name in _colour(code, numbers))]
    return now


def _is_colour(name: str, ground: str) -> bool:
    return name.startswith("on-") == bool(ground) and name.removeprefix("on-") in COLOURS


def _colour(code: int, rest: Iterator[str]) -> list[str]:
    """Return the name of a colour; one of 256 or of millions that has no name here is dropped, with its numbers."""
    if code % 10 != 8 or code >= 90:
        return [COLOURS[code % 10]] if code % 10 < 8 else []
    if next(rest, "") == "2":
        _ = [next(rest, "") for _ in range(3)]
        return []
    number = next(rest, "")
    return [COLOURS[int(number) % 8]] if number.isdigit() and int(number) < 16 else []
