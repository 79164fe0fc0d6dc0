"""Idle servers are stopped, those that work are kept, on a real hub with short patience; nobody's browser is open."""

from __future__ import annotations

import asyncio
import json

import pytest
from campus_tree import give_profile, make_tree
from running_campus import free_ports, running_campus, wait_for
from test_engine_local import Student, running
from tpc_bench.measure.seat import browser

pytestmark = [pytest.mark.hub, pytest.mark.timeout(400)]
PROFILE = """
[limits]
idle_minutes = 0.3
busy_hours = 0.02
"""
# What a student's program may try, with all that a server holds: its token, and the addresses that it can reach.
CLAIMS = """
import http.client, json, os, time, urllib.parse, urllib.request, urllib.error
token = os.environ["JUPYTERHUB_API_TOKEN"]
def ask(url, data, head):
    try:
        return urllib.request.urlopen(urllib.request.Request(url, data, head)).status
    except urllib.error.HTTPError as e:
        return e.code
bearer = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
activity = json.dumps({"last_activity": now, "servers": {"": {"last_activity": now}}}).encode()
hub = ask(os.environ["JUPYTERHUB_API_URL"] + "/users/eve/activity", activity, bearer)
campus = urllib.parse.urlsplit(os.environ["CAMPUS_PRESENCE_URL"])
keep = http.client.HTTPConnection(campus.netloc)
cookie = {"Cookie": f"campus-session={token}", "Content-Type": "application/x-www-form-urlencoded"}
keep.request("POST", "/services/campus/keep", "form_token=x", cookie)
open("tried.json", "w").write(json.dumps([hub, keep.getresponse().status]))
claim = json.dumps({"person_ago": 0, "worked_ago": 0, "work": [{"what": "<b>all</b>", "ago": 0}]}).encode()
while True:
    ask(os.environ["CAMPUS_PRESENCE_URL"], claim, bearer)
    time.sleep(0.5)
"""


@pytest.fixture(scope="module")
def campus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("idle")
    places = make_tree(folder / "root", folder / "state")
    give_profile(places, "hasty", PROFILE)
    with running_campus(places, free_ports(), "--profile", "hasty") as campus:
        yield campus


async def leave_running(student: Student, code: str) -> None:
    """Start a cell, see that it runs, and close the browser."""
    async with browser() as session:
        seat = await student.seat(session)
        kernel = await seat.start_kernel()
        cell = asyncio.ensure_future(seat.run(kernel, f"open('runs', 'w')\n{code}"))
        while not (student.home / "runs").exists():
            await asyncio.sleep(0.2)
        cell.cancel()


async def leave_terminal(student: Student, command: str) -> None:
    """Type a command into a terminal, see that it runs, and close the browser."""
    async with browser() as session:
        seat = await student.seat(session)
        name = (await seat.call("POST", "/api/terminals"))["name"]
        async with session.ws_connect(f"{seat.url}/terminals/websocket/{name}") as channel:
            await channel.send_json(["stdin", f"touch runs; {command}\r"])
            while not (student.home / "runs").exists():
                await asyncio.sleep(0.2)


@pytest.fixture(scope="module")
def left(campus):
    """Students who all closed their browsers; one left nothing to do."""
    found = {name: Student(campus, name) for name in ("silent", "sleeper", "thread", "eve", "plain")}
    busy = "import threading; threading.Thread(target=exec, args=('while True: pass',), daemon=True).start()"

    async def leave() -> None:
        await asyncio.gather(
            leave_running(found["silent"], "import time; time.sleep(900)"),
            leave_terminal(found["sleeper"], "sleep 900"),
            leave_running(found["thread"], busy),
            leave_running(found["eve"], CLAIMS),
            leave_terminal(found["plain"], "true"),
        )

    asyncio.run(leave())
    return found


def test_an_idle_server_is_stopped_and_those_that_work_are_kept(campus, left):
    wait_for(lambda: not running(campus, "plain"), campus.process)
    assert [name for name in left if running(campus, name)] == ["silent", "sleeper", "thread", "eve"]
    assert left["plain"].home.exists()


def test_what_works_keeps_a_server_up_to_its_limit_whatever_it_claims(campus, left):
    for name in ("silent", "sleeper", "thread", "eve"):
        wait_for(lambda name=name: not running(campus, name), campus.process)
    log = (campus.places.logs / "hub.log").read_text()
    for name in ("silent", "sleeper", "thread", "eve"):
        assert f"The server of {name} is stopped: what ran reached its limit" in log
    assert "The server of plain is stopped: it was idle" in log


def test_a_servers_token_neither_reports_to_the_hub_nor_presses_a_button(left):
    assert json.loads((left["eve"].home / "tried.json").read_text()) == [403, 403]
