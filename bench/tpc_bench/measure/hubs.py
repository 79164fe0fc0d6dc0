"""Two hubs on this machine: ours as configured here, and JupyterHub as it comes, for comparison."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psutil
from tpc_courses.base.places import Places
from tpc_hub.deploy.build import build
from tpc_hub.deploy.up import stop_leftovers
from tpc_hub.engines import engine_for
from tpc_hub.settings.profile import Settings, load_settings

from tpc_bench.measure.seat import Seat, browser

READY_SECONDS = 90
CAMPUS_READY_SECONDS = 180
# What `campus up` prints, in the state folder.
SCREEN = "screen.txt"
# The service that asks for servers; each side gives it the same rights.
_SERVICE = """
c.JupyterHub.services = [*c.JupyterHub.services, {{"name": "bench", "api_token": "{token}"}}]
c.JupyterHub.load_roles = [*c.JupyterHub.load_roles, {{
    "name": "bench", "services": ["bench"], "scopes": ["admin:users", "admin:servers", "access:servers"]
}}]
"""
_STOCK = """
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{hub_port}"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.ConfigurableHTTPProxy.command = ["{root}/node_modules/.bin/configurable-http-proxy"]
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = "{folder}/homes/{{username}}"
c.Spawner.args = {arguments}
c.JupyterHub.authenticator_class = "null"
c.JupyterHub.services, c.JupyterHub.load_roles = [], []
"""
_OURS = """
from tpc_courses.sources.manifest import load_courses
from tpc_courses.base.places import Places
from tpc_hub.deploy.configure import configure
from tpc_hub.settings.profile import load_settings
places = Places.find()
configure(c, load_settings(places), load_courses(places), places)
"""


@dataclass
class Hub:
    """A running hub, and an HTTP session that may start and use anybody's server."""

    name: str
    url: str
    roots: tuple[psutil.Process, ...]  # all its processes descend from these
    session: aiohttp.ClientSession

    async def add_person(self, name: str) -> None:
        """Make an account."""
        async with self.session.post(f"{self.url}/hub/api/users/{name}") as answer:
            answer.raise_for_status()

    async def start_server(self, name: str) -> Seat:
        """Ask for a person's server and return when it is ready; raises RuntimeError when it fails."""
        address = f"{self.url}/hub/api/users/{name}"
        async with self.session.post(f"{address}/server") as answer:
            if answer.status not in (201, 202):
                raise RuntimeError(f"{name}: {answer.status} {(await answer.text())[:200]}")
        if answer.status == 202:
            await self._follow(f"{address}/server/progress", name)
        async with self.session.get(address) as answer:
            model = await answer.json()
        server = model["servers"][""]
        return Seat(self.session, server.get("full_url") or f"{self.url}{server['url']}")

    async def stop_server(self, name: str) -> None:
        """Stop a person's server and return when it is gone."""
        address = f"{self.url}/hub/api/users/{name}"
        async with self.session.delete(f"{address}/server") as answer:
            answer.raise_for_status()
        while True:
            async with self.session.get(address) as answer:
                if not (await answer.json())["servers"]:
                    return
            await asyncio.sleep(0.1)

    async def _follow(self, address: str, name: str) -> None:
        async with self.session.get(address) as stream:
            async for line in stream.content:
                event = json.loads(line[5:]) if line.startswith(b"data:") else {}
                if event.get("failed"):
                    raise RuntimeError(f"{name}: {event['message'][:200]}")
                if event.get("ready"):
                    return
        raise RuntimeError(f"{name}: the hub stopped telling about the server")


