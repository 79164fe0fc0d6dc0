"""Kills under load: students hand in while worker, service and hub of a real campus are killed at random moments.

Nothing that got a receipt may be lost, nothing graded twice, and the gradebook must say what a fresh run says.
"""

from __future__ import annotations

import contextlib
import json
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import nbformat
import psutil
from sqlalchemy import select
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import Course, load_courses
from tpc_grader.database import audit
from tpc_grader.database import engine as database
from tpc_grader.exchange.client import IntakeClient, IntakeError
from tpc_grader.grades.scores import class_scores
from tpc_grader.grading import submission as grading
from tpc_grader.queue.jobs import JobRow
from tpc_grader.submissions.archive import pack
from tpc_grader.submissions.receipts import Receipt, ReceiptError, private_key, verify
from tpc_grader.submissions.store import Store, Submission
from tpc_grader.versions import sources
from tpc_hub.people import people

from tpc_bench.grading import answered
from tpc_bench.measure.hubs import free_ports, own_campus

# What is killed: a name, and words of its command line.
VICTIMS = {"worker": "tpc_hub.cli worker", "service": "tpc_hub.web", "hub": "tpc_hub.deploy.hub -f"}
# A student's server has such a token; `tpc_hub.deploy.configure` says which scopes.
SCOPES = ["access:services!service=campus"]
# Hangs, not measures: several kills in a row take a minute on a busy machine, and so does a job.
RECEIPT_SECONDS = 300
QUIET_SECONDS = 300
Say = Callable[[str], None]


@dataclass
class Story:
    """What happened: the receipts that students got, and which processes were killed."""

    receipts: list[Receipt] = field(default_factory=list)
    killed: Counter[str] = field(default_factory=Counter)
    done: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Check:
    """One thing that was looked at afterwards, how often, and what was wrong with it."""

    what: str
    looked_at: int
    wrong: tuple[str, ...]


def bench_faults(
    places: Places, students: int, each: int, kills: int, seed: int | None, say: Say
) -> dict[str, Any]:
    """Return what a campus of its own lost under kills; raises RuntimeError when it lost anything."""
    seed = random.randrange(10**6) if seed is None else seed
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="campus-faults-") as folder:
        state = Places(places.root, Path(folder))
        courses = sorted(load_courses(state), key=lambda each: each.id)
        course = next(course for course in courses if course.exercises)
        with own_campus(state, free_ports()) as (port, _, _):
            say(f"the campus is up on port {port}; seed {seed}")
            story = hand_in_under_kills(state, course, port, students, each, kills, random.Random(seed), say)
            handed_in = time.monotonic() - began
            say(f"all is handed in, killed {dict(story.killed)}; waiting for the grades")
            wait_until_quiet(state, course)
            say("all is graded; comparing receipts, store, queue, audit log and gradebook")
            checks = [
                *book_checks(state, course.id, course.exercises[0], story.receipts),
                score_check(state, course),
            ]
            outcomes = Counter(row.state for row in jobs_of(state) if row.kind == "full")
    if sum(story.killed.values()) != kills:
        raise RuntimeError(f"only {dict(story.killed)} of {kills} kills took place (seed {seed})")
    found = [f"{check.what}: {wrong}" for check in checks for wrong in check.wrong]
    if found:
        raise RuntimeError(f"{len(found)} problems (seed {seed}): " + "; ".join(found[:20]))
    return {
        "benchmark": "faults",
        "seed": seed,
        "students": students,
        "submissions": len(story.receipts),
        "killed": dict(story.killed),
        "full_runs": dict(outcomes),
        "hand_in_seconds": round(handed_in, 1),
        "seconds": round(time.monotonic() - began, 1),
        "checks": {check.what: {"looked_at": check.looked_at, "wrong": len(check.wrong)} for check in checks},
    }


