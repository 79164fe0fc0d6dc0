"""nbgrader's formgrader for one course, started when an instructor asks for it (it costs about 130 MB)."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys

from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import Course

from tpc_hub.settings.profile import Settings
from tpc_hub.settings.secrets import ensure_secret

START_SECONDS = 60
# What the server is told by its environment.
COURSE = "CAMPUS_COURSE"
CLASS_PAGE = "CAMPUS_CLASS_PAGE"


async def ensure_formgrader(places: Places, settings: Settings, course: Course, courses: list[str]) -> str:
    """Return the address of a course's formgrader, starting it when it does not run."""
    name = f"formgrader-{course.id}"
    port = settings.formgrader_port(courses.index(course.id))
    address = f"{settings.service_url(name)}/formgrader"
    if await _answers(port):
        return address
    with open(places.logs / f"{name}.log", "ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "jupyterhub.singleuser", *(["--allow-root"] if os.geteuid() == 0 else [])],
            cwd=places.nbgrader(course.id),
            env=_environment(places, settings, course, port),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    for _ in range(START_SECONDS * 4):
        if await _answers(port):
            return address
        await asyncio.sleep(0.25)
    raise TimeoutError(
        f"{name} did not answer on port {port} in {START_SECONDS} s. See {places.logs / name}.log."
    )


def _environment(places: Places, settings: Settings, course: Course, port: int) -> dict[str, str]:
    """Return what a hub would give a service it manages, without any token but this service's own."""
    inherited = {key: os.environ[key] for key in ("PATH", "LANG", "HOME", "CAMPUS_DB") if key in os.environ}
    name = f"formgrader-{course.id}"
    scope = [f"access:services!service={name}"]
    return inherited | {
        "CAMPUS_INSTANCE": str(places.state),
        "CAMPUS_ROOT": str(places.root),
        "CAMPUS_STATE": str(places.state),
        COURSE: course.id,
        CLASS_PAGE: f"{settings.service_url('campus')}/course/{course.id}/class",
        "JUPYTERHUB_API_TOKEN": ensure_secret(places, name),
        "JUPYTERHUB_API_URL": f"http://127.0.0.1:{settings.hub_port}/hub/api",
        "JUPYTERHUB_BASE_URL": "/",
        "JUPYTERHUB_HOST": settings.url if settings.subdomains else "",
        "JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED": str(int(settings.bound_cookies)),
        "JUPYTERHUB_CLIENT_ID": f"service-{name}",
        "JUPYTERHUB_SERVICE_NAME": name,
        "JUPYTERHUB_SERVICE_PREFIX": f"/services/{name}/",
        "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{port}/services/{name}/",
        "JUPYTERHUB_OAUTH_CALLBACK_URL": f"{settings.service_url(name)}/oauth_callback",
        "JUPYTERHUB_OAUTH_SCOPES": json.dumps(scope),
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES": json.dumps(scope),
        "JUPYTERHUB_DEFAULT_URL": "/formgrader",
        "JUPYTERHUB_USER": "",
        "JUPYTER_CONFIG_PATH": str(places.hub_dir / "instructor-config"),
    }


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
