"""The folder through which releases, submissions and feedback pass while nbgrader's stock exchange serves."""

from __future__ import annotations

from pathlib import Path

from tpc_courses.places import Places


def exchange_folder(places: Places) -> Path:
    """Return the exchange."""
    return places.state / "exchange"
