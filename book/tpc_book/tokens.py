"""The colours of campus pages, book and cards, read from the one file that declares them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tpc_courses.places import Places

DECLARED = re.compile(r"--([\w-]+):\s*light-dark\((#[0-9a-f]{6}),\s*(#[0-9a-f]{6})\)")
SPLIT_AT = 0.04045


@dataclass(frozen=True)
class Colour:
    """A colour in both schemes, as #rrggbb."""

    light: str
    dark: str


def read_tokens(places: Places) -> Mapping[str, Colour]:
    """Return name -> colour, without the dashes in front."""
    path = places.root / "hub" / "tpc_hub" / "static" / "tokens.css"
    found = DECLARED.findall(path.read_text(encoding="utf-8"))
    return {name: Colour(light, dark) for name, light, dark in found}


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2, section 1.4.3).

    >>> contrast("#000000", "#ffffff")
    21.0
    """
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    """Return the relative luminance of sRGB, 0 to 1."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= SPLIT_AT else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
