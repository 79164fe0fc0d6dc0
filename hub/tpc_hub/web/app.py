"""The web application: routes for pages and JSON, the book, and the lessons' git repository."""

from __future__ import annotations

import base64
import hashlib
import os
import posixpath
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exception_handlers import http_exception_handler, request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, select_autoescape
from jupyterhub.services.auth import HubOAuth
from starlette.exceptions import HTTPException
from starlette.middleware.base import RequestResponseEndpoint
from starlette.staticfiles import StaticFiles
from tpc_courses.base.places import Places
from tpc_courses.base.tokens import LOOK
from tpc_courses.sources.manifest import LiveCourses
from tpc_grader.results import points
from tpc_grader.submissions.archive import Refused

from tpc_hub.people.people import PeopleError, open_database
from tpc_hub.settings.profile import load_settings
from tpc_hub.web.api import intake, lite, metrics, receipts, servers
from tpc_hub.web.api.packing import PackedBook
from tpc_hub.web.instructor import account, person, person_forms, regrading
from tpc_hub.web.instructor import pages as instructor
from tpc_hub.web.session import announcing
from tpc_hub.web.session.identity import SignInNeeded, callback
from tpc_hub.web.session.refused_form import page_of, refused_page, typed_values
from tpc_hub.web.session.state import Campus
from tpc_hub.web.student import exercise
from tpc_hub.web.student import pages as student

HERE = Path(__file__).parent
PREFIX = "/services/campus"
# How long what the hub says of a sign-in holds, unless the hub's own session ends before.
ASKED_AGAIN_SECONDS = 60
# The one script is in the page, and named by what it is: nothing else runs on these pages.
POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; script-src 'sha256-{}'; img-src 'self' data:; "
    "frame-ancestors 'none'; base-uri 'none'"
)

DRAWING_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def make_app() -> FastAPI:
    """Return the application for the places and settings named by the environment."""
    places = Places.find()
    settings = load_settings(places)
    templates = Environment(
        loader=FileSystemLoader(
            [HERE / "templates", HERE.parent / "templates", HERE.parent / "static", LOOK]
        ),
        autoescape=select_autoescape(),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals["font_folder"] = f"{PREFIX}/fonts/"
    templates.filters["points"] = points.shown
    script = templates.get_template("again.js").render().encode()
    app = FastAPI(
        title="TPC Campus",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{PREFIX}/openapi.json",
        lifespan=servers.watching,
    )
    open_database(places.database_url)  # a database that does not answer is found now
    app.state.policy = POLICY.format(base64.b64encode(hashlib.sha256(script).digest()).decode())
    app.state.campus = Campus(
        places=places,
        settings=settings,
        courses=LiveCourses(places),
        templates=templates,
        hub_api=os.environ["JUPYTERHUB_API_URL"],
        token=os.environ["JUPYTERHUB_API_TOKEN"],
        auth=HubOAuth(cache_max_age=ASKED_AGAIN_SECONDS),
    )
    app.add_api_route(f"{PREFIX}/oauth_callback", callback, include_in_schema=False)
    app.include_router(intake.router, prefix=PREFIX)
    app.include_router(receipts.router, prefix=PREFIX)
    app.include_router(student.router, prefix=PREFIX)
    app.include_router(exercise.router, prefix=PREFIX)
    app.include_router(instructor.router, prefix=PREFIX)
    app.include_router(person.router, prefix=PREFIX)
    app.include_router(person_forms.router, prefix=PREFIX)
    app.include_router(account.router, prefix=PREFIX)
    app.include_router(regrading.router, prefix=PREFIX)
    app.include_router(announcing.router, prefix=PREFIX)
    app.include_router(metrics.router, prefix=PREFIX)
    app.include_router(servers.router, prefix=PREFIX)
    places.lessons_git.mkdir(parents=True, exist_ok=True)
    # Lessons are public, and plain files are all that git needs to pull them.
    app.mount(f"{PREFIX}/git/lessons", StaticFiles(directory=places.lessons_git))
    app.add_api_route(f"{PREFIX}/fonts/{{name}}", _font, include_in_schema=False)
    for path, page in (("/book/{path:path}", _book), ("/robots.txt", _robots)):
        app.add_api_route(path, page, methods=["GET", "HEAD"], include_in_schema=False)
    app.add_api_route("/{path:path}", _elsewhere, include_in_schema=False)
    app.add_exception_handler(SignInNeeded, _sign_in)
    app.add_exception_handler(PeopleError, _refused)
    app.add_exception_handler(Refused, _not_given)
    app.add_exception_handler(RequestValidationError, _not_read)
    app.add_exception_handler(HTTPException, _not_given)
    app.middleware("http")(_headers)
    app.add_middleware(PackedBook)
    return app


async def _headers(request: Request, call_next: RequestResponseEndpoint) -> Response:
    response = await call_next(request)
    if request.method == "POST" and response.status_code >= 400:
        # What was not read of a refused body is not read to its end either.
        response.headers["Connection"] = "close"
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    if request.url.path.startswith("/book/") and request.url.path.endswith(".svg"):
        # A drawing that a notebook put out may hold a script; opened by itself it must not run here.
        response.headers.setdefault("Content-Security-Policy", DRAWING_POLICY)
    if request.url.path.startswith(PREFIX):
        response.headers.setdefault("Content-Security-Policy", request.app.state.policy)
        response.headers.setdefault("Cache-Control", "no-store")
    return response


async def _book(request: Request, path: str) -> Response:
    """Serve the book as last built, or say that it is being built."""
    campus: Campus = request.app.state.campus
    site = campus.places.site
    if not site.exists():
        page = campus.templates.get_template("book-soon.html").render(home_url=campus.settings.url)
        return HTMLResponse(page, status_code=503, headers={"Retry-After": "20", "Refresh": "20"})
    asked = f"/{path}"
    path = posixpath.normpath(asked).lstrip("/")  # an encoded `..` must not lead around what follows
    if path.startswith(lite.FOLDER) and (refused := lite.without_code(request)):
        return refused
    # A new mount for each request: the folder is swapped as a whole when the book is rebuilt.
    files = StaticFiles(directory=site, html=True, follow_symlink=True)
    answer = await files.get_response(path or ".", request.scope)
    if path.startswith(lite.FOLDER):
        answer.headers["Content-Security-Policy"] = lite.POLICY
    return answer


async def _font(request: Request, name: str) -> Response:
    """Serve one of the book's fonts on the origin of the campus pages, which may load from no other."""
    answer = await _book(request, name if name.endswith(".woff2") else "no-such-font")
    answer.headers["Cache-Control"] = "public, max-age=86400" if answer.status_code == 200 else "no-store"
    # Feedback is shown in a sandbox, which is of no origin.
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


async def _robots(request: Request) -> Response:
    """Serve what search engines read first, which they look for at the top of the host only."""
    return await _book(request, "robots.txt")


async def _elsewhere(request: Request, path: str) -> Response:
    """Lead people who opened 127.0.0.1 or localhost to the campus's own address."""
    campus: Campus = request.app.state.campus
    return RedirectResponse(f"{campus.settings.url}/{path}", status_code=307)


async def _sign_in(request: Request, error: Exception) -> Response:
    assert isinstance(error, SignInNeeded)
    return error.response


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, PeopleError)
    return await _refusal(request, str(error), error.status, error.field)


