"""nbgrader's formgrader as this campus offers it: for grading by hand, and for nothing that the campus does elsewhere.

A Jupyter server extension that takes the place of nbgrader's own. Its server serves nothing else: no notebooks, no
terminals, no files, since whoever may grade a course may not therefore run code with the campus's rights.
"""

from __future__ import annotations

from typing import Any

# Who is signed in, and cookies; not contents, files, kernels, sessions.
SERVED = ("api", "auth", "security")


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Tell Jupyter's server where the extension is."""
    return [{"module": "tpc_hub.formgrading"}]


def _link_jupyter_server_extension(server: Any) -> None:
    """Choose what the server serves, before it does."""
    server.default_services = SERVED


def _load_jupyter_server_extension(server: Any) -> None:
    """Load the formgrader."""
    from tpc_hub.formgrading.extension import load

    load(server)
