"""Commands about receipts."""

from __future__ import annotations

from pathlib import Path

import click
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import load_courses

from tpc_hub.cli.group import main


@main.group()
def receipt() -> None:
    """Check what the campus signed when work was handed in."""


@receipt.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--key", type=click.Path(path_type=Path), help="Public key, PEM.")
def verify(file: Path, key: Path | None) -> None:
    """Say what a receipt proves, or why it does not hold.

    Without --key the campus here is asked: it must have signed the receipt and still have every file of it.

    \b
    Examples:
      campus receipt verify receipts/2027-01-29-165959-K7QF-2M9T.json
      campus receipt verify receipt.json --key campus.pem
    """
    from tpc_grader.submissions.receipt_check import check_receipt, check_receipt_with_key, summary
    from tpc_grader.submissions.receipts import ReceiptError

    text = file.read_bytes()
    try:
        found = check_receipt_with_key(key, text) if key else check_receipt(Places.find(), text)
    except ReceiptError as e:
        raise RuntimeError(f"{file}: {e}") from e
    # A key needs no campus; and a course may be over when its receipts are looked at.
    courses = () if key else load_courses(Places.find())
    zone = next((course.zone for course in courses if course.id == found.course), None)
    click.echo(f"The receipt holds. {summary(found, zone)}")


@receipt.command()
def key() -> None:
    """Print the public key that checks this campus's receipts, PEM.

    \b
    Example:
      campus receipt key > campus.pem
    """
    from tpc_grader.submissions.receipts import public_pem

    click.echo(public_pem(Places.find()), nl=False)