async def _not_read(request: Request, error: Exception) -> Response:
    """Say which field of a form is missing or of another kind than it should be."""
    assert isinstance(error, RequestValidationError)
    if not _is_page(request):
        return await request_validation_exception_handler(request, error)
    first = error.errors()[0]
    field, given = str(first["loc"][-1]), first.get("input")
    message = (
        f"{given!r} is no number." if first["type"].endswith("_parsing") else f"The field {field} is missing."
    )
    return await _refusal(request, f"{message} Nothing was changed.", 422, field)


async def _not_given(request: Request, error: Exception) -> Response:
    """Say why there is no page, or why a form did nothing: to people as a page, to programs as JSON."""
    if not _is_page(request):
        if isinstance(error, Refused):
            return await intake.refused(request, error)
        assert isinstance(error, HTTPException)
        return await http_exception_handler(request, error)
    if isinstance(error, Refused):
        return await _refusal(request, str(error), error.status, error.field)
    assert isinstance(error, HTTPException)
    return await _refusal(request, str(error.detail), error.status_code)


def _is_page(request: Request) -> bool:
    """Return whether somebody reads the answer in a browser."""
    return "text/html" in request.headers.get("accept", "")


async def _refusal(request: Request, message: str, status: int, field: str = "") -> HTMLResponse:
    """Return the page of a refused form with what was typed; a page of its own where there is none."""
    campus: Campus = request.app.state.campus
    looked = request.method in ("GET", "HEAD")
    page = None if looked else await refused_page(request, message, field)
    if page is None:
        back = None if looked else page_of(request.url.path, await typed_values(request))
        typed = [] if looked else [each for each in await typed_values(request) if each[1].strip()]
        page = campus.templates.get_template("refused.html").render(
            message=message, looked=looked, typed=typed, back=back, home_url=f"{PREFIX}/", base=PREFIX
        )
    return HTMLResponse(page, status_code=status)
