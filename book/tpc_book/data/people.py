"""Who may be named. A person appears only with recorded consent, and goes when the entry goes.

The key of an entry (`speakers: [m-example]`) is never shown. Where a person cannot be named, because the entry is
gone or consent is missing, ended or does not cover names, pages and feeds say "to be announced".
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator
from tpc_courses.sources.manifest import Frozen

from tpc_book.data.declared import one_line
from tpc_book.data.events import Text, Title, Url, not_ahead

UNNAMED = "to be announced"
Allowed = Literal["name", "affiliation", "about", "link"]


class Consent(Frozen):
    """When a person agreed, how that is recorded, what may be shown, and until when."""

    date: Annotated[dt.date, AfterValidator(not_ahead)]
    record: Title
    allows: Annotated[tuple[Allowed, ...], Field(min_length=1)]
    until: dt.date | None = None

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Consent:
        if self.until is not None and self.until < self.date:
            raise ValueError(f"ends ({self.until}) before it was given ({self.date})")
        return self


class Person(Frozen):
    """A person as people.yml declares them; without `consent` nothing of it is ever shown."""

    id: str
    name: Annotated[str, AfterValidator(one_line), Field(min_length=2, max_length=80)]
    affiliation: Title | None = None
    about: Text | None = None
    link: Url | None = None
    example: bool = False
    consent: Consent | None = None

    def allows(self, what: Allowed, today: dt.date) -> bool:
        """Return whether `what` may be shown; nothing may without the name."""
        consent = self.consent
        if consent is None or (consent.until is not None and today > consent.until):
            return False
        return what in consent.allows and "name" in consent.allows


@dataclass(frozen=True)
class Directory:
    """The people of people.yml, as far as they may be shown on `today`."""

    people: Mapping[str, Person]
    today: dt.date

    def shown(self) -> list[Person]:
        """Return those who may be named, reduced to what they allow, by name."""
        return sorted(filter(None, map(self.find, self.people)), key=lambda person: person.name.casefold())

    def find(self, key: str) -> Person | None:
        """Return a person without what may not be shown, or None."""
        person = self.people.get(key)
        if person is None or not person.allows("name", self.today):
            return None
        fields: tuple[Allowed, ...] = ("affiliation", "about", "link")
        hidden: dict[str, None] = {field: None for field in fields if not person.allows(field, self.today)}
        return person.model_copy(update=hidden)

    def names(self, keys: Iterable[str]) -> list[str]:
        """Return the names to print for keys; those who cannot be named share one "to be announced"."""
        found = [person.name if (person := self.find(key)) else UNNAMED for key in keys]
        return list(dict.fromkeys(found))

    def unnamed(self, keys: Iterable[str]) -> list[str]:
        """Return the keys that pages show as "to be announced"."""
        return [key for key in dict.fromkeys(keys) if self.find(key) is None]


def mentions(people: Iterable[Person], text: str) -> Iterator[tuple[Person, int]]:
    """Yield the people whose names stand in a text, with the line of the first mention."""
    for person in people:
        words = r"\s+".join(map(re.escape, person.name.split()))
        if found := re.search(rf"(?<!\w){words}(?!\w)", text, re.IGNORECASE):
            yield person, text.count("\n", 0, found.start()) + 1