def hand_in_under_kills(
    places: Places,
    course: Course,
    port: int,
    students: int,
    each: int,
    kills: int,
    chance: random.Random,
    say: Say,
) -> Story:
    """Let students hand in at the same time, while processes are killed in random order at random moments."""
    tokens = {
        name: _token(places, course, port, name) for name in (f"student-{n:02}" for n in range(students))
    }
    work = {name: _answers(places, course, each, chance) for name in tokens}
    story = Story()
    # Each kind as often as the others, in a random order, spread over the time in which submissions come in.
    order = [name for _ in range(-(-kills // len(VICTIMS))) for name in VICTIMS][:kills]
    chance.shuffle(order)
    points = sorted(chance.sample(range(students * each), kills))
    plan = [(point, name, chance.uniform(0, 0.5)) for point, name in zip(points, order, strict=True)]
    killer = threading.Thread(target=_kill, args=(places, story, plan, say), daemon=True)
    killer.start()
    with ThreadPoolExecutor(students) as pool:
        turns = [pool.submit(_hand_in, course, port, tokens[name], work[name], story) for name in tokens]
        try:
            for turn in turns:
                turn.result()
        except BaseException:
            story.stopped.set()  # the others would go on for minutes, against a campus that is about to end
            raise
        finally:
            story.done.set()
    killer.join()
    return story


def wait_until_quiet(places: Places, course: Course) -> None:
    """Wait until every submission was queued and every job has ended; raises RuntimeError when nothing goes on."""
    before, deadline = Counter[tuple[str, str]](), 0.0
    while not is_quiet(places, course.id, course.exercises[0]):
        states = Counter((row.kind, row.state) for row in jobs_of(places))
        if states != before:
            before, deadline = states, time.monotonic() + QUIET_SECONDS
        if time.monotonic() > deadline:
            raise RuntimeError(f"the queue did not change in {QUIET_SECONDS} s: {dict(states)}")
        time.sleep(0.5)


def is_quiet(places: Places, course: str, exercise: str) -> bool:
    """Return whether every submission was queued and every job has ended."""
    rows = jobs_of(places)
    queued = {row.submission for row in rows if row.kind == "full"}
    kept = {each.id for each in Store(places).all(course, exercise)}
    return kept <= queued and all(row.state in ("graded", "superseded") for row in rows)


def jobs_of(places: Places) -> list[JobRow]:
    """Return all jobs."""
    with database.session(places) as session:
        return list(session.scalars(select(JobRow)))


def score_check(places: Places, course: Course) -> Check:
    """Compare the gradebook of a quiet campus with a fresh run of everybody's newest work."""
    exercise = course.exercises[0]
    newest = Store(places).latest(course.id, exercise)
    fresh = {each.student: grading.run(places, course, each).points for each in newest}
    wrong = tuple(_scores(places, course, exercise, fresh))
    return Check("the gradebook says what a fresh run says", len(fresh), wrong)


def book_checks(places: Places, course: str, exercise: str, receipts: list[Receipt]) -> list[Check]:
    """Compare receipts, store, queue and audit log of a quiet campus."""
    kept = {each.id: each for each in Store(places).all(course, exercise)}
    full = [row for row in jobs_of(places) if row.kind == "full"]
    newest = {each.id for each in Store(places).latest(course, exercise)}
    rows = audit.entries(places)
    written = Counter(row.submission for row in rows if row.what == "score")
    graded = {row.submission for row in full if row.state == "graded"}
    lines = (places.logs / "audit.jsonl").read_text(encoding="utf-8").splitlines()
    unlike = [row.number for row in rows] != _numbers(lines)
    return [
        Check(
            "every receipt verifies, and its submission and files are kept",
            len(receipts),
            tuple(found for receipt in receipts if (found := _receipt_problem(places, receipt, kept))),
        ),
        _check("every submission was queued", kept.keys(), kept.keys() - {row.submission for row in full}),
        _check("the newest of each student is graded", newest, newest - graded),
        _check("each has one score in the audit log", written, {id for id in written if written[id] != 1}),
        _check("what is graded is in the audit log, and nothing else", graded, graded ^ set(written)),
        Check("audit.jsonl repeats the audit log", len(rows), ("it tells another story",) if unlike else ()),
    ]


def _check(what: str, looked_at: Collection[str], wrong: Iterable[str]) -> Check:
    return Check(what, len(looked_at), tuple(sorted(wrong)))


def _scores(places: Places, course: Course, exercise: str, expected: dict[str, float]) -> Iterator[str]:
    scores = class_scores(places, course.id)
    for student, points in expected.items():
        found = scores.get((student, exercise))
        if found is None or abs(found.points - points) > 1e-9:
            yield f"{student}: {found.points if found else 'nothing'} in the gradebook, a fresh run gives {points}"


def _receipt_problem(places: Places, receipt: Receipt, kept: dict[str, Submission]) -> str:
    if receipt.submission not in kept:
        return f"{receipt.submission}: a receipt without its submission"
    try:
        verify(receipt, private_key(places).public_key())
    except ReceiptError as e:
        return f"{receipt.submission}: {e}"
    lost = [file.name for file in receipt.files if not kept[receipt.submission].path(file).is_file()]
    return f"{receipt.submission}: lost {lost}" if lost else ""


def _numbers(lines: list[str]) -> list[int]:
    return [int(json.loads(line)["number"]) for line in lines]


def _answers(places: Places, course: Course, each: int, chance: random.Random) -> list[bytes]:
    """Return archives to hand in, one after the other: right and wrong solutions, no two alike."""
    exercise = course.exercises[0]
    source = sources.current(places, course.id, exercise)
    solutions = sorted((places.exercises / exercise).glob("*/*.py"))
    made = []
    for number in range(each):
        notebook = answered(source, chance.choice(solutions).read_text("utf-8") + f"\n# {number}\n")
        made.append(pack({f"{exercise}.ipynb": nbformat.writes(notebook).encode()}))
    return made


def _hand_in(course: Course, port: int, token: str, work: list[bytes], story: Story) -> None:
    """Hand in one after the other, each until there is a receipt, as who sees that the campus did not answer."""
    client = IntakeClient(f"http://127.0.0.1:{port + 3}/services/campus/intake", token)
    for archive in work:
        deadline = time.monotonic() + RECEIPT_SECONDS
        while not story.stopped.is_set():
            try:
                story.receipts.append(client.submit(course.id, course.exercises[0], archive))
                break
            except (IntakeError, ValueError) as e:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"no receipt in {RECEIPT_SECONDS} s: {e}") from e
                time.sleep(0.2)


def _kill(places: Places, story: Story, plan: list[tuple[int, str, float]], say: Say) -> None:
    """Kill what the plan says, each once so many receipts are there, and not before it runs again."""
    for point, name, delay in plan:
        while len(story.receipts) < point and not story.done.is_set():
            time.sleep(0.02)
        time.sleep(delay)
        deadline = time.monotonic() + RECEIPT_SECONDS
        while not story.stopped.is_set() and not kill_process(places, VICTIMS[name]):
            if time.monotonic() > deadline:
                say(f"the {name} did not come back in {RECEIPT_SECONDS} s")
                return
            time.sleep(0.1)
        if story.stopped.is_set():
            return
        story.killed[name] += 1
        say(f"killed the {name} after {len(story.receipts)} receipts")


def kill_process(places: Places, words: str) -> bool:
    """Kill a process of a campus, without notice; returns whether there was one."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            line = " ".join(process.cmdline())
            if words in line and process.environ().get("CAMPUS_INSTANCE") == str(places.state):
                process.kill()
                return True
    return False


def _token(places: Places, course: Course, port: int, name: str) -> str:
    """Enrol a student, let them sign in once, and return a token as their server has it."""
    password = people.random_password()
    with people.transaction(places) as session:
        session.add(people.Person(name=name, display_name=name))
        session.flush()
        people.set_password(session, name, password)
        people.enrol(session, course.id, name)
    headers = {"Host": f"hub.localhost:{port}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, headers=headers) as client:
        client.get("/hub/login")
        form = {"username": name, "password": password, "_xsrf": client.cookies["_xsrf"]}
        client.post("/hub/login", data=form)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, headers=headers) as client:
        asked = {"auth": {"username": name, "password": password}, "scopes": SCOPES}
        answer = client.post(f"/hub/api/users/{name}/tokens", json=asked)
    if answer.status_code != 201:
        raise RuntimeError(f"no token for {name}: {answer.status_code} {answer.text[:200]}")
    return str(answer.json()["token"])
