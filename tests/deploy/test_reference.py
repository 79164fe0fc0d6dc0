"""docs/SETTINGS.md and docs/CLI.md say what the code says."""

from collections.abc import Callable

import pytest
from campus_tree import REPOSITORY
from tpc_hub.cli.reference import commands_page, settings_page


@pytest.mark.parametrize(("name", "page"), [("SETTINGS.md", settings_page), ("CLI.md", commands_page)])
def test_reference_pages_are_as_the_code_is_now(name: str, page: Callable[[], str]) -> None:
    """Write them anew with `make docs`."""
    assert (REPOSITORY / "docs" / name).read_text("utf-8") == page()


def test_every_setting_says_what_it_is_for() -> None:
    rows = [line for line in settings_page().splitlines() if line.startswith("| `")]
    assert len(rows) > 20
    assert [row for row in rows if not row.removesuffix(" |").rpartition("| ")[2].strip()] == []
