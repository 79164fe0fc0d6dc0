"""Pictures that other sites show for a link to a page, drawn here from the mark, the colours and the page's title."""

from __future__ import annotations

import functools
import io
import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

SIZE = (1200, 630)
MARGIN = 90
LETTERS_A_LINE = 26
Point = tuple[float, float]


def card_png(
    theme: Path, font: Path, title: str, kind: str, site: str, colour: str, colours: Mapping[str, str]
) -> bytes:
    """Return a PNG of 1200 x 630 with the mark, what kind of page it is, its title and the name of the site.

    `font` is a variable font; `colour` is that of the course or the accent, `colours` those of paper, ink and quiet
    text, all as #rrggbb.
    """
    image = Image.new("RGB", SIZE, colours["paper"])
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 24, SIZE[1]), fill=colour)
    for line in mark_lines(theme / "static" / "mark.svg"):
        points = [(MARGIN + x * 4, 70 + y * 4) for x, y in line]
        draw.line(points, fill=colour, width=11, joint="curve")
        for x, y in (points[0], points[-1]):
            draw.ellipse((x - 5, y - 5, x + 5, y + 5), fill=colour)
    draw.text((MARGIN + 120, 92), site, font=_font(font, 40, 650), fill=colours["ink"])
    lines = textwrap.wrap(title, LETTERS_A_LINE)[:4]
    top = 470 - 84 * len(lines)
    draw.text((MARGIN, top - 60), kind, font=_font(font, 34, 450), fill=colours["quiet"])
    for number, text in enumerate(lines):
        draw.text((MARGIN, top + 84 * number), text, font=_font(font, 68, 700), fill=colours["ink"])
    draw.text(
        (MARGIN, 530), "Trillion Parameter Consortium", font=_font(font, 32, 400), fill=colours["quiet"]
    )
    file = io.BytesIO()
    image.quantize(32, Image.Quantize.FASTOCTREE).save(file, "PNG")
    return file.getvalue()


@functools.cache
def _font(path: Path, size: int, weight: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(str(path), size)
    font.set_variation_by_axes([weight])
    return font


def mark_lines(svg: Path) -> list[list[Point]]:
    """Return the strokes of the mark, each as points of its 24 x 24 field; it has straight lines only."""
    found = re.search(r'<path d="([^"]+)"', svg.read_text(encoding="utf-8"))
    if not found:
        raise ValueError(f"{svg}: no path. The mark is one path of straight lines.")
    return [list(_walk(part)) for part in re.findall(r"M[^M]+", found[1])]


def _walk(path: str) -> Iterator[Point]:
    x = y = 0.0
    for command, text in re.findall(r"([MHVhvLl])([-\d. ,]*)", path):
        numbers = [float(number) for number in re.findall(r"-?[\d.]+", text)]
        match command:
            case "M" | "L":
                x, y = numbers
            case "l":
                x, y = x + numbers[0], y + numbers[1]
            case "H":
                x = numbers[0]
            case "h":
                x += numbers[0]
            case "V":
                y = numbers[0]
            case "v":
                y += numbers[0]
        yield x, y
