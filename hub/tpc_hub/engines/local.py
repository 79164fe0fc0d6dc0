"""The local engine: each person's server in a box of its own on this machine, forked from a preloaded process."""

from __future__ import annotations

from typing import Any

from tpc_courses.base.places import Places
from tpc_kernels.box.quota import MOST_FILES
from tpc_kernels.forkserver.client import ensure, serves
from tpc_kernels.forkserver.probe import probe
from tpc_kernels.jupyter.server import (
    SOCKET_VARIABLE,
)

from tpc_hub.engines.runtime import PROVISIONER, base_environment, preloads, private_folder, runtime_folder
from tpc_hub.settings.profile import Settings


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
    section.logs = str(private_folder(places.logs / "servers"))
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
