"""Starts the campus service as JupyterHub runs it: `python -m tpc_hub.campus`."""

import os
from urllib.parse import urlsplit

import uvicorn

from tpc_hub.campus.app import make_app


def main() -> None:
    """Serve on the address that the hub assigned."""
    address = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
    # Forwarded headers come from our own proxy on loopback.
    uvicorn.run(
        make_app(), host=address.hostname or "127.0.0.1", port=address.port or 8003, log_level="warning"
    )


main()
