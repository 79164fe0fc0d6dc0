"""Signs people in at a real hub without a browser, and gets tokens for them as their servers hold."""

from __future__ import annotations

import httpx
from running_campus import RunningCampus
from tpc_hub.people import people
from tpc_hub.people.people import Person, enrol, random_password, set_password

# What `tpc_hub.deploy.configure` gives to a student's server.
SERVER_SCOPES = ["access:services!service=campus"]


def add_student(campus: RunningCampus, name: str, course: str) -> str:
    """Add a student of a course and return their password."""
    password = random_password()
    with people.transaction(campus.places) as session:
        session.add(Person(name=name, display_name=name.title()))
        session.flush()
        set_password(session, name, password)
        enrol(session, course, name)
    return password


def first_sign_in(campus: RunningCampus, name: str, password: str) -> None:
    """Sign a person in once: from then on the hub knows them."""
    with _client(campus) as client:
        client.get("/hub/login")
        form = {"username": name, "password": password, "_xsrf": client.cookies["_xsrf"]}
        answer = client.post("/hub/login", data=form)
        assert answer.status_code == 302, answer.text


def token_of(campus: RunningCampus, name: str, password: str, scopes: list[str]) -> str:
    """Return a new token of a person with these scopes."""
    who = {"username": name, "password": password}
    with _client(campus) as client:
        answer = client.post(f"/hub/api/users/{name}/tokens", json={"auth": who, "scopes": scopes})
    assert answer.status_code == 201, answer.text
    return answer.json()["token"]


def _client(campus: RunningCampus) -> httpx.Client:
    address = f"http://127.0.0.1:{campus.port}"
    return httpx.Client(base_url=address, timeout=60, headers={"Host": f"hub.localhost:{campus.port}"})