@contextmanager
def own_campus(places: Places, port: int) -> Iterator[tuple[int, psutil.Process, dict[str, str]]]:
    """Run `campus up` on a state folder; gives its port, its process and the class codes."""
    screen = places.state / SCREEN
    ours = {"CAMPUS_ROOT": places.root, "CAMPUS_STATE": places.state, "CAMPUS_PORT": port}
    environment = os.environ | {name: str(value) for name, value in ours.items()} | {"PYTHONUNBUFFERED": "1"}
    with open(screen, "wb") as output:
        command = [sys.executable, "-m", "tpc_hub.cli", "up"]
        # Ctrl-C is for who measures: they end the campus, which would else be told twice.
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        deadline = time.monotonic() + CAMPUS_READY_SECONDS
        while "Stop with" not in screen.read_text():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The campus did not start:\n{screen.read_text()[-2000:]}")
            time.sleep(0.5)
        codes = dict(re.findall(r"(\S+)\s+class code (\S+)", screen.read_text()))
        yield port, psutil.Process(process.pid), codes
    finally:
        # Not SIGINT, which may be ignored until `campus up` listens.
        process.terminate()
        try:
            process.wait(90)
        except subprocess.TimeoutExpired:
            process.kill()
            stop_leftovers(places)


@asynccontextmanager
async def both_hubs(root: Places, folder: Path, port: int) -> AsyncIterator[tuple[Hub, Hub]]:
    """Run stock JupyterHub and ours, on ports from `port` upwards, with all state in `folder`."""
    token = secrets.token_hex(16)
    with ExitStack() as stack:
        stock_roots = stack.enter_context(_stock(root, folder / "stock", port + 10, token))
        our_roots, url = stack.enter_context(_ours(root, folder / "ours", port, token))
        async with browser(token) as session:
            stock = Hub("stock", f"http://127.0.0.1:{port + 10}", stock_roots, session)
            ours = Hub("ours", url, our_roots, session)
            for hub in (stock, ours):
                await _await_hub(hub, folder / hub.name / "hub.log")
            yield stock, ours


@contextmanager
def _stock(root: Places, folder: Path, port: int, token: str) -> Iterator[tuple[psutil.Process, ...]]:
    (folder / "homes").mkdir(parents=True)
    config = _STOCK.format(
        port=port,
        hub_port=port + 1,
        proxy_port=port + 2,
        root=root.root,
        folder=folder,
        arguments=["--allow-root"] if os.getuid() == 0 else [],
    )
    with _hub(folder, "c = get_config()\n" + config + _SERVICE.format(token=token), dict(os.environ)) as hub:
        yield (hub,)


@contextmanager
def _ours(
    root: Places, folder: Path, port: int, token: str
) -> Iterator[tuple[tuple[psutil.Process, ...], str]]:
    folder.mkdir(parents=True)
    places = Places(root.root, folder)
    settings = Settings.model_validate(load_settings(places).model_dump() | {"port": port})
    for each in (places.hub_dir, places.logs, places.homes):
        each.mkdir(parents=True)
    build(places, lambda line: None)
    environment = os.environ | {
        "CAMPUS_ROOT": str(places.root),
        "CAMPUS_STATE": str(folder),
        "CAMPUS_INSTANCE": str(folder),
        "CAMPUS_PORT": str(port),
    }
    try:
        engine_for(settings).prepare(settings, places)
        prepared = _processes_of(folder)
        with _hub(folder, "c = get_config()\n" + _OURS + _SERVICE.format(token=token), environment) as hub:
            yield (hub, *prepared), settings.url
    finally:
        stop_leftovers(places)


def _processes_of(folder: Path) -> list[psutil.Process]:
    """Return the processes that name the folder as their campus."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("CAMPUS_INSTANCE") == str(folder):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


@contextmanager
def _hub(folder: Path, config: str, environment: dict[str, str]) -> Iterator[psutil.Process]:
    path = folder / "bench_config.py"
    path.write_text(config)
    command = [sys.executable, "-m", "jupyterhub", "-f", str(path)]
    with open(folder / "hub.log", "wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield psutil.Process(process.pid)
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a hub and everything below it."""
    below = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
    for each in below:
        if each.is_running():
            each.kill()
    psutil.wait_procs(below, timeout=10)


async def _await_hub(hub: Hub, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            async with hub.session.get(f"{hub.url}/hub/health") as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.2)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-10:])
    raise RuntimeError(f"{tail}\nThe {hub.name} hub did not answer in {READY_SECONDS} s at {hub.url}.")


def free_ports(count: int = 20) -> int:
    """Return the first of `count` free ports in a row."""
    for first in range(33_000, 60_000, count):
        with ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise RuntimeError(f"There are no {count} free ports in a row between 33000 and 60000. Stop something.")
