"""Brings lessons into a person's home and keeps what they changed: an extension of their Jupyter server.

Published lessons come by git into a repository that only we touch (`store`). The person's folder is plain files: what
they do there, with git too, is theirs and stops nothing (`pull`).
"""

from __future__ import annotations

from typing import Any

# What a server is told by its environment: where lessons come from, the campus service's address for people, and the
# file of the page that says something before a lesson opens (made by `tpc_hub.deploy.build`).
URL, CAMPUS, PAGE = "CAMPUS_LESSONS_URL", "CAMPUS_URL", "CAMPUS_LESSON_PAGE"


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Tell Jupyter's server where the extension is."""
    return [{"module": "tpc_courses.pulling"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Serve the addresses that open a lesson."""
    from tpc_courses.pulling.page import handlers

    server.web_app.add_handlers(".*$", handlers(server.web_app.settings["base_url"]))
