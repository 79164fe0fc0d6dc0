"""Settings to a running JupyterHub, and the campus service."""

import tpc_kernels  # noqa: F401 first, for what it leaves out
