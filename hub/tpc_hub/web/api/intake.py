"""The intake over HTTP: students' servers list, fetch, hand in and read feedback, each as who the hub says.

A request carries the token of the student's own server. The hub is asked whose it is and what it may do; tokens
made for something else, like another service, open nothing here.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import functools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import anyio
import httpx
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from tpc_grader.desk.intake import Intake
from tpc_grader.feedback.publish import released_hashes
from tpc_grader.queue import queue
from tpc_grader.submissions.archive import Refused
from tpc_grader.submissions.receipts import public_pem
from tpc_grader.submissions.store import Submission

from tpc_hub.people import people
from tpc_hub.people.people import Person, roles_of
from tpc_hub.web.session.identity import SCOPE, campus_of
from tpc_hub.web.session.state import Campus
from tpc_hub.web.session.times import in_zone

UPLOAD_SECONDS = 120
# How many uploads are in memory at once, one of each student; the rest wait.
UPLOADS = 24
router = APIRouter(prefix="/intake", tags=["intake"])
_uploads = asyncio.Semaphore(UPLOADS)
_uploading: set[str] = set()
T = TypeVar("T")


@dataclass(frozen=True)
class Caller:
    """Who a request's token belongs to, with roles fresh from the database."""

    name: str
    roles: dict[str, str]


async def caller(request: Request) -> Caller:
    """Return whose token a request carries, by asking the hub; 401 without one, 403 where it opens nothing."""
    campus = campus_of(request)
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() not in ("bearer", "token") or not token.strip():
        raise HTTPException(401, "This address is for students' servers. Open JupyterLab from the campus.")
    model = await identify(campus, token.strip())
    if model.get("kind") != "user" or SCOPE not in model.get("scopes", ()):
        raise HTTPException(
            403, "This token is not meant for the intake. Restart your server, then try again."
        )
    with people.session(campus.places) as session:
        person = session.get(Person, model["name"])
        # Who signs in by an outside provider has no row here; whose row waits for approval must wait.
        if person is not None and not person.approved:
            raise HTTPException(403, "Your instructor has not approved your sign-up yet.")
        return Caller(model["name"], roles_of(session, model["name"]))


async def identify(campus: Campus, token: str) -> dict[str, Any]:
    """Return what the hub says of a token: name, kind and scopes. The token itself gives the right to ask."""
    try:
        async with httpx.AsyncClient(base_url=campus.hub_api, timeout=20, trust_env=False) as hub:
            answer = await hub.get("/user", headers={"Authorization": f"token {token}"})
    except UnicodeError as e:
        raise HTTPException(403, "This token is none of the hub's.") from e
    except httpx.HTTPError as e:
        raise HTTPException(
            503, "The hub did not answer. Your files are unchanged: try again in a minute."
        ) from e
    if answer.is_error:
        raise HTTPException(403, "The hub does not know this token. Restart your server, then try again.")
    model: dict[str, Any] = answer.json()
    return model


KnownCaller = Annotated[Caller, Depends(caller)]


def intake_of(request: Request) -> Intake:
    """Return the intake of this campus, one per process."""
    campus = campus_of(request)
    if campus.intake is None:
        campus.intake = Intake(
            campus.places, campus.courses, accepted=functools.partial(queue.submitted, campus.places)
        )
    return campus.intake


CampusIntake = Annotated[Intake, Depends(intake_of)]


@router.get("/assignments")
async def assignments(who: KnownCaller, intake: CampusIntake) -> list[dict[str, Any]]:
    """Return what the caller can fetch, with version, notebooks and their own due and closing times (UTC)."""
    return await _in_thread(
        lambda: [
            {
                "course": each.course,
                "exercise": each.exercise,
                "version": each.version,
                "notebooks": each.notebooks,
                **_times(intake, each.course, each.exercise, who.name),
            }
            for course in who.roles
            for each in intake.releases(course)
        ]
    )


@router.get("/submissions")
async def submissions(who: KnownCaller, intake: CampusIntake) -> list[dict[str, Any]]:
    """Return the caller's submissions, newest first, each with the hashes of its released feedback.

    `received_at` is in UTC; `local` is the same moment by the course's clocks, and `when` as people read it.
    """
    return await _in_thread(lambda: [described(intake, each) for each in intake.store.of_student(who.name)])


