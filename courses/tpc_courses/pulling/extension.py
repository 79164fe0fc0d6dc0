"""The extension of a person's Jupyter server that brings lessons.

Published lessons come by git into a repository that only we touch (`store`). The person's folder is plain files: what
they do there, with git too, is theirs and stops nothing (`pull`).
"""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Tell Jupyter's server where the extension is."""
    return [{"module": "tpc_courses.pulling.extension"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Serve the addresses that open a lesson."""
    from tpc_courses.pulling.page import handlers

    server.web_app.add_handlers(".*$", handlers(server.web_app.settings["base_url"]))
