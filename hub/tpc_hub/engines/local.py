"""The local engine: each person's server in a box of its own on this machine, forked from a preloaded process."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from tpc_courses.base.places import Places
from tpc_kernels.box.quota import MOST_FILES
from tpc_kernels.forkserver.client import ensure, serves
from tpc_kernels.forkserver.probe import probe
from tpc_kernels.jupyter.server import (
    KERNEL_MODULES,
    PRELOAD_ENVIRONMENT,
    SERVER_MODULES,
    SOCKET_VARIABLE,
)

from tpc_hub.settings.profile import Settings

# Where a box shows the home, and what the preloaded process takes for its own: modules note it at import.
HOME = "/home/user"
LONGEST_SOCKET_PATH = 100
PROVISIONER = "tpc-fork-provisioner"


def configure(c: Any, settings: Settings, places: Places) -> None:
    """Select this engine."""
    # Imported by the hub only: whoever asks for the rest of this module needs no JupyterHub.
    from tpc_hub.engines.box_spawner import BoxSpawner

    c.JupyterHub.spawner_class = BoxSpawner
    c.Spawner.env_keep = ["LANG", "LC_ALL", "TZ"]
    c.Spawner.poll_interval = 5  # asking costs nothing here, and a server that died is started again sooner
    c.LocalProcessSpawner.interrupt_timeout = 10
    c.LocalProcessSpawner.term_timeout = 5
    section = c.BoxSpawner
    section.homes = str(places.homes)
    section.runtime = str(runtime_folder(places))
    section.logs = str(_folder(places.logs / "servers"))
    section.visible = ":".join(map(str, (places.hub_dir / "student-config", places.corpus)))
    section.campus_port = str(settings.campus_port)
    section.preloaded = settings.preload
    section.share_network = settings.share_network
    section.tmp_gib = settings.limits.tmp_gib
    section.base_environment = base_environment(places)
    limits = settings.limits
    section.box_limits = {
        "memory_bytes": int(limits.memory_gib * 2**30),
        "cpus": limits.cpus,
        "processes": limits.processes,
        "file_bytes": int(min(limits.file_gib, limits.home_gib or limits.file_gib) * 2**30),
        "home_bytes": int(limits.home_gib * 2**30),
        "open_files": 4096,
    }
    c.Spawner.mem_limit = int(limits.memory_gib * 2**30)
    c.Spawner.cpu_limit = limits.cpus


def prepare(settings: Settings, places: Places) -> None:
    """Start the preloaded process, so that the first sign-in is as fast as the second."""
    if settings.preload:
        path = runtime_folder(places) / "forkserver.sock"
        ensure(path, preloads(), base_environment(places), places.logs / "forkserver.log")


def kernels(settings: Settings, places: Places) -> dict[str, str]:
    """Return what leads the operator's own kernels to the preloaded process; nothing when none serves."""
    path = runtime_folder(places) / "forkserver.sock"
    if not settings.preload or not serves(path):
        return {}
    return {"JUPYTER_DEFAULT_PROVISIONER_NAME": PROVISIONER, SOCKET_VARIABLE: str(path)}


def protections(settings: Settings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is enforced and what is not, in sentences."""
    found, size = probe(), settings.limits.home_gib
    if not found.confined:
        return found.active(), found.missing()
    if not size:
        home = "A home may grow until the disk is full: only the size of each file is limited."
        return found.active(), (*found.missing(), home)
    home = (
        f"A home holds {size:g} GiB or {MOST_FILES:,} files: then only small files can be written, and at twice "
        "that its server ends."
    )
    return (*found.active(), home), found.missing()


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
        "MPLCONFIGDIR": str(_folder(runtime_folder(places) / "matplotlib")),
        "CAMPUS_INSTANCE": str(places.state),
        "CAMPUS_ENGINE": "1",
    }


def runtime_folder(places: Places) -> Path:
    """Return the folder of sockets: in the state folder, or elsewhere when its path is too long for a socket."""
    folder = places.state / "run"
    if len(str(folder)) > LONGEST_SOCKET_PATH - 24:
        digest = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
        folder = Path(tempfile.gettempdir()) / f"tpc-campus-{os.getuid()}-{digest}"
    folder = _folder(folder)
    if folder.stat().st_uid != os.getuid() or folder.is_symlink():
        raise PermissionError(f"{folder}: belongs to somebody else. Remove it, or set CAMPUS_STATE.")
    return folder


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path
