"""The student's side of the intake: HTTP calls with the token of their own server. Nothing here is trusted."""

from __future__ import annotations

import os
import ssl
from typing import Any

import httpx

from tpc_grader.submissions.archive import unpack
from tpc_grader.submissions.receipts import Receipt
from tpc_grader.versions.releases import LIMITS as RELEASE_LIMITS

TIMEOUT_SECONDS = 120


class IntakeError(RuntimeError):
    """The campus refused a request or did not answer; the message is for the student."""


class IntakeClient:
    """Talks to the campus service at `url` as whoever the hub says `token` is."""

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx.Client(
            base_url=url,
            # Without a token the campus says what to do; an empty one would not even be sent.
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=TIMEOUT_SECONDS,
            # Without TLS no authorities are needed: a context that trusts nobody, 5 MB less in each student's server.
            verify=True if url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            trust_env=False,  # the campus is on this machine or its network, never behind a web proxy
        )

    @classmethod
    def from_environment(cls) -> IntakeClient | None:
        """Return the client of the server this process belongs to; None outside a student's server."""
        url = os.environ.get("CAMPUS_INTAKE_URL")
        return cls(url, os.environ.get("JUPYTERHUB_API_TOKEN", "")) if url else None

    def assignments(self) -> list[dict[str, Any]]:
        """Return what can be fetched: course, exercise, version, notebooks, due and closing times."""
        return list(self._get("/assignments").json())

    def release(self, course: str, exercise: str) -> dict[str, bytes]:
        """Return the files of a released exercise."""
        return unpack(self._get(f"/{course}/{exercise}/release").content, RELEASE_LIMITS)

    def submit(self, course: str, exercise: str, archive: bytes) -> Receipt:
        """Hand in an archive and return the receipt."""
        answer = self._call("POST", f"/{course}/{exercise}/submissions", content=archive)
        return Receipt.model_validate(answer.json())

    def submissions(self) -> list[dict[str, Any]]:
        """Return one's own submissions, newest first, each with what feedback there is."""
        return list(self._get("/submissions").json())

    def feedback(self, submission: str) -> dict[str, str]:
        """Return notebook name -> HTML of the released feedback."""
        return dict(self._get(f"/submissions/{submission}/feedback").json())

    def _get(self, path: str) -> httpx.Response:
        return self._call("GET", path)

    def _call(self, method: str, path: str, content: bytes | None = None) -> httpx.Response:
        headers = {"Content-Type": "application/zip"} if content is not None else None
        try:
            answer = self._http.request(method, path, content=content, headers=headers)
        except httpx.HTTPError as e:
            raise IntakeError(
                "The campus did not answer. Your files are unchanged: try again in a minute."
            ) from e
        if answer.is_error:
            raise IntakeError(_reason(answer))
        return answer


def _reason(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"The campus answered with status {answer.status_code}. Try again in a minute."
