"""Who is asking: sign-in by the hub's OAuth (with PKCE), asked again each minute, course roles from the database."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

import httpx
from fastapi import Depends, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import select
from tornado.web import HTTPError as HubError
from tpc_courses.sources.manifest import Course

from tpc_hub.people import people
from tpc_hub.people.following import GROUPS, groups_of
from tpc_hub.people.people import Person, roles_of
from tpc_hub.web.session.state import Campus

COOKIE = "campus-session"
PREFIX = "/services/campus"
HUB_SESSION = "jupyterhub-session-id"
# The scope that says that a token is meant for this service.
SCOPE = "access:services!service=campus"


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
    token = request.cookies.get(cookie_name(campus), "")
    # The hub's own session is part of the question: who signed out there has another one, or none.
    session_id = request.cookies.get(HUB_SESSION, "")
    known = token and await campus.auth.user_for_token(token, session_id=session_id, sync=False)
    if known and _is_signed_out(campus, known.get("name", "")):
        # The password is another since the hub was asked: what it said then is no answer any more.
        campus.auth.cache.clear()
        known = await campus.auth.user_for_token(token, session_id=session_id, sync=False)
    # A token that the same person gave to another service, or to somebody's server, signs nobody in here; nor does
    # the own server's, which belongs to no session of a browser: what runs there presses no button here.
    if not known or not _is_a_browsers(known) or not campus.auth.check_scopes({SCOPE}, known):
        if request.method != "GET":
            raise HTTPException(
                403, "You were signed out. Nothing was changed: go back, reload and try again."
            )
        raise SignInNeeded(_to_hub(campus, request))
    name = known["name"]
    with people.session(campus.places) as session:
        roles = roles_of(session, name)
        person = session.get(Person, name)
    await _reconcile_groups(campus, name, frozenset(known.get("groups", ())), roles)
    return Visitor(name, person.display_name if person else name, roles, form_token(campus.token, token))


def _is_signed_out(campus: Campus, name: str) -> bool:
    """Return whether a person's sign-ins ended since this was asked last."""
    with people.session(campus.places) as session:
        moment = session.scalar(select(Person.signed_out).where(Person.name == name))
    before = campus.signed_out.get(name, moment)
    campus.signed_out[name] = moment
    return moment != before


def _is_a_browsers(known: Mapping[str, Any]) -> bool:
    return known.get("kind") == "user" and bool(known.get("session_id"))


def form_token(secret: str, token: str) -> str:
    """Return what a form of our own pages carries for the sign-in of a token; `secret` is the service's."""
    return hmac.digest(secret.encode(), b"form" + token.encode(), "sha256").hex()


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
    """Finish the sign-in: exchange the code for a token, which the browser keeps where no script reads it."""
    campus, auth = campus_of(request), campus_of(request).auth
    if not state or request.cookies.get(_state_cookie(campus)) != state:
        return RedirectResponse(f"{PREFIX}/", status_code=303)
    next_url, verifier = auth.get_next_url(state), auth.get_code_verifier(state)
    auth.clear_oauth_state(state)
    if not verifier:
        return RedirectResponse(f"{PREFIX}/", status_code=303)
    try:
        token = await auth.token_for_code(code, code_verifier=verifier, sync=False)
    except HubError as e:
        raise HTTPException(403, "The hub did not accept this sign-in. Open the campus again.") from e
    response = RedirectResponse(next_url, status_code=303)
    response.set_cookie(cookie_name(campus), token, **_cookie_options(campus))
    response.delete_cookie(_state_cookie(campus), path=_path(campus), secure=_is_secure(campus))
    return response


def _to_hub(campus: Campus, request: Request) -> Response:
    auth = campus.auth
    next_url = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    verifier, challenge, method = auth.generate_pkce_code_challenge()
    state = auth.generate_state(next_url, code_verifier=verifier)
    query = {"state": state, "code_challenge": challenge, "code_challenge_method": method}
    response = RedirectResponse(f"{auth.login_url}&{urlencode(query)}", status_code=303)
    response.set_cookie(_state_cookie(campus), state, max_age=600, **_cookie_options(campus))
    return response


def sign_out(campus: Campus, request: Request) -> Response:
    """End the sign-in here and lead to the hub, which ends it everywhere."""
    campus.auth.cache.clear()
    response = RedirectResponse(f"{campus.settings.url}/hub/logout", status_code=303)
    response.delete_cookie(cookie_name(campus), path=_path(campus), secure=_is_secure(campus))
    return response


def _state_cookie(campus: Campus) -> str:
    return f"{cookie_name(campus)}-state"


def _cookie_options(campus: Campus) -> dict[str, Any]:
    secure = _is_secure(campus)
    return {"path": _path(campus), "httponly": True, "samesite": "lax", "secure": secure}


def cookie_name(campus: Campus) -> str:
    """Return the name of the session's cookie; with the prefix no browser takes it from another host."""
    return f"__Host-{COOKIE}" if campus.settings.bound_cookies else COOKIE


def _path(campus: Campus) -> str:
    return "/" if campus.settings.bound_cookies else PREFIX


def _is_secure(campus: Campus) -> bool:
    return campus.settings.url.startswith("https:")


async def _reconcile_groups(campus: Campus, name: str, held: frozenset[str], roles: dict[str, str]) -> None:
    """Make the hub's groups follow the database; the hub knows people from their first sign-in on."""
    ours = {f"{kind}-{course}" for kind in GROUPS.values() for course in campus.courses}
    wanted = frozenset(groups_of(roles) & ours)
    # What the hub said of the groups may be a minute old.
    current = campus.groups.get(name, held & ours)
    if wanted == current:
        return
    headers = {"Authorization": f"token {campus.token}"}
    body = {"users": [name]}
    async with httpx.AsyncClient(base_url=campus.hub_api, timeout=20, headers=headers) as hub:
        for group in wanted - current:
            (await hub.post(f"/groups/{group}/users", json=body)).raise_for_status()
        for group in current - wanted:
            (await hub.request("DELETE", f"/groups/{group}/users", json=body)).raise_for_status()
    campus.groups[name] = wanted
