"""Starts the campus service as JupyterHub runs it: `python -m tpc_hub.web`."""

import os
from urllib.parse import urlsplit

import uvicorn

from tpc_hub.web.app import make_app

# The proxy keeps idle connections for 5 s, as long as uvicorn by itself: who closes first must not be a race. A
# page that loads itself again every 5 s met it now and then, and stopped at an error of the proxy.
KEEP_ALIVE_SECONDS = 75


def main() -> None:
    """Serve on the address that the hub assigned."""
    address = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
    # Forwarded headers come from our own proxy on loopback.
    uvicorn.run(
        make_app(),
        host=address.hostname or "127.0.0.1",
        port=address.port or 8003,
        log_level="warning",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )


main()
