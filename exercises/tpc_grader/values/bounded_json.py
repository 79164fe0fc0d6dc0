"""JSON of a student, or of the process of a student's code: looked at before it is parsed, within bounds.

A few passes over the bytes, each in time proportional to their number, say how many values there are, how deep
they lie and how long the numbers are; so parsing costs no more than it may. What the values mean others check.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

# To its end, or to that of the file, so that no byte is looked at twice; nothing in it is ever tried again.
_TEXT = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.S)
# Shorter ones are no matter, and looking for them would list every number.
_DIGITS = re.compile(rb"[0-9]{20,}+")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


@dataclass(frozen=True)
class Bounds:
    """How much JSON is read: bytes, values (names of members count too), levels, digits of one number."""

    bytes: int = 20 * 2**20
    values: int = 500_000
    depth: int = 100
    digits: int = 4000


BOUNDS = Bounds()


class TooMuch(ValueError):
    """JSON beyond the bounds; the message says what was too much, how much it was and what is allowed.

    `remedy` is what helps a notebook of which this is said.
    """

    def __init__(self, message: str, remedy: str = "Clear its outputs, save it") -> None:
        super().__init__(message)
        self.remedy = remedy


def read_json(data: bytes, bounds: Bounds = BOUNDS, nan: bool = False) -> Any:
    """Return what JSON in UTF-8 says; raises TooMuch, and ValueError when it is no JSON.

    With `nan` numbers that are none are read too, as Python writes them.
    """
    check_json(data, bounds)
    try:
        found: Any = (_READER if nan else _STRICT_READER).decode(data.decode("utf-8-sig"))
        return found
    except RecursionError as e:  # a level of the bounds is far from it, but who calls may be deep already
        raise TooMuch("it is nested too deeply") from e


def in_utf8(data: bytes, bounds: Bounds = BOUNDS) -> bytes:
    """Return JSON in UTF-8 that came in any encoding of Unicode; raises TooMuch, and ValueError when it is no text."""
    encoding = json.detect_encoding(data)
    if encoding.startswith("utf-8") or len(data) > bounds.bytes:
        return data
    return data.decode(encoding).encode()


def check_json(data: bytes, bounds: Bounds = BOUNDS) -> None:
    """Check that JSON is within bounds, whether or not it is JSON; raises TooMuch."""
    if len(data) > bounds.bytes:
        raise TooMuch(f"it is {len(data) / 2**20:,.1f} MiB, at most {bounds.bytes / 2**20:g} MiB are read")
    if len(data) < min(bounds.values, bounds.digits) and data.count(b"[") + data.count(b"{") <= bounds.depth:
        return  # whatever it holds, there is not room for too much: most messages are as short
    bare, texts = _TEXT.subn(b"", data, bounds.values + 1)
    if texts > bounds.values:
        raise TooMuch(
            f"it holds more than {bounds.values:,} texts, at most {bounds.values:,} values are read"
        )
    # Each value but the first follows a bracket, a colon or a comma (an empty list counts as two).
    values = sum(map(bare.count, (b"[", b"{", b":", b","))) + 1
    if values > bounds.values:
        raise TooMuch(f"it holds {values:,} values, at most {bounds.values:,} are read")
    depth = _depth(bare.translate(None, _NOT_BRACKETS))
    if depth > bounds.depth:
        raise TooMuch(f"it is nested {depth:,} deep, at most {bounds.depth} levels are read")
    longest = max(map(len, _DIGITS.findall(bare)), default=0)
    if longest > bounds.digits:
        raise TooMuch(f"it holds a number of {longest:,} digits, at most {bounds.digits:,} are read")


def _depth(brackets: bytes) -> int:
    depth = deepest = 0
    for each in brackets:
        depth += 1 if each in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is not JSON")


# Made once: messages of the sandbox come by the thousand.
_READER, _STRICT_READER = json.JSONDecoder(), json.JSONDecoder(parse_constant=_no_constant)
