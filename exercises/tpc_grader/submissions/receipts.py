"""Receipts: what was handed in, when, for which version of an exercise, signed by the campus (Ed25519).

A receipt is a small JSON file. Whoever has the campus's public key can check it without the campus:
the signature covers the canonical JSON (sorted keys, no spaces, ASCII) of all fields but `signature`.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import hashlib
import json
import os
import secrets
from pathlib import Path
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from pydantic import BaseModel, ConfigDict, ValidationError
from tpc_courses.base.places import Places

MAXIMUM_BYTES = 256 * 1024


class ReceiptError(ValueError):
    """A receipt that does not hold, in words for the person who asked."""


class ReceivedFile(BaseModel):
    """One file of a submission: `size` in bytes, `sha256` of its content in hexadecimal."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    size: int
    sha256: str


class Receipt(BaseModel):
    """What the campus signs. `sha256` is that of the list of files, `version` that of the exercise."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["tpc-campus-receipt-1"] = "tpc-campus-receipt-1"
    submission: str
    course: str
    exercise: str
    version: str
    student: str
    received_at: dt.datetime
    sha256: str
    files: tuple[ReceivedFile, ...]
    signature: str = ""

    @property
    def code(self) -> str:
        """Return eight letters and digits that people can read to each other, like `K7QF-2M9T`."""
        digest = base64.b32encode(hashlib.sha256(self.signature.encode()).digest()).decode()
        return f"{digest[:4]}-{digest[4:8]}"

    @property
    def signed_bytes(self) -> bytes:
        """Return what the signature covers."""
        return canonical(self.model_dump(mode="json", exclude={"signature"}))

    def text(self) -> str:
        """Return the receipt as the file a student keeps."""
        return json.dumps(self.model_dump(mode="json"), indent=1) + "\n"


def canonical(value: object) -> bytes:
    """Return the one JSON text of a value: sorted keys, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def content_sha256(files: tuple[ReceivedFile, ...]) -> str:
    """Return the hash of a submission: of the names, sizes and hashes of its files, sorted by name."""
    listed = [file.model_dump() for file in sorted(files, key=lambda file: file.name)]
    return hashlib.sha256(canonical(listed)).hexdigest()


def sign(receipt: Receipt, key: Ed25519PrivateKey) -> Receipt:
    """Return the receipt with its signature."""
    signature = base64.b64encode(key.sign(receipt.signed_bytes)).decode()
    return receipt.model_copy(update={"signature": signature})


def read_receipt(text: str | bytes) -> Receipt:
    """Return the receipt in a file; raises ReceiptError when it is none."""
    if len(text) > MAXIMUM_BYTES:
        raise ReceiptError(f"This file is larger than {MAXIMUM_BYTES // 1024} KiB, so it is no receipt.")
    try:
        return Receipt.model_validate_json(text)
    except (ValidationError, ValueError, RecursionError) as e:
        raise ReceiptError(
            "This is not a receipt of a campus. Expected the JSON file from the folder `receipts` "
            "beside the exercise, unchanged."
        ) from e


def verify(receipt: Receipt, key: Ed25519PublicKey) -> None:
    """Check a receipt against a campus's public key; raises ReceiptError."""
    try:
        key.verify(base64.b64decode(receipt.signature, validate=True), receipt.signed_bytes)
    except (InvalidSignature, ValueError) as e:
        raise ReceiptError(
            "The signature does not hold: the receipt was changed, or another campus signed it."
        ) from e
    if content_sha256(receipt.files) != receipt.sha256:
        raise ReceiptError("The hash does not belong to the listed files.")


def private_key(places: Places) -> Ed25519PrivateKey:
    """Return the campus's signing key, drawn at first use and readable by the operator only."""
    path = places.intake / "receipt-key.pem"
    if not path.exists():
        _draw_key(path)
    key = load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    return key


def public_pem(places: Places) -> str:
    """Return the campus's public key as PEM text."""
    encoded = private_key(places).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return encoded.decode()


def read_public_key(pem: bytes) -> Ed25519PublicKey:
    """Return the public key in a PEM file; raises ReceiptError."""
    try:
        key = load_pem_public_key(pem)
    except ValueError as e:
        raise ReceiptError("The key file holds no PEM public key.") from e
    if not isinstance(key, Ed25519PublicKey):
        raise ReceiptError("The key file holds a key of another kind; expected Ed25519.")
    return key


def _draw_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = path.with_name(f".{secrets.token_hex(4)}.pem")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    # A link appears whole or not at all, and never over a key that another process drew meanwhile.
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
