"""Colours, fonts and sizes of campus pages, book, feedback and cards, read from the file that declares them."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Templates include `tokens.css` from here.
LOOK = Path(__file__).parent / "look"
DECLARED = re.compile(r"--([\w-]+):\s*light-dark\((#[0-9a-f]{6}),\s*(#[0-9a-f]{6})\)")
SAME_IN_BOTH = re.compile(r"^  --([\w-]+): (?!light-dark)(.+);$", re.MULTILINE)


@dataclass(frozen=True)
class Colour:
    """A colour in both schemes, as #rrggbb."""

    light: str
    dark: str


def tokens_css() -> str:
    """Return the file as it is."""
    return (LOOK / "tokens.css").read_text(encoding="utf-8")


@functools.cache
def read_tokens() -> Mapping[str, Colour]:
    """Return name -> colour of those that differ between the schemes, without the dashes in front."""
    return {name: Colour(light, dark) for name, light, dark in DECLARED.findall(tokens_css())}


def resolved(css: str) -> str:
    """Return a style sheet with values in the place of tokens, light ones, for readers that know no variables."""
    values = dict(SAME_IN_BOTH.findall(tokens_css())) | {
        name: colour.light for name, colour in read_tokens().items()
    }
    return re.sub(r"var\(--([\w-]+)\)", lambda found: values[found[1]], css)
