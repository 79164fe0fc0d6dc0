"""What servers of the local engine run in: the preloaded process, its environment, its sockets."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path

from tpc_courses.base.places import Places
from tpc_kernels.jupyter.server import KERNEL_MODULES, PRELOAD_ENVIRONMENT, SERVER_MODULES

# Where a box shows the home, and what the preloaded process takes for its own: modules note it at import.
HOME = "/home/user"
LONGEST_SOCKET_PATH = 100
PROVISIONER = "tpc-fork-provisioner"


def preloads() -> tuple[str, ...]:
    """Return the modules that servers, kernels and grading jobs start with."""
    ours = ("tpc_grader.exchange.assignment_list", "tpc_grader.exchange.student", "tpc_courses.pulling.page")
    return (*SERVER_MODULES, *KERNEL_MODULES, *ours)


def base_environment(places: Places) -> dict[str, str]:
    """Return the environment of the preloaded process. Every box can read it: nothing secret."""
    kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TZ") if name in os.environ}
    return {
        **kept,
        **PRELOAD_ENVIRONMENT,
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": HOME,
        "MPLCONFIGDIR": str(private_folder(runtime_folder(places) / "matplotlib")),
        "CAMPUS_INSTANCE": str(places.state),
        "CAMPUS_ENGINE": "1",
    }


def runtime_folder(places: Places) -> Path:
    """Return the folder of sockets: in the state folder, or elsewhere when its path is too long for a socket."""
    folder = places.state / "run"
    if len(str(folder)) > LONGEST_SOCKET_PATH - 24:
        digest = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
        folder = Path(tempfile.gettempdir()) / f"tpc-campus-{os.getuid()}-{digest}"
    folder = private_folder(folder)
    if folder.stat().st_uid != os.getuid() or folder.is_symlink():
        raise PermissionError(f"{folder}: belongs to somebody else. Remove it, or set CAMPUS_STATE.")
    return folder


def private_folder(path: Path) -> Path:
    """Return a folder that only its owner may enter, made where there is none."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path
