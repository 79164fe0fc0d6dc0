"""Numbers of things, in words."""

from __future__ import annotations


def counted(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun.

    >>> counted(1, "submission"), counted(2, "submission"), counted(0, "person", "people")
    ('1 submission', '2 submissions', '0 people')
    """
    return f"{count} {one if count == 1 else many or one + 's'}"
