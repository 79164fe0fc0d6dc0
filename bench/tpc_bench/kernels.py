"""Time to the first output of a lesson's imports, and memory an idle student adds: stock and ours, alternately."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tpc_courses.base.places import Places
from tpc_hub.engines import engine_for
from tpc_hub.settings.profile import load_settings

from tpc_bench.measure.figures import descendants, machine, memory, percentiles, ratio
from tpc_bench.measure.hubs import Hub, both_hubs, free_ports
from tpc_bench.measure.seat import Seat

IMPORTS = "import numpy, jax, matplotlib.pyplot\nprint('imported')"
# Students whose memory is measured; each with a server and a kernel that has done the imports.
STUDENTS = 4
SETTLE_SECONDS = 3


def bench_kernels(places: Places, rounds: int = 5, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Return time from asking for a kernel to its first output, and memory per idle student, both sides."""
    with tempfile.TemporaryDirectory(prefix="campus-bench-") as folder:
        return asyncio.run(_measure(places, Path(folder), rounds, say))


async def _measure(places: Places, folder: Path, rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    async with both_hubs(places, folder, free_ports()) as hubs:
        held = {hub.name: await _idle_students(hub) for hub in hubs}
        seats = {hub.name: await _seat(hub, "runner") for hub in hubs}
        times: dict[str, list[float]] = {hub.name: [] for hub in hubs}
        for _ in range(rounds):
            for hub in hubs:
                times[hub.name].append(await _first_output(seats[hub.name]))
                say(f"{hub.name}: first output after {times[hub.name][-1]:.2f} s")
    first = {name: percentiles(each) for name, each in times.items()}
    pairs = [(held["ours"][key], held["stock"][key]) for key in ("proportional_mib", "private_mib")]
    shares = [round(ours / stock, 3) for ours, stock in pairs]
    settings = load_settings(places)
    return {
        "benchmark": "kernels",
        "machine": machine(),
        "protections": engine_for(settings).protections(settings)[0],
        "first_output": {
            **first,
            "ratio": ratio(first["stock"].get("p50"), first["ours"].get("p50")),
            "target": 10,
        },
        "idle_student": {**held, "proportional_share": shares[0], "private_share": shares[1], "target": 0.3},
    }


async def _seat(hub: Hub, name: str) -> Seat:
    await hub.add_person(name)
    return await hub.start_server(name)


async def _first_output(seat: Seat) -> float:
    """Return the seconds from asking for a kernel to what its first cell prints."""
    began = time.monotonic()
    kernel = await seat.start_kernel()
    assert "imported" in await seat.run(kernel, IMPORTS)
    took = time.monotonic() - began
    await seat.call("DELETE", f"/api/kernels/{kernel}")
    return took


async def _idle_students(hub: Hub) -> dict[str, float]:
    """Return what one idle student adds to the memory of everything that belongs to the hub."""
    empty = memory(descendants(hub.roots))
    before = {process.pid for process in descendants(hub.roots)}
    for number in range(STUDENTS):
        seat = await _seat(hub, f"idle-{number}")
        await seat.run(await seat.start_kernel(), IMPORTS)
    await asyncio.sleep(SETTLE_SECONDS)
    everything = descendants(hub.roots)
    full = memory(everything)
    own = memory(process for process in everything if process.pid not in before)
    for number in range(STUDENTS):
        await hub.stop_server(f"idle-{number}")
    added = {key: (full[key] - empty[key]) / STUDENTS for key in full}
    # Shared pages count in part for each who shares them, so only the sum over everybody is what was added.
    found = added | {"private_mib": own["private_mib"] / STUDENTS}
    found["students_per_gib"] = 1024 / (found["proportional_mib"] + found["page_tables_mib"])
    return {key: round(value, 1) for key, value in found.items()}
