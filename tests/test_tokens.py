"""The colours: every pair that is read together is readable, in both schemes, by computation (WCAG 2.2 AA)."""

from __future__ import annotations

import re
from itertools import product

import pytest
from campus_tree import REPOSITORY
from tpc_book.tokens import contrast, read_tokens
from tpc_courses.places import Places

TOKENS = read_tokens(Places(REPOSITORY, REPOSITORY / "none"))
SURFACES = ("paper", "panel")
CODE = tuple(name for name in TOKENS if name.startswith("code-"))
# What is read, on what, with the least contrast: 4.5 for text, 3 for signs; more where the look asks for it.
PAIRS = [
    *((text, surface, 4.5) for text, surface in product(("good", "warn", "bad", *CODE), SURFACES)),
    *(("ink", surface, 12.0) for surface in SURFACES),
    *(("quiet", surface, 5.0) for surface in SURFACES),
    ("quiet", "paper", 5.5),
    ("accent", "paper", 6.0),
    ("accent", "panel", 4.5),
    ("on-accent", "accent", 4.5),
    ("ink", "found", 4.5),
    *((course, surface, 3.0) for course, surface in product(("scaling", "data", "evaluation"), SURFACES)),
]
# It only divides; nothing is read from it.
DECORATION = {"line"}
STYLES = [
    REPOSITORY / "hub" / "tpc_hub" / "static" / "look.css",
    REPOSITORY / "book" / "theme" / "static" / "book.css",
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "surface", "least"), PAIRS)
def test_what_is_read_together_is_readable(text, surface, least, scheme):
    pair = getattr(TOKENS[text], scheme), getattr(TOKENS[surface], scheme)
    assert contrast(*pair) >= least, f"--{text} {pair[0]} on --{surface} {pair[1]}: {contrast(*pair):.2f}"


def test_every_colour_is_in_a_pair():
    assert {name for text, surface, _ in PAIRS for name in (text, surface)} | DECORATION == set(TOKENS)


def test_contrast_is_that_of_the_standard():
    assert contrast("#ffffff", "#ffffff") == 1
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_styles_take_their_colours_from_the_tokens(path):
    text = path.read_text(encoding="utf-8")
    own = {*re.findall(r"--([\w-]+):", text), "width"}  # a diagram says its width itself
    used = set(re.findall(r"var\(--([\w-]+)\)", text))
    assert used <= set(TOKENS) | own, "declared nowhere"
    # Pictures that lessons draw have a white ground of their own.
    assert set(re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[;\s,)])", text)) <= {"#ffffff"}


def test_the_mark_is_the_same_everywhere():
    theme = REPOSITORY / "book" / "theme"
    places = [
        theme / "static" / "mark.svg",
        theme / "templates" / "page.html",
        REPOSITORY / "hub" / "tpc_hub" / "static" / "mark.svg",
    ]
    found = {re.findall(r'<path d="(M3 [^"]+)"', path.read_text(encoding="utf-8"))[0] for path in places}
    assert len(found) == 1
