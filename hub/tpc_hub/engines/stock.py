"""Student servers as plain processes of the operator's account: for a laptop whose users trust each other."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from jupyterhub.spawner import SimpleLocalProcessSpawner
from tpc_courses.base.places import Places

from tpc_hub.settings.profile import Settings

# Said on the start screen and by `campus doctor`.
NOT_ENFORCED = (
    "Student servers run under the operator's account: students can read each other's files.",
    "The gradebook and all submissions can be read and changed from a student's server.",
    "Memory and CPU limits of student servers are not enforced.",
)


class StockSpawner(SimpleLocalProcessSpawner):
    """JupyterHub's own spawner with homes in the state folder."""

    def make_preexec_fn(self, name: str) -> Any:
        """Make the home private, then return what JupyterHub runs in the child before exec."""
        home = Path(self.home_dir)
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        return super().make_preexec_fn(name)


def configure(c: Any, settings: Settings, places: Places) -> None:
    """Select this engine."""
    c.JupyterHub.spawner_class = StockSpawner
    c.StockSpawner.home_dir_template = str(places.homes / "{username}")
    c.Spawner.mem_limit = int(settings.limits.memory_gib * 2**30)
    c.Spawner.cpu_limit = settings.limits.cpus
    if os.geteuid() == 0:
        c.Spawner.args = ["--allow-root"]


def prepare(settings: Settings, places: Places) -> None:
    """Have nothing ready: each server starts from nothing."""


def kernels(settings: Settings, places: Places) -> dict[str, str]:
    """Return nothing: kernels start as new processes."""
    return {}


def protections(settings: Settings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is enforced and what is not, in sentences."""
    return (), NOT_ENFORCED
