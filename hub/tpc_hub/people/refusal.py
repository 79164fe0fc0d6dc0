"""Why a request about people is refused. It stands alone, so that a command need not load the database to name it."""

from __future__ import annotations


class PeopleError(ValueError):
    """A refused request about people, in words for the person who made it.

    `field` is what in a form it is about, by its name; `status` is the HTTP status that says so.
    """

    def __init__(self, message: str = "", field: str = "", status: int = 400) -> None:
        super().__init__(message)
        self.field, self.status = field, status
