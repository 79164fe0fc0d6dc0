"""What the theme itself says, by language: `book/theme/strings.<language>.yml`; English where one is silent."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

import yaml

# How a language names itself, for the link that leads to it.
OWN_NAMES = {
    "en": "English",
    "de": "Deutsch",
    "es": "Español",
    "fr": "Français",
    "it": "Italiano",
    "pt": "Português",
}
# Words that the script needs.
FOR_SCRIPT = ("nothing_found", "found", "copy", "copied", "python_here")


@functools.cache
def words(theme: Path, language: str) -> Mapping[str, str]:
    """Return the strings of a language tag such as `de` or `de-AT`."""
    known: dict[str, str] = yaml.safe_load((theme / "strings.en.yml").read_text(encoding="utf-8"))
    own = theme / f"strings.{language.split('-')[0]}.yml"
    if own.exists():
        known |= yaml.safe_load(own.read_text(encoding="utf-8"))
    return known


def own_name(language: str) -> str:
    return OWN_NAMES.get(language.split("-")[0], language)
