"""Hostile submissions: each contained and typed, with an honest one graded right beside it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import nbformat
import psutil
import pytest
from campus_tree import make_tree
from hostile_cases import CASES, HONEST, NOTEBOOKS, Case, Notebook
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import load_courses
from tpc_grader.coursework.coursework import prepare_course
from tpc_grader.grading.submission import grade_files
from tpc_grader.results.results import Graded
from tpc_grader.sandbox import boxed
from tpc_grader.sandbox import environment as surroundings
from tpc_grader.sandbox.limits import Limits
from tpc_grader.versions import sources
from tpc_grader.versions.sources import Source
from tpc_kernels.box.box import software

SLUG = "double-scaling"
SECRET = "kept-from-every-student"
LIMITS = Limits(cell_seconds=2, total_seconds=8, memory_bytes=700 * 2**20, processes=64, tmp_bytes=32 * 2**20)
# Nothing may take longer: total limit, grace and end of both runs. Only a hang gets near it.
DEADLINE_SECONDS = 60


@dataclass
class Class:
    """An exercise at both levels, a witness file, and a port that must stay silent."""

    places: Places
    exercises: dict[str, Source]
    marker: Path
    listener: socket.socket
    # Identities that its jobs were given.
    identities: list[int]

    def grade(self, level: str, code: str) -> Graded:
        """Grade a solution; the port, the witness and where software is installed are filled in."""
        filled = {
            "PORT": str(self.listener.getsockname()[1]),
            "MARKER": str(self.marker),
            "SOFTWARE": repr((*software(), *surroundings.packages())),
        }
        for name, value in filled.items():
            code = code.replace(name, value)
        return self.grade_file(level, notebook(self.exercises[level], code))

    def grade_file(self, level: str, data: bytes) -> Graded:
        """Grade what was handed in as the notebook."""
        return grade_files(self.exercises[level], data, {}, limits=LIMITS, backend="box")

    def survivors(self) -> list[psutil.Process]:
        """Return processes that its jobs left: those with an identity that one of them had."""
        found = [each for each in psutil.process_iter(["uids"]) if each.info["uids"].real in self.identities]
        left = psutil.wait_procs(found, timeout=60)[1]
        return [each for each in left if each.status() != psutil.STATUS_ZOMBIE]

    def fingerprint(self) -> str:
        """Return what must stay as it is: the whole state folder, and the witness."""
        files = sorted(path for path in self.places.state.rglob("*") if path.is_file())
        return hashlib.sha256(b"".join(str(path).encode() + path.read_bytes() for path in files)).hexdigest()


def notebook(source: Source, code: str) -> bytes:
    made = nbformat.read(source.release, as_version=4)
    for cell in made.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = code
    return nbformat.writes(made).encode()


@pytest.fixture(scope="module")
def hall(tmp_path_factory) -> Iterator[Class]:
    root = tmp_path_factory.mktemp("hostile")
    places = make_tree(root / "root", root / "state")
    path = places.exercise(SLUG)
    hidden = f'_secret = "{SECRET}"\nassert double(-1.5) == -3.0'
    text = path.read_text("utf-8").replace("assert double(-1.5) == -3.0", hidden)
    course = next(each for each in load_courses(places) if each.id == "scaling")
    exercises = {}
    for level in ("kernel", "oracle"):
        path.write_text(text.replace(":points: 2", f":points: 2\n:level: {level}"), "utf-8")
        prepare_course(places, course)
        exercises[level] = sources.current(places, "scaling", SLUG)
    marker = root / "state" / "marker"
    marker.write_text(SECRET)
    os.environ["CAMPUS_TEST_TOKEN"] = SECRET
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=lambda: [listener.accept() for _ in range(99)], daemon=True).start()
    identities = list[int]()

    def remembered() -> int | None:
        uid = surroundings.fresh_uid()
        identities.extend([uid] if uid else [])
        return uid

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boxed, "fresh_uid", remembered)
        yield Class(places, exercises, marker, listener, identities)


def check(hall: Class, case: Case, level: str) -> None:
    """Grade an attack with an honest submission beside it, and look at all that must not have happened."""
    before = hall.fingerprint()
    with ThreadPoolExecutor(2) as pool:
        beside = pool.submit(hall.grade, level, HONEST)
        attack = pool.submit(hall.grade, level, case.code)
        honest = beside.result(DEADLINE_SECONDS)
        look_at(case, attack.result(DEADLINE_SECONDS), level)
    assert (honest.outcome, honest.points) == ("graded", 2.0), honest.detail
    assert hall.fingerprint() == before
    assert hall.survivors() == []


def look_at(case: Case, graded: Graded, level: str) -> None:
    """Look at the outcome of an attack, and at what came out of it."""
    assert graded.outcome in case.outcomes(level), f"{case.name}: {graded.outcome}, {graded.detail}"
    # Cells that had finished before a timeout or crash count.
    cut_short = graded.outcome in ("timeout", "crashed")
    assert graded.points in ({case.points, 0.0} if cut_short else {case.points}), case.name
    assert SECRET not in graded.to_json(), case.name
    # The instructor may read what an exception said, hidden input included; the student may not.
    text = dataclasses.replace(graded, detail="").without_notebook().to_json()
    for shown in (
        "SECRET-INPUT -1.5",
        "OWNED",
        "CONNECTED",
        "RESOLVED",
        "OPENED",
        "READ root",
        "POISONED",
    ):
        assert shown not in text, case.name
    for shown in ("RAISED", "TRACED", "GOT", "uid=0"):
        assert f'"{shown}' not in text, case.name
    assert len(text) < 4 * 2**20, case.name


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_beside_the_code(hall, case):
    check(hall, case, "kernel")


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.oracle or "graded" in case.kernel], ids=lambda c: c.name
)
def test_away_from_the_code(hall, case):
    check(hall, case, "oracle")


@pytest.mark.parametrize("case", NOTEBOOKS, ids=lambda case: case.name)
@pytest.mark.parametrize("level", ["kernel", "oracle"])
def test_an_odd_file_is_graded_by_the_releases_tests_or_refused(hall, level, case: Notebook):
    before = hall.fingerprint()
    changed = case.change(json.loads(notebook(hall.exercises[level], case.code)))
    data = changed if isinstance(changed, bytes) else json.dumps(changed).encode()
    graded = hall.grade_file(level, data)
    assert (graded.outcome, graded.points) == (case.outcome, case.points), graded.detail
    assert graded.max_points == 2.0
    assert graded.reason or graded.outcome == "graded"
    honest = hall.grade(level, HONEST)
    assert (honest.outcome, honest.points) == ("graded", 2.0), honest.detail
    assert hall.fingerprint() == before
