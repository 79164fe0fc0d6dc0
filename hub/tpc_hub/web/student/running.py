"""What runs in a person's server and until when it is kept, as the campus page shows it to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from tpc_grader.database.engine import utcnow

from tpc_hub.web.api.servers import kept_server
from tpc_hub.web.session.identity import Visitor
from tpc_hub.web.session.state import Campus
from tpc_hub.web.session.times import duration, in_zone


def running(campus: Campus, who: Visitor, server: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return what a page says of a server that works or is about to be stopped; None of any other."""
    if server is None:  # the hub did not answer at once: what was heard last will do
        server = campus.servers.running.get(who.name)
    if not server or not server.get("ready") or server.get("pending"):
        return None
    kept, report = kept_server(campus, who.name, server)
    work = report.work if report else ()
    if not work and utcnow() < kept.notice_from:
        return None
    zone = next((campus.courses[each].zone for each in who.roles if each in campus.courses), ZoneInfo("UTC"))
    until = kept.limit if work else kept.until
    return {
        "work": [(what, in_zone(since, zone)) for what, since in work],
        "until": in_zone(until, zone),
        "exact": until.isoformat(),
        "longer": duration(campus.settings.limits.busy_hours * 3600),
    }
