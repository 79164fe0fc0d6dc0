"""Settings to a running JupyterHub, and the campus service."""

import importlib.util
import sys
from pathlib import Path

import tpc_kernels  # noqa: F401 first, for what it leaves out

_missing = [name for name in ("click", "jupyterhub", "nbgrader") if importlib.util.find_spec(name) is None]
if _missing:
    _remedy = (
        f"{', '.join(_missing)} not installed: this needs the extra `hub`. Run: pip install 'tpc-campus[hub]'"
    )
    if Path(sys.argv[0]).stem == "campus":
        sys.exit(_remedy)
    raise ImportError(_remedy)
