"""Metrics of grading for a monitoring system that holds the campus's token; nobody else may read them."""

from __future__ import annotations

import secrets

import anyio
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST
from tpc_grader.desk.metrics import metrics_text

from tpc_hub.settings.secrets import ensure_secret
from tpc_hub.web.session.identity import campus_of

router = APIRouter()
# The name of the secret in the state folder, hub/secrets/.
TOKEN = "metrics-token"


@router.get("/metrics", tags=["metrics"])
async def metrics(request: Request) -> Response:
    """Return Prometheus text to who sends `Authorization: Bearer` with the token in hub/secrets/metrics-token."""
    places = campus_of(request).places
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    wanted = ensure_secret(places, TOKEN)
    if kind.lower() != "bearer" or not secrets.compare_digest(token.strip().encode(), wanted.encode()):
        raise HTTPException(
            401,
            f"Metrics need the token in the state folder, hub/secrets/{TOKEN}, as a bearer token.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    text = await anyio.to_thread.run_sync(metrics_text, places)
    return Response(text, media_type=CONTENT_TYPE_LATEST)
