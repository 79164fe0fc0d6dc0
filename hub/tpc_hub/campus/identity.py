"""Who is asking: sign-in by the hub's OAuth (with PKCE), sessions, course roles from the database."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

import httpx
from fastapi import Depends, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.orm import Session
from tpc_courses.manifest import Course

from tpc_hub.campus.state import Campus, SignedIn
from tpc_hub.people import Person, roles_of

COOKIE = "campus-session"
PREFIX = "/services/campus"
MAXIMUM_PENDING = 10_000


class SignInNeeded(Exception):
    """Raised where a page needs somebody signed in; carries the redirect to the hub."""

    def __init__(self, response: Response) -> None:
        self.response = response


@dataclass(frozen=True)
class Visitor:
    """The signed-in person of one request, with roles fresh from the database."""

    name: str
    display_name: str
    roles: dict[str, str]
    form_token: str

    def role_in(self, course: Course) -> str | None:
        return self.roles.get(course.id)


def campus_of(request: Request) -> Campus:
    """Return the state of the service."""
    campus: Campus = request.app.state.campus
    return campus


async def visitor(request: Request) -> Visitor:
    """Return who is signed in; leads to the hub's sign-in otherwise."""
    campus = campus_of(request)
    signed_in = campus.sessions.get(request.cookies.get(cookie_name(campus), ""))
    if signed_in is None:
        if request.method != "GET":
            raise HTTPException(
                403, "You were signed out. Nothing was changed: go back, reload and try again."
            )
        raise SignInNeeded(_to_hub(campus, request))
    with Session(campus.engine) as session:
        roles = roles_of(session, signed_in.name)
        person = session.get(Person, signed_in.name)
    await _reconcile_groups(campus, signed_in, roles)
    display_name = person.display_name if person else signed_in.name
    return Visitor(signed_in.name, display_name, roles, signed_in.form_token)


async def form_visitor(request: Request, form_token: Annotated[str, Form()] = "") -> Visitor:
    """Return who sent a form; refuses forms that our own pages did not make."""
    who = await visitor(request)
    if not secrets.compare_digest(form_token, who.form_token):
        raise HTTPException(403, "This form is stale. Nothing was changed: go back, reload and try again.")
    return who


SignedInVisitor = Annotated[Visitor, Depends(visitor)]
FormVisitor = Annotated[Visitor, Depends(form_visitor)]


def course_for(campus: Campus, who: Visitor, course_id: str, role: str | None = None) -> Course:
    """Return a course in which the visitor has a role (or exactly `role`); 404 otherwise."""
    course = campus.courses.get(course_id)
    held = who.roles.get(course_id)
    if course is None or held is None or (role is not None and held != role):
        raise HTTPException(
            404, "There is no such page for you. If you teach or attend this course, sign in again."
        )
    return course


async def callback(request: Request, code: str = "", state: str = "") -> Response:
    """Finish the sign-in: exchange the code for a token, ask who it is, start a session."""
    campus = campus_of(request)
    verifier, next_url = campus.pending.pop(state, ("", ""))
    if not verifier or request.cookies.get(f"{cookie_name(campus)}-state") != state:
        return RedirectResponse(f"{PREFIX}/", status_code=303)
    async with httpx.AsyncClient(base_url=campus.hub_api, timeout=20) as hub:
        answer = await hub.post(
            "/oauth2/token",
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": _callback_url(),
                "client_id": os.environ["JUPYTERHUB_CLIENT_ID"],
                "client_secret": campus.token,
                "code_verifier": verifier,
            },
        )
        if answer.is_error:
            raise HTTPException(403, "The hub did not accept this sign-in. Open the campus again.")
        token = answer.json()["access_token"]
        who = (await hub.get("/user", headers={"Authorization": f"token {token}"})).raise_for_status().json()
    session_id = secrets.token_urlsafe(32)
    campus.sessions[session_id] = SignedIn(who["name"], frozenset(who.get("groups", ())))
    response = RedirectResponse(next_url, status_code=303)
    response.set_cookie(
        cookie_name(campus),
        session_id,
        path=_path(campus),
        httponly=True,
        samesite="lax",
        secure=_is_secure(campus),
    )
    response.delete_cookie(f"{cookie_name(campus)}-state", path=_path(campus), secure=_is_secure(campus))
    return response


def _to_hub(campus: Campus, request: Request) -> Response:
    state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    if len(campus.pending) >= MAXIMUM_PENDING:
        campus.pending.pop(next(iter(campus.pending)))
    next_url = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    campus.pending[state] = (verifier, next_url)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "client_id": os.environ["JUPYTERHUB_CLIENT_ID"],
        "redirect_uri": _callback_url(),
        "response_type": "code",
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    response = RedirectResponse(
        f"{campus.settings.url}/hub/api/oauth2/authorize?{urlencode(query)}", status_code=303
    )
    response.set_cookie(
        f"{cookie_name(campus)}-state",
        state,
        path=_path(campus),
        max_age=600,
        httponly=True,
        samesite="lax",
        secure=_is_secure(campus),
    )
    return response


def _callback_url() -> str:
    return os.environ["JUPYTERHUB_OAUTH_CALLBACK_URL"]


def cookie_name(campus: Campus) -> str:
    """Return the name of the session's cookie; with the prefix no browser takes it from another host."""
    return f"__Host-{COOKIE}" if campus.settings.bound_cookies else COOKIE


def _path(campus: Campus) -> str:
    return "/" if campus.settings.bound_cookies else PREFIX


def _is_secure(campus: Campus) -> bool:
    return campus.settings.url.startswith("https:")


async def _reconcile_groups(campus: Campus, signed_in: SignedIn, roles: dict[str, str]) -> None:
    """Make the hub's groups follow the database; the hub knows people from their first sign-in on."""
    kinds = {"student": "nbgrader", "instructor": "formgrade"}
    ours = {f"{kind}-{course}" for kind in kinds.values() for course in campus.courses}
    wanted = {f"{kinds[role]}-{course}" for course, role in roles.items() if course in campus.courses}
    current = signed_in.groups & ours
    if wanted == current:
        return
    headers = {"Authorization": f"token {campus.token}"}
    body = {"users": [signed_in.name]}
    async with httpx.AsyncClient(base_url=campus.hub_api, timeout=20, headers=headers) as hub:
        for group in wanted - current:
            (await hub.post(f"/groups/{group}/users", json=body)).raise_for_status()
        for group in current - wanted:
            (await hub.request("DELETE", f"/groups/{group}/users", json=body)).raise_for_status()
    signed_in.groups = (signed_in.groups - ours) | wanted
