"""What every request needs: places, settings, courses, database, templates, and who is signed in."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from jinja2 import Environment
from sqlalchemy import Engine
from tpc_courses.manifest import Course
from tpc_courses.places import Places
from tpc_grader.intake import Intake

from tpc_hub.settings import Settings


@dataclass
class SignedIn:
    """A browser session; lives in memory, after a restart people are signed in again unasked."""

    name: str
    groups: frozenset[str]
    form_token: str = field(default_factory=lambda: secrets.token_urlsafe(24))


@dataclass
class Campus:
    """The service's state, one per process."""

    places: Places
    settings: Settings
    courses: Mapping[str, Course]
    engine: Engine
    templates: Environment
    hub_api: str
    token: str
    sessions: dict[str, SignedIn] = field(default_factory=dict)
    pending: dict[str, tuple[str, str]] = field(default_factory=dict)
    # When each student's server was last started ahead, by the monotonic clock.
    warmed: dict[str, float] = field(default_factory=dict)
    # Opened by the first request that needs it.
    intake: Intake | None = None
