"""What all end-to-end tests share: a browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser import chromium
from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A running browser; people have pages of their own in it."""
    with chromium() as running:
        yield running
