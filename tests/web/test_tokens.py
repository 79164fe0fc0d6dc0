"""The colours: every pair that is read together is readable, in both schemes, by computation (WCAG 2.2 AA)."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest
from campus_tree import REPOSITORY
from tpc_courses.base.tokens import read_tokens, resolved, tokens_css

TOKENS = read_tokens()
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
DECLARES = {"tokens.css", "fonts.css"}
FOLDERS = ("hub", "book", "courses", "exercises/tpc_grader", "notebooks/tpc_lab")
STYLED = {".css", ".html", ".xhtml", ".tpl", ".svg", ".js", ".mjs", ".py"}
FILES = sorted(
    path
    for folder in FOLDERS
    for path in (REPOSITORY / folder).rglob("*")
    if path.suffix in STYLED and path.name not in DECLARES and "node_modules" not in path.parts
)
# What stands where no style sheet of ours reaches: figures in a notebook, the picture of a browser's tab.
ALONE = ("notebooks/tpc_lab/", "book/theme/static/mark.svg", "hub/tpc_hub/static/mark.svg")
COLOUR = re.compile(
    r"(?<=[\s:,(\"'`])#(?:[0-9a-fA-F]{8}|[0-9a-fA-F]{6}|[0-9a-fA-F]{3,4})(?=[\s;,)}\"'`/!])|\b(?:rgb|hsl)a?\("
)
NAMED = re.compile(
    r"(?:color|background|fill|stroke):\s*(?:white|black|gray|grey|red|green|blue|yellow|orange)\b"
)
LENGTH = r"(\b\d*\.?\d+(?:px|rem|pt))"
SIZE = re.compile(rf"(?:font-size|border-radius):[^;{{}}\"']*?{LENGTH}|\bfont:\s*{LENGTH}")
FAMILY = re.compile(r"(?:font-family|font):(?!\s*(?:inherit\b|[^;]*var\(--(?:sans|mono)\)))[^;}]*")


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2, section 1.4.3)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """Return the relative luminance of sRGB, 0 to 1."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


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


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.suffix == ".css"], ids=lambda path: path.name
)
def test_styles_use_tokens_that_there_are(path):
    text = path.read_text(encoding="utf-8")
    own = {*re.findall(r"--([\w-]+):", text), "width", "course"}  # a diagram and a card say theirs themselves
    assert set(re.findall(r"var\(--([\w-]+)", text)) <= set(re.findall(r"--([\w-]+):", tokens_css())) | own


def literals(path: Path, text: str) -> list[str]:
    """Return the colours, sizes and fonts that a file of ours says by itself."""
    found = [match[0] for match in COLOUR.finditer(text)] + NAMED.findall(text)
    found += [one or other for one, other in SIZE.findall(text)]
    if path.is_relative_to(REPOSITORY) and path.relative_to(REPOSITORY).as_posix().startswith(ALONE):
        series = re.findall(r'colour: "(#\w{6})"', text)  # of Okabe and Ito, in one place
        return [each for each in found if each not in tokens_css() and each not in series]
    return found + (FAMILY.findall(text) if path.suffix != ".py" else [])


def test_colours_sizes_and_fonts_are_those_of_the_tokens():
    assert len(FILES) > 300
    found = {
        str(path.relative_to(REPOSITORY)): literals(path, path.read_text(encoding="utf-8")) for path in FILES
    }
    assert {name: values for name, values in found.items() if values} == {}


@pytest.mark.parametrize(
    "rule",
    [
        "a { color: #123456; }",
        "a{color:#fff}",
        "a { color: white; }",
        "a { background: rgb(1 2 3); }",
        "a { font-size: 12px; }",
        "a { font: 12px/1.5 var(--sans); }",
        "a { font-family: Arial; }",
        "a { font: italic Arial; }",
        "a { border-radius: 50% 3px; }",
    ],
)
def test_a_value_of_its_own_is_refused(rule):
    assert literals(Path("new.css"), rule)
    assert (
        literals(
            Path("new.css"), "a { color: var(--ink); font: var(--text)/1.6 var(--sans); font-size: 0.9em; }"
        )
        == []
    )


def test_readers_that_know_no_variables_get_values():
    css = (REPOSITORY / "book" / "theme" / "static" / "epub.css").read_text(encoding="utf-8")
    assert "var(" not in resolved(css)
    assert (
        resolved("a { color: var(--ink); border-radius: var(--radius) }")
        == "a { color: #1b1f24; border-radius: 6px }"
    )


def test_the_mark_is_the_same_everywhere():
    theme = REPOSITORY / "book" / "theme"
    places = [
        theme / "static" / "mark.svg",
        theme / "templates" / "page.html",
        REPOSITORY / "hub" / "tpc_hub" / "static" / "mark.svg",
    ]
    found = {re.findall(r'<path d="(M3 [^"]+)"', path.read_text(encoding="utf-8"))[0] for path in places}
    assert len(found) == 1
