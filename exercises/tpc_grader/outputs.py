"""Checks what a sandbox says a cell put out: known types of known size, sanitised, nothing that runs or hides."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

import nh3

from tpc_grader.limits import Limits

TEXTS = ("text/plain", "text/markdown", "text/latex")
IMAGES = ("image/png", "image/jpeg")
# Marks that turn the direction of text could make a line read as another; control characters move the cursor.
_HIDING = re.compile(
    "[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]"
)
_ESCAPE = re.compile("\x1b(?!\\[[0-9;]{0,16}m)")
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]++=*+\s*+")
_MAGIC = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}


def clean_outputs(outputs: Any, limits: Limits) -> list[dict[str, Any]]:
    """Return the outputs of one cell that may be shown, as nbformat has them; the rest is left out."""
    if not isinstance(outputs, list):
        return []
    kept, size = list[dict[str, Any]](), 0
    for output in outputs[: limits.outputs_per_cell + 2]:
        cleaned = _clean(output) if isinstance(output, dict) else None
        if cleaned is None:
            continue
        size += _size(cleaned)
        if size > limits.output_cell_bytes + 2**16:
            break
        kept.append(cleaned)
    return kept


def clean_text(text: str) -> str:
    """Return text with every character that hides or moves others shown as its number."""
    text = text.encode("utf-8", "replace").decode()
    return _ESCAPE.sub("", _HIDING.sub(lambda found: f"<U+{ord(found[0]):04X}>", text))


def _clean(output: dict[str, Any]) -> dict[str, Any] | None:
    kind = output.get("output_type")
    if kind == "stream" and output.get("name") in ("stdout", "stderr"):
        return {
            "output_type": "stream",
            "name": output["name"],
            "text": clean_text(str(output.get("text", ""))),
        }
    if kind == "error":
        traceback = output.get("traceback")
        lines = [clean_text(str(line)) for line in traceback[:100]] if isinstance(traceback, list) else []
        name, value = (clean_text(str(output.get(key, "")))[:2000] for key in ("ename", "evalue"))
        return {"output_type": "error", "ename": name, "evalue": value, "traceback": lines}
    if kind in ("display_data", "execute_result") and isinstance(output.get("data"), dict):
        data = _clean_data(output["data"])
        shown: dict[str, Any] = {"output_type": kind, "data": data, "metadata": {}}
        return shown | ({"execution_count": None} if kind == "execute_result" else {}) if data else None
    return None


def _clean_data(data: dict[str, Any]) -> dict[str, Any]:
    kept = {}
    for mime, body in data.items():
        if not isinstance(body, str):
            continue
        if mime in TEXTS:
            # HTML in Markdown is cleaned when it is drawn: here a formula's "<" would be taken for a tag.
            kept[mime] = clean_text(body)
        elif mime == "text/html":
            kept[mime] = nh3.clean(clean_text(body))
        elif is_image(mime, body):
            kept[mime] = body
    return kept


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
