"""A class at work: everybody signs in within two minutes, opens a lesson, runs it, and hands in an exercise."""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import nbformat
import psutil
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import load_courses

from tpc_bench.measure.figures import descendants, machine, memory, percentiles
from tpc_bench.measure.hubs import free_ports, own_campus
from tpc_bench.measure.seat import Seat, browser

SIGN_IN_SECONDS = 120
READY_SECONDS = 180
BOOK_SECONDS = 900
FIRST_OUTPUT_TARGET_SECONDS = 5
MEMORY_TARGET_GIB = 8


@dataclass
class Day:
    """What happened to the class."""

    lesson: str
    first_output: list[float] = field(default_factory=list)
    opened: list[float] = field(default_factory=list)
    ran: int = 0
    submitted: int = 0
    errors: list[str] = field(default_factory=list)
    peak_mib: float = 0.0


def bench_soak(places: Places, students: int = 60, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Return what a class of students met on a campus of its own: times, errors, memory."""
    with tempfile.TemporaryDirectory(prefix="campus-soak-") as folder:
        state = Places(places.root, Path(folder))
        with own_campus(state, free_ports()) as (port, process, codes):
            say(f"the campus is up on port {port}; the class comes when its book is built")
            _await_book(process)
            say("the class comes")
            day = asyncio.run(_class(state, port, process, codes, students, say))
    first = percentiles(day.first_output)
    peak_gib = round(day.peak_mib / 1024, 2)
    return {
        "benchmark": "soak",
        "machine": machine(),
        "students": students,
        "lesson": day.lesson,
        "opened_lesson": percentiles(day.opened),
        "first_output": first,
        "ran_lesson": day.ran,
        "submitted": day.submitted,
        "errors": day.errors[:10],
        "error_count": len(day.errors),
        "peak_memory_gib": peak_gib,
        "met": not day.errors
        and day.submitted == students
        and first.get("p95", 1e9) < FIRST_OUTPUT_TARGET_SECONDS
        and peak_gib < MEMORY_TARGET_GIB,
    }


def _await_book(campus: psutil.Process) -> None:
    """Wait until the campus has built its book, as it has long before a class comes."""
    builders = [each for each in campus.children() if "build" in each.cmdline()]
    _, alive = psutil.wait_procs(builders, timeout=BOOK_SECONDS)
    if alive:
        raise RuntimeError(f"the book was not built in {BOOK_SECONDS} s")


async def _class(
    places: Places,
    port: int,
    process: psutil.Process,
    codes: dict[str, str],
    students: int,
    say: Callable[[str], None],
) -> Day:
    # By name, so that another order of the courses does not change what is measured.
    courses = sorted(load_courses(places), key=lambda each: each.id)
    course = next(each for each in courses if each.lessons and each.exercises)
    day = Day(lesson=course.lessons[0])
    watch = asyncio.create_task(_watch_memory(process, day))
    work = [
        _one(places, port, course.id, codes[course.id], f"student-{number}", number, students, day)
        for number in range(students)
    ]
    for done in asyncio.as_completed(work):
        name, problem = await done
        if problem:
            day.errors.append(f"{name}: {problem}")
            say(f"{name}: {problem}")
    watch.cancel()
    return day


async def _watch_memory(process: psutil.Process, day: Day) -> None:
    """Note the most memory that the campus held at once, shared pages counted once."""
    while True:
        began = time.monotonic()
        found = await asyncio.to_thread(lambda: memory(descendants([process])))
        day.peak_mib = max(day.peak_mib, found["proportional_mib"] + found["page_tables_mib"])
        # Looking takes seconds with hundreds of processes: the class gets nine tenths of the processor at least.
        await asyncio.sleep(max(5, 9 * (time.monotonic() - began)))


async def _one(
    places: Places, port: int, course: str, code: str, name: str, number: int, students: int, day: Day
) -> tuple[str, str]:
    """Be one student from sign-up to hand-in; returns the name and what went wrong, if anything."""
    await asyncio.sleep(number * min(2, SIGN_IN_SECONDS / students))
    try:
        async with browser() as session:
            hub = f"http://hub.localhost:{port}"
            await _sign_up(session, hub, name, code)
            chosen = next(each for each in load_courses(places) if each.id == course)
            began = time.monotonic()
            seat = await _open_lesson(session, hub, port, name, chosen.lessons[0])
            day.opened.append(time.monotonic() - began)
            kernel = await seat.start_kernel()
            await seat.run(kernel, "print('first output')")
            day.first_output.append(time.monotonic() - began)
            await _run_lesson(seat, kernel, chosen.lessons[0])
            day.ran += 1
            await _hand_in(seat, course, chosen.exercises[0])
            day.submitted += 1
    except (RuntimeError, TimeoutError, AssertionError, KeyError, ValueError, aiohttp.ClientError) as e:
        return name, f"{type(e).__name__}: {str(e)[:300]}"
    return name, ""


async def _sign_up(session: aiohttp.ClientSession, hub: str, name: str, code: str) -> None:
    async with session.get(f"{hub}/hub/signup") as answer:
        found = re.search(r'name="_xsrf" value="([^"]*)"', await answer.text())
    form = {"code": code, "name": name, "display_name": name, "password": f"{name}-password"}
    form["_xsrf"] = found[1] if found else ""
    async with session.post(f"{hub}/hub/signup", data=form) as answer:
        if answer.status != 200:
            raise RuntimeError(f"sign-up: {answer.status}")


async def _open_lesson(session: aiohttp.ClientSession, hub: str, port: int, name: str, lesson: str) -> Seat:
    """Click the lesson's link and follow it until the notebook is in the student's home."""
    seat = Seat(session, f"http://{name}.hub.localhost:{port}/user/{name}")
    deadline = time.monotonic() + READY_SECONDS
    opened = f"http://campus--service.hub.localhost:{port}/services/campus/open/{lesson}"
    while time.monotonic() < deadline:
        async with session.get(opened) as answer:
            if (
                answer.status == 200
                and f"/user/{name}/" in str(answer.url)
                and "/hub/" not in str(answer.url)
            ):
                break
        await asyncio.sleep(0.3)
    else:
        raise RuntimeError("the server did not start")
    return seat


async def _run_lesson(seat: Seat, kernel: str, lesson: str) -> None:
    model = await seat.call("GET", f"/api/contents/lessons/{lesson}.ipynb?content=1")
    for cell in nbformat.from_dict(model["content"]).cells:
        if cell.cell_type == "code":
            await seat.run(kernel, cell.source)


async def _hand_in(seat: Seat, course: str, exercise: str) -> None:
    """Fetch an exercise and submit it, as nbgrader's list in Lab does."""
    query = urlencode({"course_id": course, "assignment_id": exercise})
    for action in ("fetch", "submit"):
        answer = await seat.call("POST", f"/assignments/{action}?{query}")
        if not answer or not answer.get("success"):
            raise RuntimeError(f"{action}: {answer}")
