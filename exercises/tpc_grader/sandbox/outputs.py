"""Checks what a sandbox says a cell put out: known types of known size, sanitised, nothing that runs or hides."""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from typing import Any

import nh3

from tpc_grader.sandbox.limits import Limits

TEXTS = ("text/plain", "text/markdown", "text/latex")
IMAGES = ("image/png", "image/jpeg")
SHOWN = (*TEXTS, "text/html", *IMAGES)
# HTML beyond this is left out, and the text that came with it shown. A table of 60 rows has 2,600 tags.
MAX_HTML_CHARACTERS = 256 * 2**10
MAX_TAGS = 6_000
MAX_ERROR_CHARACTERS = 2000
# The words that say that an output was cut.
_SLACK = 2**16
# Marks that turn the direction of text could make a line read as another; control characters move the cursor.
_HIDING = re.compile(
    "[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]"
)
_ESCAPE = re.compile("\x1b(?!\\[[0-9;]{0,16}m)")
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]++=*+\s*+")
# Control and direction characters, half pairs, unassigned ones, separators of lines and paragraphs.
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_MAGIC = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}


class Cleaner:
    """Cleans the outputs of one run. What all of them may hold together is counted before anything is cleaned."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.outputs, self.characters = limits.outputs, limits.output_total_bytes + _SLACK
        self.tags = limits.html_tags

    def clean(self, outputs: Any) -> list[dict[str, Any]]:
        """Return the outputs of one cell that may be shown, as nbformat has them; the rest is left out."""
        kept, room = list[dict[str, Any]](), min(self.limits.output_cell_bytes + _SLACK, self.characters)
        for output in outputs[: self.limits.outputs_per_cell + 2] if isinstance(outputs, list) else ():
            known = _known(output) if self.outputs else None
            if known is None:
                continue
            came = _size(known)
            if came > room:
                break
            cleaned = self._cleaned(known)
            # Longer than it came where a character that hides others was written out, shorter where tags went.
            size = max(came, _size(cleaned))
            room, self.characters = room - size, self.characters - size
            if room < 0:
                break
            self.outputs -= 1
            kept.append(cleaned)
        return kept

    def _cleaned(self, known: dict[str, Any]) -> dict[str, Any]:
        if "data" not in known:
            return {name: _clean_texts(value) for name, value in known.items()}
        data = dict[str, str]()
        for mime, body in known["data"].items():
            if mime == "text/html":
                tags = body.count("<")
                # The cleaner takes the square of how deep tags lie, and of how many attributes one has.
                if tags <= min(self.tags, MAX_TAGS) and len(body) <= MAX_HTML_CHARACTERS:
                    self.tags -= tags
                    data[mime] = nh3.clean(clean_text(body))
            else:
                # HTML in Markdown is cleaned when it is drawn: here a formula's "<" would be taken for a tag.
                data[mime] = body if mime in IMAGES else clean_text(body)
        return known | {"data": data}


def visible(text: str) -> str:
    """Return a line of text in which every character that is not seen, or moves others, is shown as its number."""
    return "".join(
        f"<U+{ord(each):04X}>" if unicodedata.category(each) in _UNSEEN else each for each in text.strip()
    )


def clean_text(text: str) -> str:
    """Return text with every character that hides or moves others shown as its number."""
    text = text.encode("utf-8", "replace").decode()
    return _ESCAPE.sub("", _HIDING.sub(lambda found: f"<U+{ord(found[0]):04X}>", text))


def _known(output: Any) -> dict[str, Any] | None:
    """Return of an output what is shown of its kind, as it came; None when there is nothing."""
    kind = output.get("output_type") if isinstance(output, dict) else None
    if kind == "stream" and output.get("name") in ("stdout", "stderr"):
        return {"output_type": "stream", "name": output["name"], "text": as_text(output.get("text"))}
    if kind == "error":
        lines = output.get("traceback")
        return {
            "output_type": "error",
            "ename": as_text(output.get("ename"))[:MAX_ERROR_CHARACTERS],
            "evalue": as_text(output.get("evalue"))[:MAX_ERROR_CHARACTERS],
            "traceback": [as_text(line) for line in lines[:100]] if isinstance(lines, list) else [],
        }
    if kind in ("display_data", "execute_result") and isinstance(output.get("data"), dict):
        data = {mime: body for mime in SHOWN if (body := as_text(output["data"].get(mime)))}
        data = {mime: body for mime, body in data.items() if mime not in IMAGES or is_image(mime, body)}
        shown: dict[str, Any] = {"output_type": kind, "data": data, "metadata": {}}
        return shown | ({"execution_count": None} if kind == "execute_result" else {}) if data else None
    return None


def as_text(value: Any) -> str:
    """Return text as it is, and of anything else nothing: to write out what is large takes long."""
    return value if isinstance(value, str) else ""


def _clean_texts(value: Any) -> Any:
    return [clean_text(line) for line in value] if isinstance(value, list) else clean_text(value)


def is_image(mime: Any, body: str) -> bool:
    """Return whether base64, and nothing else, holds a picture of a type that pages show."""
    if mime not in IMAGES or not _BASE64.fullmatch(body):
        return False
    try:
        # The beginning says what it is, and nobody needs the rest.
        return base64.b64decode("".join(body[:64].split())[:16]).startswith(_MAGIC[mime])
    except binascii.Error:
        return False


def _size(output: dict[str, Any]) -> int:
    texts = [*output.get("traceback", []), *output.get("data", {}).values(), output.get("text", "")]
    return sum(map(len, texts))
