"""Time from asking for a server to using it: stock JupyterHub and ours, alternately in one run."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tpc_courses.base.places import Places
from tpc_hub.engines import engine_for
from tpc_hub.settings.profile import load_settings

from tpc_bench.measure.figures import machine, percentiles, ratio
from tpc_bench.measure.hubs import Hub, both_hubs, free_ports

# A person who was refused asks again this often.
MOST_REQUESTS = 3


def bench_spawn(
    places: Places, rounds: int = 5, at_once: int = 20, say: Callable[[str], None] = print
) -> dict[str, Any]:
    """Return spawn times one at a time and `at_once` together, both sides, with ratios."""
    with tempfile.TemporaryDirectory(prefix="campus-bench-") as folder:
        return asyncio.run(_measure(places, Path(folder), rounds, at_once, say))


async def _measure(
    places: Places, folder: Path, rounds: int, at_once: int, say: Callable[[str], None]
) -> dict[str, Any]:
    async with both_hubs(places, folder, free_ports()) as hubs:
        single: dict[str, list[float]] = {hub.name: [] for hub in hubs}
        for number in range(rounds):
            for hub in hubs:
                single[hub.name].append(await _one(hub, f"alone-{number}"))
                say(f"{hub.name}: one server in {single[hub.name][-1]:.2f} s")
        together = {}
        for hub in hubs:
            together[hub.name] = await _together(hub, at_once)
            say(f"{hub.name}: {at_once} at once: {together[hub.name]}")
    one = {name: percentiles(times) for name, times in single.items()}
    settings = load_settings(places)
    return {
        "benchmark": "spawn",
        "machine": machine(),
        "protections": engine_for(settings).protections(settings)[0],
        "one_at_a_time": {
            **one,
            "ratio": ratio(one["stock"].get("p50"), one["ours"].get("p50")),
            "target": 6,
        },
        f"{at_once}_at_once": {
            **together,
            "ratio": ratio(together["stock"]["all_settled"], together["ours"]["all_settled"]),
            "served_ratio": ratio(together["stock"]["all_served"], together["ours"]["all_served"]),
            "target": 12,
        },
    }


async def _one(hub: Hub, name: str) -> float:
    """Return the seconds from the request to a ready server."""
    await hub.add_person(name)
    began = time.monotonic()
    await hub.start_server(name)
    took = time.monotonic() - began
    await hub.stop_server(name)
    return took


async def _together(hub: Hub, count: int) -> dict[str, Any]:
    """Start servers for `count` people at once; whoever is refused asks again, as people do.

    `all_settled` is the time until everybody was served or refused once, `all_served` that until everybody
    was served, None if somebody never was.
    """
    names = [f"crowd-{number}" for number in range(count)]
    for name in names:
        await hub.add_person(name)
    began = time.monotonic()
    asked = await asyncio.gather(*(_ask(hub, name, began) for name in names))
    ready = [first.seconds for first, _ in asked if not first.problem]
    result = {
        "ready": percentiles(ready),
        "failed": count - len(ready),
        "all_settled": round(max(first.seconds for first, _ in asked), 3),
        "all_served": None
        if any(last.problem for _, last in asked)
        else round(max(last.seconds for _, last in asked), 3),
        "reasons": sorted({first.problem for first, _ in asked if first.problem})[:3],
    }
    await asyncio.gather(*(hub.stop_server(name) for name in names), return_exceptions=True)
    return result


@dataclass(frozen=True)
class _Answer:
    """What a person heard: how long after the start, and why not, if they were refused."""

    seconds: float
    problem: str = ""


async def _ask(hub: Hub, name: str, began: float) -> tuple[_Answer, _Answer]:
    """Ask for a server until it is there; returns the first answer and the last."""
    answers: list[_Answer] = []
    while len(answers) < MOST_REQUESTS:
        try:
            await hub.start_server(name)
        except (RuntimeError, TimeoutError) as e:
            answers.append(_Answer(time.monotonic() - began, f"{e}" or type(e).__name__))
            continue
        answers.append(_Answer(time.monotonic() - began))
        break
    return answers[0], answers[-1]
