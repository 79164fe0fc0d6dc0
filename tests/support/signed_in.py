"""A browser at the campus service alone, in which somebody is signed in: what the hub would say is known already."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from tpc_hub.web.session.identity import SCOPE, form_token

TOKEN = "of-a-test"
SECRET = "none"
# What forms of the signed-in person carry.
FORM = form_token(SECRET, TOKEN)
HUB = {
    "JUPYTERHUB_API_URL": "http://127.0.0.1:9/hub/api",
    "JUPYTERHUB_API_TOKEN": SECRET,
    "JUPYTERHUB_CLIENT_ID": "service-campus",
}


def signed_in_client(
    app: FastAPI, name: str, group: str, scopes: Sequence[str] = (SCOPE,), kind: str = "user", **client: Any
) -> TestClient:
    """Return a client with the cookie of somebody whose groups at the hub are right; `scopes` are the token's."""
    # As JupyterHub's HubOAuth keeps the hub's answers: by session and token.
    key = f"token::{hashlib.sha256(TOKEN.encode()).hexdigest()}"
    app.state.campus.auth.cache[key] = {
        "kind": kind,
        "name": name,
        "groups": [group],
        "scopes": list(scopes),
        "session_id": "of-a-browser",
    }
    return TestClient(app, cookies={"campus-session": TOKEN}, **client)
