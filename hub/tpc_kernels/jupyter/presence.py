"""An extension of a person's Jupyter server: tells the campus what works here and when its person did something.

The campus decides what follows from it, and when it stops the server; what it has to say about that is shown
in JupyterLab (`tpc_hub/lab`), which asks here.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from typing import Any

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.web import authenticated

from tpc_kernels.jupyter.working import Lookout

MOST_WORK = 20
# What JupyterLab asks of a kernel beside running a cell: answered while a cell runs, on threads and channels of their
# own, it would have jupyter_server take the kernel for idle.
BESIDE_CELLS = (
    *("usage_request", "create_subshell_request", "delete_subshell_request", "list_subshell_request"),
    *("comm_open", "comm_msg", "comm_close", "complete_request", "inspect_request", "is_complete_request"),
    "history_request",
)
ANSWER_SECONDS = 20


class Presence:
    """What this server has told the campus, and was told."""

    def __init__(self, app: Any, url: str, every: float) -> None:
        self.lookout, self.log = Lookout(app), app.log
        self.url, self.every = url, every
        self.person = time.time()
        self.told: dict[str, Any] = {}
        self._failed = False

    async def keep_telling(self) -> None:
        """Report for ever; a campus that does not answer is asked again."""
        while True:
            try:
                await self.report()
                self._failed = False
            except Exception as e:  # whatever goes wrong once must not end it
                if not self._failed:
                    self.log.warning("The campus was not told what runs here: %s", e)
                self._failed = True
            await asyncio.sleep(self.every)

    async def report(self) -> None:
        """Tell what works now, with times as seconds that have passed: nobody's clock matters."""
        work, now = await self.lookout.look(), time.time()
        body = {
            "person_ago": max(0, now - self.person),
            "worked_ago": max(0, now - self.lookout.worked),
            "work": [{"what": each.what, "ago": max(0, now - each.since)} for each in work[:MOST_WORK]],
        }
        headers = {
            "Authorization": f"Bearer {os.environ.get('JUPYTERHUB_API_TOKEN', '')}",
            "Content-Type": "application/json",
        }
        request = HTTPRequest(
            self.url, "POST", headers, json.dumps(body), request_timeout=ANSWER_SECONDS, connect_timeout=5
        )
        self.told = json.loads((await AsyncHTTPClient().fetch(request)).body)


class PresenceHandler(APIHandler):
    """What JupyterLab asks (GET), and how it says that its person did something (POST)."""

    @property
    def presence(self) -> Presence:
        found: Presence = self.settings["campus_presence"]
        return found

    @authenticated
    async def get(self) -> None:
        """Return what the campus said last, and how often to ask."""
        self._answer()

    def _answer(self) -> None:
        told, campus = self.presence.told, os.environ.get("CAMPUS_URL", "")
        self.finish(json.dumps({**told, "every": self.presence.every, "campus": f"{campus}/"}))

    @authenticated
    async def post(self) -> None:
        """Note that the person is here, and ask the campus anew."""
        self.presence.person = time.time()
        try:
            await self.presence.report()
        except Exception as e:  # it is told again soon
            self.log.warning("The campus was not told that somebody works here: %s", e)
        self._answer()


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(app: Any) -> None:
    url = os.environ.get("CAMPUS_PRESENCE_URL")
    if not url:
        app.log.info("No campus to tell what runs here")
        return
    app.kernel_manager.untracked_message_types = [*app.kernel_manager.untracked_message_types, *BESIDE_CELLS]
    presence = Presence(app, url, float(os.environ["CAMPUS_PRESENCE_SECONDS"]))
    app.web_app.settings["campus_presence"] = presence
    address = url_path_join(app.base_url, "tpc-campus", "presence")
    app.web_app.add_handlers(".*$", [(address, PresenceHandler)])
    app.io_loop.add_callback(presence.keep_telling)
