"""Engines start student servers. Nothing outside this folder may know which one runs.

An engine is a module with `configure(c, settings, places)`, `prepare(settings, places)`,
`kernels(settings, places)`, which returns the variables by which a Jupyter client of the operator gets its
kernels, and `protections(settings)`, which returns what it enforces and what it does not, in sentences.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType

from tpc_courses.base.places import Places
from tpc_kernels.forkserver.probe import probe

from tpc_hub.settings.profile import Settings, load_settings


def engine_for(settings: Settings) -> ModuleType:
    """Return the engine that runs: where no box can be built and everyone is trusted, plain processes."""
    if settings.engine == "local" and settings.trust_everyone and not probe().confined:
        return importlib.import_module("tpc_hub.engines.stock")
    return importlib.import_module(f"tpc_hub.engines.{settings.engine}")


def refusal(settings: Settings) -> str:
    """Return why this engine must not run here, or an empty text."""
    if settings.trust_everyone:
        return ""
    if settings.engine == "stock":
        return "plain processes keep nobody's files from anybody"
    return probe().reason


def kernel_environment(places: Places, say: Callable[[str], None]) -> dict[str, str]:
    """Return the variables that give papermill the running engine's kernels; without one, say so and none."""
    settings = load_settings(places)
    found: dict[str, str] = engine_for(settings).kernels(settings, places)
    if not found:
        say("Kernels start slowly, as new processes: no campus that preloads runs here")
    return found
