"""A campus that serves https itself: people and instructors get in, with cookies that no other host can set."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from browser import chromium
from campus_tree import REPOSITORY, make_tree, write
from running_campus import free_ports, running_campus

pytestmark = [pytest.mark.hub, pytest.mark.timeout(400)]
PROFILE = """
[tls]
certificate = "{folder}/certificate.pem"
key = "{folder}/key.pem"
"""


@pytest.fixture
def places(tmp_path: Path):
    """A small tree whose profile names a certificate for hub.localhost and the hosts below it."""
    places = make_tree(tmp_path / "root", tmp_path / "state")
    hub = places.root / "hub"
    hub.unlink()
    write(hub / "profiles" / "secure.toml", PROFILE.format(folder=tmp_path))
    (hub / "jupyterhub_config.py").symlink_to(REPOSITORY / "hub" / "jupyterhub_config.py")
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=hub.localhost",
    ]
    names = "subjectAltName=DNS:hub.localhost,DNS:*.hub.localhost"
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "certificate.pem")]
    subprocess.run([*command, "-addext", names, *files], check=True, capture_output=True)
    return places


def test_over_https_cookies_belong_to_one_host_and_everything_opens(places):
    with running_campus(places, free_ports(), "--profile", "secure") as campus, chromium() as browser:
        context = browser.new_context(ignore_https_errors=True)
        page = context.new_page()
        page.set_default_timeout(30_000)
        while not page.query_selector("#code"):  # the proxy learns its routes a moment after the hub answers
            page.goto(f"https://hub.localhost:{campus.port}/hub/signup")
            page.wait_for_timeout(200)
        page.fill("#code", campus.code("scaling"))
        for field in ("name", "display_name"):
            page.fill(f"#{field}", "ada")
        page.fill("#password", "ada-password")
        page.click("#signup_submit")
        page.wait_for_load_state()
        page.goto(f"https://hub.localhost:{campus.port}/hub/login")
        if page.query_selector("#username_input"):
            page.fill("#username_input", "ada")
            page.fill("#password_input", "ada-password")
            page.click("#login_submit")
        page.wait_for_url("**/services/campus/**")
        page.goto(f"https://hub.localhost:{campus.port}/hub/user-redirect/lab")
        page.wait_for_selector("#jp-main-dock-panel")
        cookies = {each["name"] for each in context.cookies() if each["path"] == "/" and each["secure"]}
        assert cookies >= {
            f"__Host-{name}" for name in ("jupyterhub-hub-login", "jupyterhub-user-ada", "campus-session")
        }
        assert not {"jupyterhub-hub-login", "campus-session"} & {each["name"] for each in context.cookies()}

        page = browser.new_context(ignore_https_errors=True).new_page()
        page.set_default_timeout(60_000)
        page.goto(f"https://hub.localhost:{campus.port}/hub/login")
        page.fill("#username_input", "instructor")
        page.fill("#password_input", campus.instructor_password())
        page.click("#login_submit")
        page.wait_for_url("**/services/campus/**")
        page.goto(f"https://campus--service.hub.localhost:{campus.port}/services/campus/course/scaling/class")
        with page.expect_popup() as opened:
            page.click('button:has-text("formgrader")')
        opened.value.wait_for_selector("text=Manage Assignments")
        assert "__Host-service-formgrader-scaling" in {each["name"] for each in page.context.cookies()}
