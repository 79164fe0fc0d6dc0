"""Reads tables of people as spreadsheets and learning platforms write them."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from tpc_hub.people.refusal import PeopleError

DELIMITERS = ",;\t"
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


@dataclass(frozen=True)
class Line:
    """A row of a table: the line of the file at which it begins, and its cells, tidied of outer spaces."""

    number: int
    cells: tuple[str, ...]


def text_of(data: bytes) -> str:
    """Return the text of a file in UTF-8, or in UTF-16 as spreadsheets write it; raises PeopleError."""
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return _decoded(data[len(bom) :], encoding)
    # Without a mark at its beginning, text in UTF-16 has a zero byte beside each plain letter.
    if len(data) > 1 and 0 in data[:2]:
        return _decoded(data, "utf-16-be" if data[0] == 0 else "utf-16-le")
    return _decoded(data, "utf-8")


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as e:
        line = data[: e.start].decode(encoding, "replace").count("\n") + 1
        raise PeopleError(
            f"line {line}: not {encoding.upper()} text. Save the file as CSV in UTF-8 and import it again."
        ) from e


def lines_of(text: str) -> Iterator[Line]:
    """Yield the rows that hold something, split at the sign that the first one uses most: comma, semicolon, tab."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    skipped, delimiter = 0, None
    first, _, rest = text.partition("\n")
    if first.strip().lower().startswith("sep=") and len(first.strip()) == 5:
        text, skipped, delimiter = rest, 1, first.strip()[4]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter or _delimiter(text), strict=True)
    number = 1
    try:
        for cells in reader:
            tidy = tuple(" ".join(cell.split()) for cell in cells)
            if any(tidy):
                yield Line(number + skipped, tidy)
            number = reader.line_num + 1
    except csv.Error as e:
        raise PeopleError(f"line {number + skipped}: not a table ({e}). Save the file as CSV again.") from e


def _delimiter(text: str) -> str:
    """Return the sign that stands most often outside quotes in the first line that is not empty."""
    head = next((line for line in text.split("\n") if line.strip()), "")
    outside = "".join(head.split('"')[::2])
    return max(DELIMITERS, key=outside.count)
