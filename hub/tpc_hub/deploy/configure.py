"""Settings and manifests to JupyterHub traits. Each `set_x(c, ...)` sets, never appends."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from tpc_courses.base.places import Places
from tpc_courses.base.tokens import LOOK
from tpc_courses.pulling import environment as pulling
from tpc_courses.sources.manifest import Course
from traitlets.utils.importstring import import_item

from tpc_hub.engines import engine_for
from tpc_hub.people.following import OPERATOR
from tpc_hub.settings.profile import Settings
from tpc_hub.settings.secrets import ensure_secret

AUTHENTICATORS = {
    "github": "oauthenticator.github.GitHubOAuthenticator",
    "cilogon": "oauthenticator.cilogon.CILogonOAuthenticator",
    "globus": "oauthenticator.globus.GlobusOAuthenticator",
    "oidc": "oauthenticator.generic.GenericOAuthenticator",
    "lti13": "ltiauthenticator.lti13.auth.LTI13Authenticator",
}
HERE = Path(__file__).parents[1]


def configure(c: Any, settings: Settings, courses: tuple[Course, ...], places: Places) -> None:
    """Fill JupyterHub's configuration object `c`."""
    os.umask(0o077)
    set_addresses(c, settings)
    set_state(c, settings, places)
    set_proxy(c, settings, courses, places)
    set_sign_in(c, settings, places)
    set_pages(c, settings)
    set_groups(c, courses)
    set_services(c, settings, courses, places)
    set_roles(c, courses)
    set_servers(c, settings, places)


def set_addresses(c: Any, settings: Settings) -> None:
    """Set where people and processes find the hub."""
    c.JupyterHub.bind_url = f"{'https' if settings.tls else 'http'}://{settings.bind}:{settings.port}"
    c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{settings.hub_port}"
    if settings.subdomains:
        c.JupyterHub.subdomain_host = settings.url
    # Without it a person's server could set cookies for the hub, whose host lies above its own.
    c.JupyterHub.cookie_host_prefix_enabled = settings.bound_cookies
    if settings.tls:
        c.JupyterHub.ssl_cert = str(settings.tls.certificate)
        c.JupyterHub.ssl_key = str(settings.tls.key)


def set_state(c: Any, settings: Settings, places: Places) -> None:
    """Keep everything the hub writes in the state folder."""
    c.JupyterHub.db_url = settings.database or f"sqlite:///{places.hub_dir / 'jupyterhub.sqlite'}"
    c.JupyterHub.cookie_secret_file = str(places.hub_dir / "cookie-secret")
    c.JupyterHub.upgrade_db = True
    c.ConfigurableHTTPProxy.pid_file = str(places.hub_dir / "proxy.pid")


def set_proxy(c: Any, settings: Settings, courses: tuple[Course, ...], places: Places) -> None:
    """Run the pinned proxy; the campus service serves the book and leads people from mistyped names."""
    c.ConfigurableHTTPProxy.command = [str(places.root / "node_modules" / ".bin" / "configurable-http-proxy")]
    c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{settings.proxy_api_port}"
    c.ConfigurableHTTPProxy.auth_token = ensure_secret(places, "proxy-token")
    campus = f"http://127.0.0.1:{settings.campus_port}"
    host = settings.host if settings.subdomains else ""
    routes = {f"{host}/book/": campus, f"{host}/robots.txt/": campus}
    for index, course in enumerate(courses):
        name = f"formgrader-{course.id}"
        host = f"{name}--service.{settings.host}" if settings.subdomains else ""
        routes[f"{host}/services/{name}/"] = f"http://127.0.0.1:{settings.formgrader_port(index)}"
    if settings.subdomains:
        routes |= {f"{name}/": campus for name in {"localhost", "127.0.0.1"} - {settings.host}}
    c.Proxy.extra_routes = routes


def set_sign_in(c: Any, settings: Settings, places: Places) -> None:
    """Choose who decides who somebody is."""
    method = settings.sign_in.method
    if method == "campus":
        c.JupyterHub.authenticator_class = "tpc_hub.deploy.sign_in.CampusAuthenticator"
        c.CampusAuthenticator.database_url = places.database_url
        c.Authenticator.allow_all = True  # an account is made by class code or roster only
        return
    from tpc_hub.deploy.outside_sign_in import with_people  # each authenticator loads its provider's library

    kind = import_item(AUTHENTICATORS[method])
    c.JupyterHub.authenticator_class = with_people(kind)
    section = c[kind.__name__]
    section["database_url"] = places.database_url
    for name, value in settings.sign_in.options.items():
        section[name] = value
    if settings.sign_in.secret_file and "client_secret" in kind.class_trait_names():
        section["client_secret"] = settings.sign_in.secret_file.read_text(encoding="utf-8").strip()


def set_pages(c: Any, settings: Settings) -> None:
    """Show our sign-in page, and the campus as the home page after it."""
    c.JupyterHub.template_paths = [str(HERE / "templates"), str(HERE / "static"), str(LOOK)]
    c.JupyterHub.template_vars = {
        "book_url": f"{settings.url}/book/",
        "campus_url": settings.campus_url,
        "contact": settings.contact,
        "font_folder": "/book/",
    }
    c.JupyterHub.default_url = f"{settings.campus_url}/"
    c.JupyterHub.implicit_spawn_seconds = 1


