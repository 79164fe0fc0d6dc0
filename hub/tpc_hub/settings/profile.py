"""Settings of a place: read from `hub/profiles/<site>.toml` and CAMPUS_* variables into one frozen model."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from tpc_courses.base.places import Places
from tpc_courses.base.problems import Problem, SourceError


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Limits(Section):
    """What one student's server may use; enforced as far as the engine can."""

    memory_gib: float = Field(default=2.0, gt=0, description="memory of a server with its kernels")
    cpus: float = Field(default=1.0, gt=0, description="CPU share of a server with its kernels")
    processes: int = Field(default=200, ge=20, description="processes and threads of a server")
    tmp_gib: float = Field(default=0.5, gt=0, description="size of a server's /tmp, which lies in memory")
    file_gib: float = Field(default=2.0, gt=0, description="size of the largest file")
    home_gib: float = Field(default=10.0, ge=0, description="size of a home; 0: until the disk is full")
    idle_minutes: float = Field(
        default=60, gt=0, description="a server in which nothing runs and nobody works this long is stopped"
    )
    busy_hours: float = Field(
        default=12, gt=0, description="what runs keeps a server so long after its person was last there"
    )

    @property
    def look_seconds(self) -> float:
        """Return how often servers are looked at: often enough for what is set here."""
        return max(1.0, min(60.0, self.idle_minutes * 10, self.busy_hours * 600))


class Tls(Section):
    """Certificate and key of the public address, PEM files."""

    certificate: Path = Field(
        description="certificate with its chain; it covers the host and, with subdomains, *.host"
    )
    key: Path = Field(description="its private key, readable by the operator only")


class SignIn(Section):
    """How people sign in: the embedded way, or by oauthenticator or ltiauthenticator."""

    method: Literal["campus", "github", "cilogon", "globus", "oidc", "lti13"] = Field(
        default="campus",
        description="`campus`: accounts and passwords kept here; else who signs people in",
    )
    options: dict[str, Any] = Field(default={}, description="traits of the authenticator, by name")
    secret_file: Path | None = Field(default=None, description="file that holds the client secret")


class Settings(Section):
    """Everything that differs between two places that run the same campus."""

    host: str = Field(default="hub.localhost", description="public host name")
    port: int = Field(default=8000, ge=1, le=65526, description="public port; the nine above it serve inside")
    bind: str = Field(default="127.0.0.1", description="address to listen on")
    public_url: str = Field(default="", description="public address when a proxy or TLS changes it")
    subdomains: bool = Field(default=True, description="an own origin per person and service")
    engine: Literal["local", "stock"] = Field(default="local", description="what starts student servers")
    preload: bool = Field(default=True, description="fork servers and kernels from a preloaded process")
    share_network: bool = Field(default=False, description="give student servers the machine's network")
    trust_everyone: bool = Field(default=False, description="run also where people cannot be isolated")
    book: bool = Field(
        default=True, description="build the book after a start; else `campus build book` does"
    )
    lite: bool = Field(default=True, description="let readers of the book run Python in their browser")
    pdf: bool = Field(
        default=True, description="print the book as PDF after a start, where Chromium is installed"
    )
    pyodide: str = Field(default="", description="Full Pyodide release (path or address) with NumPy for that")
    database: str = Field(default="", description="SQLAlchemy URL; empty: SQLite in the state folder")
    limits: Limits = Limits()
    contact: str = Field(
        default="", description="whom people without a class code ask, with an address; said at the sign-in"
    )
    sign_in: SignIn = SignIn()
    tls: Tls | None = None

    @property
    def url(self) -> str:
        """Return the address people open, without a slash at the end."""
        scheme = "https" if self.tls else "http"
        standard = {"http": 80, "https": 443}[scheme]
        suffix = "" if self.port == standard else f":{self.port}"
        return (self.public_url or f"{scheme}://{self.host}{suffix}").rstrip("/")

    @property
    def campus_url(self) -> str:
        """Return the address of the campus service, without a slash at the end."""
        return self.service_url("campus")

    @property
    def bound_cookies(self) -> bool:
        """Return whether cookies belong to one host alone: https, where people's servers have hosts of their own."""
        return self.subdomains and self.url.startswith("https:")

    def service_url(self, service: str) -> str:
        """Return the address of a service, without a slash at the end: an own host with subdomains."""
        scheme, _, rest = self.url.partition("://")
        # The suffix is JupyterHub's own, so that no person can take a service's host.
        host = f"{scheme}://{service}--service.{rest}" if self.subdomains else self.url
        return f"{host}/services/{service}"

    # One public port; what serves inside takes the next ones, so a restarted hub finds its servers again.

    @property
    def hub_port(self) -> int:
        return self.port + 1

    @property
    def proxy_api_port(self) -> int:
        return self.port + 2

    @property
    def campus_port(self) -> int:
        return self.port + 3

    def formgrader_port(self, index: int) -> int:
        """Return the port of the index-th course's formgrader."""
        return self.port + 4 + index


def load_settings(places: Places, profile: str | None = None) -> Settings:
    """Return a profile with CAMPUS_* variables on top; raises SourceError with all problems.

    Without a name it is that of CAMPUS_PROFILE, else the one that the campus in this state folder was started with.
    """
    name = profile or os.environ.get("CAMPUS_PROFILE") or _started_with(places) or "local"
    path = places.profiles / f"{name}.toml"
    label = f"hub/profiles/{name}.toml"
    if not path.exists():
        known = ", ".join(sorted(each.stem for each in places.profiles.glob("*.toml")))
        raise SourceError([Problem(label, "", "no such profile", f"Create it, or use one of: {known}")])
    try:
        declared = tomllib.loads(path.read_text(encoding="utf-8"))
        return Settings.model_validate({**declared, **_from_environment()})
    except tomllib.TOMLDecodeError as e:
        raise SourceError([Problem(label, "", f"not TOML ({e})", "Correct it")]) from e
    except ValidationError as e:
        raise SourceError(_problem(label, error) for error in e.errors()) from e


def note_profile(places: Places, name: str) -> None:
    """Keep the name of the profile that a campus starts with, for commands that work on it."""
    (places.state / "profile").write_text(f"{name}\n", encoding="utf-8")


def _started_with(places: Places) -> str:
    try:
        return (places.state / "profile").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _from_environment() -> dict[str, str]:
    """Return the settings given as CAMPUS_HOST, CAMPUS_PORT, ... (plain values only)."""
    simple = {name for name, field in Settings.model_fields.items() if field.annotation in (str, int, bool)}
    return {
        name: os.environ[f"CAMPUS_{name.upper()}"]
        for name in simple
        if os.environ.get(f"CAMPUS_{name.upper()}")
    }


def _problem(label: str, error: Any) -> Problem:
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return Problem(
            label, where, "unknown key", f"Remove it or use one of: {', '.join(Settings.model_fields)}"
        )
    return Problem(label, where, error["msg"], "Correct the value here or in its CAMPUS_* variable")
