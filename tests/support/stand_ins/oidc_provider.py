"""A stand-in for an OpenID provider on this machine: whoever is clicked signs in."""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tpc_courses.base.places import Places

# name of the choice -> what the provider tells of the person
People = Mapping[str, Mapping[str, Any]]


@contextlib.contextmanager
def oidc_provider(people: People) -> Iterator[str]:
    """Serve /authorize, /token and /userinfo; gives the address."""
    codes: dict[str, str] = {}

    class Provider(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            if url.path == "/userinfo":
                token = self.headers["Authorization"].removeprefix("Bearer ")
                self._answer(json.dumps(people[codes[token]]), "application/json")
            elif "who" not in query:
                links = (
                    f'<p><a id="{who}" href="?{urlencode(query | {"who": who})}">{who}</a></p>'
                    for who in people
                )
                self._answer(f"<h1>Who are you?</h1>{''.join(links)}", "text/html")
            else:
                code = secrets.token_urlsafe()
                codes[code] = query["who"]
                back = urlencode({"code": code, "state": query["state"]})
                self.send_response(302)
                self.send_header("Location", f"{query['redirect_uri']}?{back}")
                self.end_headers()

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self._answer(
                json.dumps({"access_token": form["code"][0], "token_type": "Bearer"}), "application/json"
            )

        def _answer(self, text: str, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def use_provider(places: Places, url: str) -> None:
    """Give a campus tree of its own a profile `oidc` that signs in by the provider."""
    hub = places.root / "hub"
    theirs = hub.resolve()
    hub.unlink()
    (hub / "profiles").mkdir(parents=True)
    for each in theirs.iterdir():
        if each.name != "profiles":
            (hub / each.name).symlink_to(each)
    secret = places.root / "oidc-secret"
    secret.write_text("kept between the two")
    (hub / "profiles" / "oidc.toml").write_text(
        f"""
contact = "Grace Hopper, grace@example.org"

[sign_in]
method = "oidc"
secret_file = "{secret}"

[sign_in.options]
client_id = "campus"
authorize_url = "{url}/authorize"
token_url = "{url}/token"
userdata_url = "{url}/userinfo"
username_claim = "preferred_username"
scope = ["openid"]
allow_all = true
"""
    )
