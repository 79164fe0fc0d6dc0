"""A signed-in student's server: started in the background, so that a lesson opens in seconds, and how it is."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping
from typing import Any

import httpx

from tpc_hub.web.session.identity import Visitor
from tpc_hub.web.session.state import Campus

# A page is loaded often; the hub needs to hear of it once in a while.
QUIET_SECONDS = 60
# A page does not wait longer for a line at its edge.
STATE_SECONDS = 1.0
log = logging.getLogger(__name__)


async def warm_up(campus: Campus, who: Visitor) -> None:
    """Ask the hub to start the person's server; it says 400 when it runs already. Failures are only logged."""
    now = time.monotonic()
    if (
        "student" not in who.roles.values()
        or now - campus.warmed.get(who.name, -QUIET_SECONDS) < QUIET_SECONDS
    ):
        return
    campus.warmed[who.name] = now
    headers = {"Authorization": f"token {campus.token}"}
    try:
        async with httpx.AsyncClient(base_url=campus.hub_api, timeout=60, headers=headers) as hub:
            answer = await hub.post(f"/users/{who.name}/server", json={})
        if answer.status_code not in (201, 202, 400):
            log.warning("The server of %s was not started ahead: %s", who.name, answer.text)
    except httpx.HTTPError as e:
        log.warning("The server of %s was not started ahead: %s", who.name, e)


async def server_of(campus: Campus, who: Visitor) -> Mapping[str, Any] | None:
    """Return what the hub knows of a person's server: nothing of one that is off, None when it does not say at once."""
    headers = {"Authorization": f"token {campus.token}"}
    try:
        async with httpx.AsyncClient(base_url=campus.hub_api, timeout=STATE_SECONDS, headers=headers) as hub:
            answer = await hub.get(f"/users/{who.name}")
        return answer.raise_for_status().json().get("servers", {}).get("") or {}
    except (httpx.HTTPError, ValueError, AttributeError) as e:
        log.warning("The hub did not say how the server of %s is: %s", who.name, e)
        return None


def server_line(campus: Campus, who: Visitor, server: Mapping[str, Any] | None) -> str:
    """Return how a student's server is, in words; empty for others and when nobody knows."""
    if "student" not in who.roles.values() or server is None:
        return ""
    if server and server.get("ready"):
        return "Your JupyterLab is ready."
    if server and server.get("pending") == "stop":
        return "Your JupyterLab is going to sleep. It wakes when you open a lesson; your files are kept."
    if server or time.monotonic() - campus.warmed.get(who.name, -math.inf) >= QUIET_SECONDS:
        return "Your JupyterLab is starting; a lesson that you open waits for it."
    return "Your JupyterLab is asleep. It wakes when you open a lesson; your files are kept."
