"""The hub's pages where people set their password: the own one, or once by a link."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from jupyterhub.handlers.base import BaseHandler
from jupyterhub.utils import maybe_future
from sqlalchemy.orm import Session
from tornado import web
from tpc_courses.base.places import Places
from tpc_grader.database import audit

from tpc_hub.people.follow_handler import end_sign_ins
from tpc_hub.people.links import holder, use_link
from tpc_hub.people.people import PeopleError, Person, checked_password, is_password, set_password


class _Page(BaseHandler):
    """A page of one form."""

    async def _show(self, template: str, message: str = "", status: int = 200, **values: Any) -> None:
        self.set_status(status)
        # The address may hold a link's token.
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cache-Control", "no-store")
        self.finish(await maybe_future(self.render_template(template, message=message, **values)))


class PasswordHandler(_Page):
    """Lets people change their password; their other sign-ins end."""

    @web.authenticated
    async def get(self) -> None:
        """Show the form."""
        await self._show("password.html")

    @web.authenticated
    async def post(self) -> None:
        """Change the password of who gives the old one."""
        user = self.current_user
        old, new = (self.get_body_argument(name, "")[:1000] for name in ("old", "password"))
        if self.authenticator.too_many(user.name):
            await self._show("password.html", "Too many failures. Wait five minutes, then try again.", 429)
            return
        try:
            await asyncio.to_thread(self._check, user.name, old, new)
        except PeopleError as e:
            await self._show("password.html", str(e), 400)
            return
        # First, so that who sees that the password is another asks a hub that knows of no other sign-in.
        end_sign_ins(self.db, user)
        await asyncio.to_thread(self._change, user.name, new)
        self.set_hub_cookie(user)
        await self._show("password.html", changed=True)

    def _check(self, name: str, old: str, new: str) -> None:
        with Session(self.authenticator.engine) as session:
            if not is_password(session.get(Person, name), old):
                self.authenticator.note_failure(name)
                raise PeopleError("The old password is not right. Nothing was changed.")
        checked_password(new)

    def _change(self, name: str, new: str) -> None:
        with Session(self.authenticator.engine) as session, session.begin():
            set_password(session, name, new)
            audit.write(session, audit.Entry(name, "password changed", student=name))
        audit.export(Places.find())


class ResetHandler(_Page):
    """Lets who holds a link set a password, once."""

    async def get(self) -> None:
        """Show the form; looking uses nothing up."""
        token = self.get_argument("token", "")[:200]
        try:
            name = await asyncio.to_thread(self._holder, token)
        except PeopleError as e:
            await self._show("reset.html", str(e), 404, called="", token="")
            return
        await self._show("reset.html", called=name, token=token)

    async def post(self) -> None:
        """Set the password, and sign the person in."""
        token, new = (self.get_body_argument(name, "")[:1000] for name in ("token", "password"))
        try:
            checked_password(new)
            known = self.find_user(await asyncio.to_thread(self._account, token))
            if known is not None:
                end_sign_ins(self.db, known)
            name = await asyncio.to_thread(self._use, token, new)
        except PeopleError as e:
            with contextlib.suppress(PeopleError):
                await self._show("reset.html", str(e), 400, called=self._holder(token), token=token)
                return
            await self._show("reset.html", str(e), 404, called="", token="")
            return
        user = await self.login_user({"username": name, "password": new})
        self.redirect(self.get_next_url(user))

    def _holder(self, token: str) -> str:
        with Session(self.authenticator.engine) as session:
            person = holder(session, token)
            return person.sign_in or person.name

    def _account(self, token: str) -> str:
        with Session(self.authenticator.engine) as session:
            return holder(session, token).name

    def _use(self, token: str, password: str) -> str:
        with Session(self.authenticator.engine) as session, session.begin():
            person, entry = use_link(session, token, password)
            audit.write(session, entry)
            name = person.name
        audit.export(Places.find())
        return name
