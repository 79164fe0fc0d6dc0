"""The hub's part of following the campus (`tpc_hub.people.following`): groups become what the campus's database says,
sign-ins of before end, and a person whom the campus has blocked is forgotten."""

from __future__ import annotations

import asyncio
from typing import Any

from jupyterhub import orm
from jupyterhub.apihandlers.base import APIHandler
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from tornado import web

from tpc_hub.people.following import GROUPS, OPERATOR, groups_of
from tpc_hub.people.people import Person, roles_of

# The hub's services whose tokens may call.
CALLERS = ("campus", OPERATOR)
PATH = r"/api/campus/people/([^/]+)"


class FollowHandler(APIHandler):
    """Makes the hub's part of one person what the campus's database says."""

    async def post(self, name: str) -> None:
        """Look at a person again: `sign_out` ends their sign-ins, `forget` removes who is blocked."""
        caller = self.current_user
        if not isinstance(caller, orm.Service) or caller.name not in CALLERS:
            raise web.HTTPError(403, "Only the campus itself asks for this.")
        asked = self.get_json_body() or {}
        user = self.find_user(name)
        if user is not None:
            roles, blocked = await asyncio.to_thread(_of_campus, self.authenticator.engine, name)
            user.sync_groups(groups_of(roles) | _others(user))
            if asked.get("sign_out"):
                end_sign_ins(self.db, user)
            if asked.get("forget") and blocked:
                await self._forget(user)
        self.set_status(204)

    async def _forget(self, user: Any) -> None:
        if user.running:
            await self.stop_single_user(user)
        if user.spawner.pending:
            raise web.HTTPError(
                409, f"The server of {user.name} is starting or stopping. Try again in a minute."
            )
        await user.delete_spawners()
        self.users.delete(user)


def end_sign_ins(db: Any, user: Any) -> None:
    """End every sign-in of a person, at the hub and elsewhere; servers that run go on."""
    user.orm_user.cookie_id = orm.new_token()
    running = {spawner.api_token for spawner in user.spawners.values() if spawner.active}
    keep = {found.id for token in running if token and (found := orm.APIToken.find(db, token))}
    for token in list(user.orm_user.api_tokens):
        if token.id not in keep:
            db.delete(token)
    db.commit()


def _of_campus(engine: Engine, name: str) -> tuple[dict[str, str], bool]:
    with Session(engine) as session:
        person = session.get(Person, name)
        roles = roles_of(session, name)
        return roles, not roles and (person is None or not person.approved)


def _others(user: Any) -> set[str]:
    """Return the groups of a person that are not the campus's."""
    ours = tuple(f"{kind}-" for kind in GROUPS.values())
    return {group.name for group in user.orm_user.groups if not group.name.startswith(ours)}
