"""Why a request about people is refused. It stands alone, so that a command need not load the database to name it."""

from __future__ import annotations


class PeopleError(ValueError):
    """A refused request about people, in words for the person who made it."""
