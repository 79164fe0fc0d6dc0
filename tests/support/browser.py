"""A real browser for tests: the system's Chromium, driven by playwright."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator

from playwright.sync_api import Browser, Page, expect, sync_playwright
from running_campus import RunningCampus

# The sandbox needs what root in a container lacks; the rest keeps Chromium from calling home.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# What a page shows in a moment takes many where the machine is busy.
expect.set_options(timeout=60_000)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start headless Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


def new_page(browser: Browser, width: int = 1280) -> Page:
    """Return a page of a fresh person: own cookies, nothing stored."""
    page = browser.new_context(viewport={"width": width, "height": 900}).new_page()
    page.set_default_timeout(90_000)
    return page


def sign_up(page: Page, campus: RunningCampus, course: str, name: str) -> None:
    """Sign up with a class code; ends on the campus page."""
    page.goto(f"{campus.url}/hub/signup")
    page.fill("#code", campus.code(course))
    page.fill("#name", name)
    page.fill("#display_name", f"{name.title()} Example")
    page.fill("#password", f"{name}-password-1")
    page.click("#signup_submit")
    page.wait_for_url(f"{campus.campus_url}/")


def sign_in(page: Page, campus: RunningCampus, name: str, password: str) -> None:
    """Sign in; ends on the campus page."""
    page.goto(f"{campus.url}/hub/login")
    page.fill("#username_input", name)
    page.fill("#password_input", password)
    page.click("#login_submit")
    page.wait_for_url(f"{campus.campus_url}/")


def run_all_cells(page: Page) -> None:
    """Run all cells of the notebook that opens; its menu is ready a moment after it shows."""
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
    enabled = '.lm-Menu-item:not(.lm-mod-disabled):has(.lm-Menu-itemLabel:text-is("Run All Cells"))'
    for _ in range(20):
        page.click('.lm-MenuBar-itemLabel:has-text("Run")')
        if page.locator(enabled).count():
            page.click(enabled)
            return
        page.keyboard.press("Escape")
        page.wait_for_timeout(500)
    raise AssertionError("the notebook cannot be run")
