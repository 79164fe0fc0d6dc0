"""Figures of a benchmark: percentiles of times, memory of processes, the machine they hold for."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import psutil

MIB = 2**20
_PACKAGES = ("jupyterhub", "jupyterlab", "ipykernel", "jax")


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """Return median, 95th percentile (of few values: between the two largest) and extremes, in seconds."""
    if not seconds:
        return {}
    p95 = statistics.quantiles(seconds, n=20, method="inclusive")[-1] if len(seconds) > 1 else seconds[0]
    named = {"p50": statistics.median(seconds), "p95": p95, "min": min(seconds), "max": max(seconds)}
    return {name: round(value, 3) for name, value in named.items()} | {"count": len(seconds)}


def memory(processes: Iterable[psutil.Process]) -> dict[str, float]:
    """Return what processes hold: private and proportional memory in MiB, and page tables beside it."""
    private = proportional = tables = 0
    for process in processes:
        try:
            found = process.memory_full_info()
            private, proportional = private + found.uss, proportional + found.pss
            tables += _page_tables(process.pid)
        except (psutil.Error, OSError):
            continue
    return {
        "private_mib": private / MIB,
        "proportional_mib": proportional / MIB,
        "page_tables_mib": tables / MIB,
    }


def _page_tables(pid: int) -> int:
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        sizes = [int(line.split()[1]) for line in file if line.startswith("VmPTE")]
    return sum(sizes) * 1024


def descendants(roots: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Return processes with all that descend from them."""
    return [each for root in roots for each in (root, *root.children(recursive=True))]


def ratio(slow: float | None, fast: float | None) -> float | None:
    """Return how many times `fast` goes into `slow`, or None when one is missing."""
    return round(slow / fast, 2) if slow and fast else None


def machine() -> dict[str, Any]:
    """Return what the figures were measured on."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpus": len(os.sched_getaffinity(0)),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "root": os.geteuid() == 0,
        **{name: version(name) for name in _PACKAGES},
    }
