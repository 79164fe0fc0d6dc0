"""Settings to a running JupyterHub, and the campus service."""