def set_groups(c: Any, courses: tuple[Course, ...]) -> None:
    """Create the two groups of each course; the campus service keeps their members right."""
    kinds = ("nbgrader", "formgrade")
    c.JupyterHub.load_groups = {f"{kind}-{course.id}": {"users": []} for course in courses for kind in kinds}


def set_services(c: Any, settings: Settings, courses: tuple[Course, ...], places: Places) -> None:
    """Declare the campus service and one formgrader per course (started on demand)."""
    environment = {
        "CAMPUS_ROOT": str(places.root),
        "CAMPUS_STATE": str(places.state),
        "CAMPUS_INSTANCE": str(places.state),
        "PATH": os.environ["PATH"],
    }
    environment |= {key: value for key, value in os.environ.items() if key.startswith("CAMPUS_")}
    campus = {
        "name": "campus",
        "url": f"http://127.0.0.1:{settings.campus_port}",
        "command": [sys.executable, "-m", "tpc_hub.web"],
        "cwd": str(places.root),
        "environment": environment,
        "oauth_no_confirm": True,
        "display": False,
    }
    # Without a `url` here the hub does not wait for them; `set_proxy` routes to them.
    formgraders = [
        {
            "name": f"formgrader-{course.id}",
            "api_token": ensure_secret(places, f"formgrader-{course.id}"),
            "oauth_client_id": f"service-formgrader-{course.id}",
            "oauth_redirect_uri": f"{settings.service_url(f'formgrader-{course.id}')}/oauth_callback",
            "oauth_no_confirm": True,
            "display": False,
        }
        for course in courses
    ]
    # Commands of the operator make the hub follow what they decide of people (`tpc_hub.people.following`).
    operator = {"name": OPERATOR, "api_token": ensure_secret(places, OPERATOR)}
    c.JupyterHub.services = [campus, *formgraders, operator]


def set_roles(c: Any, courses: tuple[Course, ...]) -> None:
    """Give each party the least it needs; nobody holds an admin scope."""
    groups = [f"{kind}-{course.id}" for course in courses for kind in ("nbgrader", "formgrade")]
    keep_members = [f"groups!group={group}" for group in groups]
    # `self` without saying when one was active: what the hub knows of that is what passed through the proxy.
    own = [f"{scope}!user" for scope in ("read:users", "servers", "tokens", "access:servers")]
    # A student's home page starts their server; everybody's are looked at, and stopped when they are idle.
    start = [f"start:servers!group=nbgrader-{course.id}" for course in courses]
    watch = ["list:users", "read:servers", "delete:servers"]
    c.JupyterHub.load_roles = [
        {"name": "user", "scopes": [*own, "access:services!service=campus"]},
        {"name": "campus", "services": ["campus"], "scopes": [*keep_members, *start, *watch]},
        *(
            {
                "name": f"formgrade-{course.id}",
                "groups": [f"formgrade-{course.id}"],
                "scopes": [f"access:services!service=formgrader-{course.id}"],
            }
            for course in courses
        ),
    ]


def set_servers(c: Any, settings: Settings, places: Places) -> None:
    """Say how student servers start and what they may do; the engine adds its own."""
    c.Spawner.default_url = "/lab"
    c.Spawner.disable_user_config = True
    c.Spawner.http_timeout = 120
    c.Spawner.start_timeout = 180
    c.JupyterHub.last_activity_interval = max(1, int(settings.limits.look_seconds))
    # Whoever comes when a hundred servers are starting waits seconds, not the minute that is the default.
    c.JupyterHub.spawn_throttle_retry_range = (3, 8)
    # What a server's own token may do: let its person in, and at the campus say what runs and hand in their work.
    # JupyterHub insists on asking for the first, which nobody holds here (`set_roles`).
    c.Spawner.server_token_scopes = [
        "users:activity!user",
        "access:servers!server",
        "access:services!service=campus",
    ]
    c.Spawner.environment = {
        "JUPYTER_CONFIG_PATH": str(places.hub_dir / "student-config"),
        "CAMPUS_INSTANCE": str(places.state),
        "CAMPUS_CORPUS": str(places.corpus),
        "CAMPUS_INTAKE_URL": f"http://127.0.0.1:{settings.campus_port}/services/campus/intake",
        pulling.URL: f"http://127.0.0.1:{settings.campus_port}/services/campus/git/lessons",
        pulling.CAMPUS: settings.campus_url,
        pulling.PAGE: str(places.hub_dir / "student-config" / "lesson.html"),
        "CAMPUS_PRESENCE_URL": f"http://127.0.0.1:{settings.campus_port}/services/campus/servers/presence",
        "CAMPUS_PRESENCE_SECONDS": str(settings.limits.look_seconds),
        "JUPYTERHUB_ACTIVITY_INTERVAL": "0",
    }
    engine_for(settings).configure(c, settings, places)
