"""What every request needs: places, settings, courses, database, templates, and who is signed in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from jinja2 import Environment
from jupyterhub.services.auth import HubOAuth
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import Course
from tpc_grader.desk.intake import Intake

from tpc_hub.settings.profile import Settings
from tpc_hub.web.session.idleness import Servers


@dataclass
class Campus:
    """The service's state, one per process."""

    places: Places
    settings: Settings
    courses: Mapping[str, Course]
    templates: Environment
    hub_api: str
    token: str
    auth: HubOAuth
    # What the hub was told of each person's groups in our courses.
    groups: dict[str, frozenset[str]] = field(default_factory=dict)
    # When each person's sign-ins ended last, as far as this process asked.
    signed_out: dict[str, dt.datetime | None] = field(default_factory=dict)
    # When each student's server was last started ahead, by the monotonic clock.
    warmed: dict[str, float] = field(default_factory=dict)
    servers: Servers = field(default_factory=Servers)
    # Opened by the first request that needs it.
    intake: Intake | None = None