@router.get("/submissions/{submission}/feedback")
async def feedback(who: KnownCaller, intake: CampusIntake, submission: str) -> dict[str, str]:
    """Return notebook name -> HTML of the released feedback of an own submission."""
    pages = await _in_thread(lambda: intake.feedback(who.name, submission))
    return {name: page.decode() for name, page in pages.items()}


@router.get("/receipt-key")
async def receipt_key(request: Request) -> Response:
    """Return the public key that receipts are checked with, PEM; anybody may have it."""
    return PlainTextResponse(await _in_thread(lambda: public_pem(campus_of(request).places)))


@router.get("/{course}/{exercise}/release")
async def release(who: KnownCaller, intake: CampusIntake, course: str, exercise: str) -> Response:
    """Return a released exercise as a zip archive."""
    _check_role(who, course)
    return Response(await _in_thread(lambda: intake.archive(course, exercise)), media_type="application/zip")


@router.post("/{course}/{exercise}/submissions", status_code=201)
async def submit(
    request: Request, who: KnownCaller, intake: CampusIntake, course: str, exercise: str
) -> Response:
    """Keep a zip archive as the caller's submission and return the signed receipt."""
    _check_role(who, course)
    async with _one_upload(who.name):
        archive = await read_body(request, intake.limits.archive_bytes)
        submission = await _in_thread(lambda: intake.receive(course, exercise, who.name, archive))
    return Response(submission.receipt.text(), 201, media_type="application/json")


async def refused(request: Request, error: Exception) -> Response:
    """Return a refusal of the intake as JSON, in words for the student."""
    assert isinstance(error, Refused)
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after else None
    return JSONResponse({"detail": str(error)}, error.status, headers)


def described(intake: Intake, submission: Submission) -> dict[str, Any]:
    """Return what the service says of a submission to the student whose it is."""
    return {
        "id": submission.id,
        "course": submission.course,
        "exercise": submission.exercise,
        "student": submission.student,
        "received_at": submission.received_at.isoformat(),
        "local": _local(intake, submission).isoformat(),
        "when": in_zone(submission.received_at, _zone(intake, submission.course)),
        "version": submission.version,
        "code": submission.receipt.code,
        "files": [file.name for file in submission.files],
        "notebooks": [file.name for file in submission.files if file.name.endswith(".ipynb")],
        "feedback": released_hashes(intake.places, submission.id),
    }


def _local(intake: Intake, submission: Submission) -> dt.datetime:
    return submission.received_at.astimezone(_zone(intake, submission.course))


def _zone(intake: Intake, course: str) -> ZoneInfo:
    known = intake.courses.get(course)
    return known.zone if known else ZoneInfo("UTC")


@contextlib.asynccontextmanager
async def _one_upload(student: str) -> AsyncIterator[None]:
    """Hold one of the places for uploads; a student holds at most one, so that nobody can take them all."""
    if student in _uploading:
        raise Refused("Another submission of yours is being received. Try again in a moment.", 429, 5)
    _uploading.add(student)
    try:
        async with _uploads:
            yield
    finally:
        _uploading.discard(student)


def _times(intake: Intake, course: str, exercise: str, student: str) -> dict[str, str | None]:
    until = intake.deadline(course, exercise, student)
    return {
        name: at.astimezone(dt.UTC).isoformat() if at else None
        for name, at in (("due", until.due), ("closes", until.closes))
    }


def _check_role(who: Caller, course: str) -> None:
    if course not in who.roles:
        raise HTTPException(404, f"You are in no course called {course}. Join it on the campus page.")


async def read_body(request: Request, limit: int) -> bytes:
    """Return the body of a request, reading no more than `limit` bytes and not for ever."""
    told = request.headers.get("content-length", "")
    if told.isdigit() and int(told) > limit:
        raise Refused(f"The archive is larger than {limit / 2**20:g} MiB. Remove large files.", 413)
    body = bytearray()
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise Refused(
                        f"The archive is larger than {limit / 2**20:g} MiB. Remove large files.", 413
                    )
    except TimeoutError as e:
        raise Refused(f"The upload took longer than {UPLOAD_SECONDS} s. Submit again.", 408) from e
    return bytes(body)


async def _in_thread(work: Callable[[], T]) -> T:
    """Run what waits for disk and database without holding up other requests."""
    return await anyio.to_thread.run_sync(work)
