"""Secrets of this deployment: drawn once, one file each, readable by the operator only."""

from __future__ import annotations

import os
import secrets

from tpc_courses.base.places import Places


def ensure_secret(places: Places, name: str) -> str:
    """Return the secret called `name`, drawing it at first use."""
    path = places.hub_dir / "secrets" / name
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
    return path.read_text(encoding="utf-8")
