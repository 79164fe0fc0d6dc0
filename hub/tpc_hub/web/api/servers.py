"""People's servers say what runs in them, people keep them, and those that are idle are stopped."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import httpx
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from tpc_grader.database.engine import utcnow

from tpc_hub.people import people
from tpc_hub.people.people import KeptServer
from tpc_hub.web.api.intake import KnownCaller
from tpc_hub.web.session.identity import PREFIX, FormVisitor, campus_of
from tpc_hub.web.session.idleness import Kept, Report, Said, kept, report_of
from tpc_hub.web.session.state import Campus
from tpc_hub.web.session.times import duration

PAGE = 100
LOST = "Files are kept, what is in memory is not."
log = logging.getLogger(__name__)
router = APIRouter()


@router.post("/servers/presence", tags=["servers"])
async def presence(request: Request, who: KnownCaller, said: Said) -> dict[str, str]:
    """Note what a person's server says of itself, and return what its JupyterLab shows them."""
    campus, now = campus_of(request), utcnow()
    campus.servers.reports[who.name] = report_of(said, now)
    return {"notice": notice(campus, who.name, now)}


@router.post("/keep", include_in_schema=False)
async def keep(request: Request, who: FormVisitor) -> Response:
    """Keep the person's server from now on as if they had just worked in it."""
    with people.transaction(campus_of(request).places) as session:
        session.merge(KeptServer(person=who.name, since=utcnow()))
    return RedirectResponse(f"{PREFIX}/#running", status_code=303)


def kept_server(campus: Campus, name: str, server: Mapping[str, Any]) -> tuple[Kept, Report | None]:
    """Return until when a running server is kept, and what it last said of itself."""
    report = campus.servers.reports.get(name)
    with people.session(campus.places) as session:
        pressed = session.get(KeptServer, name)
        since = pressed.since if pressed else None
    return kept(campus.settings.limits, server, report, since), report


def notice(campus: Campus, name: str, now: dt.datetime) -> str:
    """Return what a person must know of their server now: that it is about to be stopped, and why."""
    server = campus.servers.running.get(name)
    if server is None:
        return ""
    found, report = kept_server(campus, name, server)
    if now < found.notice_from:
        return ""
    left = duration((found.until - now).total_seconds())
    if not found.limited:
        return f"Nothing runs here and nobody works here: your server stops in {left}. {LOST}"
    works = ", ".join(what for what, _ in report.work) if report else ""
    return f"{works or 'What runs here'} may run no longer: your server stops in {left}. {LOST}"


@asynccontextmanager
async def watching(app: FastAPI) -> AsyncIterator[None]:
    """Stop idle servers while the service runs."""
    task = asyncio.create_task(_keep_stopping(app.state.campus))
    yield
    task.cancel()


async def _keep_stopping(campus: Campus) -> None:
    while True:
        try:
            await stop_idle(campus)
        except Exception as e:  # the hub starts again, a disk is full: it is tried again, for ever
            log.warning("Idle servers were not looked for: %s", e)
        await asyncio.sleep(campus.settings.limits.look_seconds)


async def stop_idle(campus: Campus) -> None:
    """Ask the hub which servers run, and stop those whose time has come."""
    servers, headers = campus.servers, {"Authorization": f"token {campus.token}"}
    async with httpx.AsyncClient(
        base_url=campus.hub_api, timeout=60, headers=headers, trust_env=False
    ) as hub:
        servers.running = {name: server async for name, server in _running(hub)}
        for name in servers.reports.keys() - servers.running.keys():
            del servers.reports[name]
        for name, server in servers.running.items():
            found, _ = kept_server(campus, name, server)
            if utcnow() >= found.until:
                why = "what ran reached its limit" if found.limited else "it was idle"
                log.warning("The server of %s is stopped: %s", name, why)
                await hub.delete(f"/users/{quote(name, safe='')}/server")


async def _running(hub: httpx.AsyncClient) -> AsyncIterator[tuple[str, Mapping[str, Any]]]:
    """Yield the people whose server is ready, with what the hub knows of it."""
    offset = 0
    while True:
        answer = await hub.get("/users", params={"state": "ready", "offset": offset, "limit": PAGE})
        people = answer.raise_for_status().json()
        for each in people:
            server = each.get("servers", {}).get("")
            if server and server.get("ready") and not server.get("pending"):
                yield each["name"], server
        if len(people) < PAGE:
            return
        offset += PAGE
