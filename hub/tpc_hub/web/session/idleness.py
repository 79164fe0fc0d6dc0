"""Until when a person's server is kept.

What a server says of itself is its person's code speaking, and is believed within bounds only. Work that it
reports keeps it for `busy_hours` from the last moment at which its person was surely there: at its start, at
*Keep it running* on the campus page, or at work in JupyterLab while a browser was connected through the proxy.
Students' code reaches neither the proxy nor that button, so it cannot move this limit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from tpc_hub.settings.profile import Limits

# So long before a server is stopped its person is told, unless its patience is short itself.
NOTICE = dt.timedelta(minutes=10)
Ago = Annotated[float, Field(ge=0, le=1e9)]


class SaidWork(BaseModel):
    """Something that a server says it has run for so many seconds."""

    model_config = ConfigDict(extra="forbid")
    what: str = Field(max_length=200)
    ago: Ago


class Said(BaseModel):
    """What a server says: how many seconds ago its person did something, and something last worked."""

    model_config = ConfigDict(extra="forbid")
    person_ago: Ago
    worked_ago: Ago
    work: list[SaidWork] = Field(max_length=50)


@dataclass(frozen=True)
class Report:
    """What a server said, in moments of our own clock; `work` is what runs, each with its beginning."""

    person: dt.datetime
    worked: dt.datetime
    work: tuple[tuple[str, dt.datetime], ...] = ()


@dataclass(frozen=True)
class Kept:
    """Until when a server is kept as things are, until when at most, and from when its person is told."""

    until: dt.datetime
    limit: dt.datetime
    notice_from: dt.datetime

    @property
    def limited(self) -> bool:
        """Return whether what runs does not keep it any longer."""
        return self.until == self.limit


@dataclass
class Servers:
    """What was last heard of servers: from themselves, and from the hub."""

    reports: dict[str, Report] = field(default_factory=dict)
    running: dict[str, Mapping[str, Any]] = field(default_factory=dict)


def report_of(said: Said, now: dt.datetime) -> Report:
    """Return what a server says now, whatever its clock shows."""

    def at(ago: float) -> dt.datetime:
        return now - dt.timedelta(seconds=ago)

    return Report(at(said.person_ago), at(said.worked_ago), tuple((w.what, at(w.ago)) for w in said.work))


def kept(
    limits: Limits, server: Mapping[str, Any], report: Report | None, pressed: dt.datetime | None
) -> Kept:
    """Return until when a server is kept, from what the hub, the server and the campus page know.

    `server` is the hub's: its start, and the last request that came to it through the proxy.
    """
    started = dt.datetime.fromisoformat(server["started"])
    proxied = dt.datetime.fromisoformat(server["last_activity"] or server["started"])
    # Of whom nothing was heard, every request is taken for theirs, as JupyterHub does.
    there = min(report.person, proxied) if report else proxied
    person = max(each for each in (started, there, pressed) if each is not None)
    idle, busy = dt.timedelta(minutes=limits.idle_minutes), dt.timedelta(hours=limits.busy_hours)
    at_rest, limit = max(person, report.worked if report else person) + idle, person + max(idle, busy)
    until = min(at_rest, limit)
    return Kept(until, limit, until - min(NOTICE, (busy if until == limit else idle) / 3))
