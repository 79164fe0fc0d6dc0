"""Whether a receipt holds: by the campus's signature, and by what the campus still has."""

from __future__ import annotations

import hashlib
from pathlib import Path
from zoneinfo import ZoneInfo

from tpc_courses.base.local_time import in_zone
from tpc_courses.base.places import Places

from tpc_grader.submissions.receipts import (
    Receipt,
    ReceiptError,
    private_key,
    read_public_key,
    read_receipt,
    verify,
)
from tpc_grader.submissions.store import Store, Submission


def check_receipt(places: Places, text: str | bytes) -> Receipt:
    """Return the receipt when this campus signed it and still has every byte of it; raises ReceiptError."""
    receipt = read_receipt(text)
    verify(receipt, private_key(places).public_key())
    try:
        submission = Store(places).get(receipt.submission)
    except KeyError as e:
        raise ReceiptError(
            "The signature holds, but the campus has no such submission: its database is older than the receipt. "
            "Show the receipt to your instructor; it stays valid."
        ) from e
    if submission.receipt != receipt:
        raise ReceiptError("The signature holds, but the campus noted another receipt for this submission.")
    lost = [file.name for file in submission.files if not _is_whole(submission, file.sha256)]
    if lost:
        raise ReceiptError(f"The signature holds, but the campus lost these files: {', '.join(lost)}.")
    return receipt


def check_receipt_with_key(key_file: Path, text: str | bytes) -> Receipt:
    """Return the receipt when it was signed with a campus's key; needs no campus. Raises ReceiptError."""
    receipt = read_receipt(text)
    verify(receipt, read_public_key(key_file.read_bytes()))
    return receipt


def summary(receipt: Receipt, zone: ZoneInfo | None = None) -> str:
    """Return what a receipt proves, in one sentence; with a course's time zone also in its time."""
    exact = f"{receipt.received_at:%Y-%m-%d %H:%M:%S} UTC"
    when = f"on {in_zone(receipt.received_at, zone)} ({exact})" if zone else f"at {exact}"
    names = ", ".join(file.name for file in receipt.files)
    return (
        f"{receipt.student} handed in {names} for {receipt.exercise} of {receipt.course} "
        f"(version {receipt.version}) {when}, receipt {receipt.code}."
    )


def _is_whole(submission: Submission, sha256: str) -> bool:
    file = next(file for file in submission.files if file.sha256 == sha256)
    path = submission.path(file)
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256
