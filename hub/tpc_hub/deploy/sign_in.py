"""The embedded sign-in: accounts by class code or roster, per-person passwords, optional approval."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict, deque
from typing import Any

from jupyterhub.auth import Authenticator
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.utils import maybe_future
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import load_courses
from tpc_grader.database.engine import utcnow
from traitlets import Unicode

from tpc_hub.deploy.password_pages import PasswordHandler, ResetHandler
from tpc_hub.people.directory import find_person, sign_up
from tpc_hub.people.follow_handler import PATH, FollowHandler
from tpc_hub.people.people import PeopleError, Person, is_password, open_database

ATTEMPTS = 10
WINDOW_SECONDS = 300.0


class CampusAuthenticator(Authenticator):
    """Checks passwords against the campus database; nativeauthenticator 1.3 does not run on Hub 6.

    People may type whatever they are known by: user name, e-mail address or student number.
    """

    database_url = Unicode(help="SQLAlchemy URL of the campus database").tag(config=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.engine: Engine = open_database(self.database_url)
        self._failures: dict[str, deque[float]] = defaultdict(deque)

    async def authenticate(self, handler: Any, data: dict[str, str]) -> str | None:
        """Return the name of the person who gave the right password and is approved, else None."""
        typed = data.get("username", "")[:300]
        # All that one person is known by counts as one name.
        name = await asyncio.to_thread(self._known_as, typed) or typed.strip().lower()
        if self.too_many(name):
            self.log.warning("Sign-in of %r refused: %d failures in a few minutes", name[:30], ATTEMPTS)
            return None
        # Hashing takes tens of milliseconds by design; the hub's loop must go on meanwhile.
        accepted = await asyncio.to_thread(self._is_accepted, name, data.get("password", "")[:1000])
        if not accepted:
            self.note_failure(name)
            return None
        self._failures.pop(name, None)
        return name

    def _known_as(self, typed: str) -> str | None:
        with Session(self.engine) as session, contextlib.suppress(PeopleError):
            person = find_person(session, typed)
            return person.name if person else None
        return None

    def _is_accepted(self, name: str, password: str) -> bool:
        with Session(self.engine) as session, session.begin():
            person = session.get(Person, name)
            if not is_password(person, password) or person is None or not person.approved:
                return False
            person.seen = person.seen or utcnow()
            return True

    def note_failure(self, name: str) -> None:
        """Count a wrong password."""
        self._failures[name].append(time.monotonic())

    def too_many(self, name: str) -> bool:
        """Return whether a person's password was wrong too often lately."""
        failures = self._failures[name]
        while failures and failures[0] < time.monotonic() - WINDOW_SECONDS:
            failures.popleft()
        if not failures:
            del self._failures[name]
        return len(failures) >= ATTEMPTS

    def get_handlers(self, app: Any) -> list[tuple[str, type]]:
        """Return the extra pages: sign-up and passwords."""
        return [
            *super().get_handlers(app),
            (r"/signup", SignUpHandler),
            (r"/password", PasswordHandler),
            (r"/reset", ResetHandler),
            (PATH, FollowHandler),
        ]


class SignUpHandler(BaseHandler):
    """The sign-up form: GET shows it, POST makes the account and signs the person in."""

    async def get(self) -> None:
        await self._show("", {"code": self.get_argument("code", "")[:40]})

    async def post(self) -> None:
        fields = {
            key: self.get_body_argument(key, "") for key in ("name", "display_name", "password", "code")
        }
        try:
            approved = await asyncio.to_thread(self._sign_up, fields)
        except PeopleError as e:
            self.set_status(400)
            await self._show(str(e), fields)
            return
        if not approved:
            await self._show(
                "Your account waits for your instructor's approval. Sign in after that. "
                "Where the instructor gave you a link, use the link instead.",
                {},
            )
            return
        user = await self.login_user({"username": fields["name"], "password": fields["password"]})
        self.redirect(self.get_next_url(user))

    def _sign_up(self, fields: dict[str, str]) -> bool:
        approval = [course.id for course in load_courses(Places.find()) if course.approval]
        with Session(self.authenticator.engine) as session, session.begin():
            return sign_up(session, approval=approval, **fields).approved

    async def _show(self, message: str, fields: dict[str, str]) -> None:
        page = self.render_template("signup.html", message=message, fields=fields)
        self.finish(await maybe_future(page))
