"""Sign-in by others (OpenID, GitHub, CILogon, Globus, LTI): whoever it names is one person of the campus.

The provider's name may be an e-mail address, begin with a digit, or differ from another's by the case of a letter.
The hub knows people by the name that the campus made (`tpc_hub.people.directory`); who may sign in is decided by the
provider's name before.
"""

from __future__ import annotations

import asyncio
import threading
import types
from collections.abc import Mapping
from typing import Any

from jupyterhub.auth import Authenticator
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from traitlets import Unicode

from tpc_hub.people.directory import Claims, claims_of, signed_in
from tpc_hub.people.follow_handler import PATH, FollowHandler
from tpc_hub.people.people import open_database


class WithPeople(Authenticator):
    """Signs in people of the campus, whom the authenticator that comes after it names."""

    database_url = Unicode(help="SQLAlchemy URL of the campus database").tag(config=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.engine: Engine = open_database(self.database_url)
        # Of two who sign in at once and are called alike, each finds the same name free.
        self._naming = threading.Lock()

    def normalize_username(self, username: str) -> str:
        """Keep the name as the provider writes it: others may differ from it in case only."""
        return str(self.username_map.get(username, username))

    def validate_username(self, username: str) -> bool:
        """Take any name that can be kept: it names no folder and no address."""
        return 0 < len(username) <= 255 and username.isprintable()

    async def run_post_auth_hook(self, handler: Any, auth_model: Any) -> Any:
        """Put the campus's name of the person in the place of the provider's."""
        auth_model = await super().run_post_auth_hook(handler, auth_model)
        if auth_model:
            claims = claims_of(auth_model["name"], self._told(auth_model))
            auth_model["name"] = await asyncio.to_thread(self._name_of, claims)
        return auth_model

    async def refresh_user(self, user: Any, handler: Any = None, **named: Any) -> Any:
        """Keep the campus's name when the provider is asked again."""
        answer = await super().refresh_user(user, handler, **named)
        return answer | {"name": user.name} if isinstance(answer, dict) else answer

    def get_handlers(self, app: Any) -> list[tuple[str, type]]:
        """Return the pages of the provider's sign-in, and where the campus tells the hub of people."""
        return [*super().get_handlers(app), (PATH, FollowHandler)]

    def _name_of(self, claims: Claims) -> str:
        with self._naming, Session(self.engine) as session, session.begin():
            return signed_in(session, claims).name

    def _told(self, auth_model: Mapping[str, Any]) -> Mapping[str, Any]:
        state = auth_model.get("auth_state") or {}
        told = state.get(getattr(self, "user_auth_state_key", ""), state)
        return told if isinstance(told, Mapping) else {}


def with_people(kind: type[Authenticator]) -> type[Authenticator]:
    """Return an authenticator class that signs in people of the campus; its options are those of `kind`."""
    named = {"__module__": __name__}
    return types.new_class(
        f"Campus{kind.__name__}", (WithPeople, kind), exec_body=lambda body: body.update(named)
    )
