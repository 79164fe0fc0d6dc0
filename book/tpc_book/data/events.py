"""What happens when and where: events and summer schools, with times that mean the same everywhere.

A time stands in the file as the clock at the place shows it, beside the IANA zone of the place. An offset
would not do: it does not say which rules of summer time hold there.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator
from tpc_courses.base.local_time import Unclear, local_moment
from tpc_courses.sources.manifest import Frozen, LessonSlug, Slug

from tpc_book.data.declared import one_line

Title = Annotated[str, AfterValidator(one_line), Field(min_length=3, max_length=120)]
Text = Annotated[str, AfterValidator(one_line), Field(min_length=10, max_length=1200)]
Url = Annotated[str, Field(pattern=r"^(https?://|mailto:)[^\s<>\"]+$")]


def _day_or_moment(value: Any) -> dt.date:
    """Return the date, or date and time without an offset, that a text names."""
    text = value.isoformat() if isinstance(value, dt.date) else str(value)
    try:
        moment = dt.date.fromisoformat(text) if len(text) == 10 else dt.datetime.fromisoformat(text)
    except ValueError as e:
        raise ValueError(f"{text!r} is neither a day like 2027-07-05 nor a time like 2027-07-05T09:00") from e
    if isinstance(moment, dt.datetime) and moment.tzinfo is not None:
        raise ValueError(f"{text!r} has an offset; write the local time and name its zone under time_zone")
    return moment


@functools.cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _zone_name(value: str) -> str:
    if value not in _zones():
        raise ValueError(f"{value!r} is no IANA time zone; use one like Europe/Berlin or America/Chicago")
    return value


DayOrMoment = Annotated[dt.datetime | dt.date, BeforeValidator(_day_or_moment)]
ZoneName = Annotated[str, AfterValidator(_zone_name)]


def not_ahead(value: dt.date) -> dt.date:
    """Return a date, or raise ValueError where it lies in the future; somewhere on Earth it may be tomorrow already."""
    if value > dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1):
        raise ValueError(f"{value} lies in the future")
    return value


class Material(Frozen):
    """Something to read, watch or run: a lesson of ours, or a link."""

    title: Title
    lesson: LessonSlug | None = None
    url: Url | None = None

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Material:
        if (self.lesson is None) == (self.url is None):
            raise ValueError("a material needs either `lesson:` or `url:`")
        return self


class Entry(Frozen):
    """What visitors are told. A fact names its source; what was made up to show the page says `example`."""

    id: str
    title: Title
    summary: Text
    updated: Annotated[dt.date, AfterValidator(not_ahead)]
    example: bool = False
    source: Url | None = None

    @model_validator(mode="after")
    def _is_fact_or_example(self) -> Entry:
        if self.example == (self.source is not None):
            raise ValueError("needs either `source:` (where it is stated) or `example: true` (made up)")
        return self


class Dated(Entry):
    """An entry with a place, a zone and two ends: days (whole, both included) or times."""

    place: Title
    time_zone: ZoneName
    start: DayOrMoment
    end: DayOrMoment

    @field_validator("time_zone", mode="before")
    @classmethod
    def _zone_is_given(cls, value: Any) -> Any:
        if not value:
            raise ValueError("an event needs a time zone, like Europe/Berlin")
        return value

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Dated:
        if isinstance(self.start, dt.datetime) != isinstance(self.end, dt.datetime):
            raise ValueError("start and end must both be days, or both be times")
        for moment in (self.start, self.end):
            if isinstance(moment, dt.datetime):
                refuse_unreal(moment, self.zone)
        if self.ends <= self.begins:
            raise ValueError(f"ends ({self.end}) before it starts ({self.start})")
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def whole_days(self) -> bool:
        return not isinstance(self.start, dt.datetime)

    @property
    def begins(self) -> dt.datetime:
        """The first moment, in UTC."""
        return in_utc(self.start, self.zone)

    @property
    def ends(self) -> dt.datetime:
        """The first moment after it, in UTC."""
        day = dt.timedelta(days=0 if isinstance(self.end, dt.datetime) else 1)
        return in_utc(self.end + day, self.zone)


class Event(Dated):
    """A seminar, a hackathon or another meeting; `speakers` are keys of people.yml."""

    kind: Literal["seminar", "hackathon", "workshop", "conference"]
    speakers: tuple[Slug, ...] = ()
    materials: tuple[Material, ...] = ()
    join: Url | None = None
    cancelled: bool = False


class Session(Frozen):
    """One thing on the programme of a day, in one room."""

    start: dt.time
    end: dt.time
    room: Title
    kind: Literal["talk", "lab", "panel", "break", "social"]
    title: Title
    speakers: tuple[Slug, ...] = ()
    materials: tuple[Material, ...] = ()

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Session:
        if self.start.tzinfo or self.end.tzinfo:
            raise ValueError("write times without an offset; the zone of the school holds")
        if self.end <= self.start:
            raise ValueError(f"ends ({self.end:%H:%M}) before it starts ({self.start:%H:%M})")
        return self

    def overlaps(self, other: Session) -> bool:
        return self.start < other.end and other.start < self.end


class Day(Frozen):
    """One day of a school; `sessions` in any order."""

    date: dt.date
    title: Title
    sessions: Annotated[tuple[Session, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _nothing_collides(self) -> Day:
        if collisions := list(self._collisions()):
            raise ValueError("; ".join(collisions))
        return self

    def _collisions(self) -> Iterator[str]:
        for one, other in combinations(self.sessions, 2):
            if not one.overlaps(other):
                continue
            both = f"{one.title!r} and {other.title!r} overlap"
            if one.room == other.room:
                yield f"{both} in {one.room}"
            for speaker in sorted({*one.speakers} & {*other.speakers}):
                yield f"{both}, {speaker} cannot be in both"

    @property
    def in_order(self) -> list[Session]:
        return sorted(self.sessions, key=lambda session: (session.start, session.end, session.room))


class School(Entry):
    """One edition of the summer school. It keeps its own address when the next one is announced."""

    year: int = Field(ge=2020, le=2100)
    place: Title
    time_zone: ZoneName
    apply: Url | None = None
    apply_by: dt.date | None = None
    days: Annotated[tuple[Day, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _days_are_in_order(self) -> School:
        for before, after in pairwise(day.date for day in self.days):
            if after <= before:
                raise ValueError(f"days are not in order: {after} stands after {before}")
        for day in self.days:
            if day.date.year != self.year:
                raise ValueError(f"{day.date} is not in {self.year}, the year in the name of the file")
            for session in day.sessions:
                for clock in (session.start, session.end):
                    refuse_unreal(dt.datetime.combine(day.date, clock), ZoneInfo(self.time_zone))
        return self

    @property
    def as_event(self) -> Dated:
        """The school as one entry of the calendar."""
        shared = self.model_dump(include={*Entry.model_fields, "place", "time_zone"})
        return Dated(**shared, start=self.days[0].date, end=self.days[-1].date)


def in_utc(moment: dt.date, zone: ZoneInfo) -> dt.datetime:
    """Return a local time, or the first moment of a local day, in UTC."""
    if not isinstance(moment, dt.datetime):
        moment = dt.datetime.combine(moment, dt.time())
    return moment.replace(tzinfo=zone).astimezone(dt.UTC)


def refuse_unreal(moment: dt.datetime, zone: ZoneInfo) -> None:
    """Raise ValueError for a local time that the change to or from summer time skips or repeats."""
    try:
        local_moment(moment, zone)
    except Unclear as e:
        raise ValueError(f"{e}; choose another time") from e
