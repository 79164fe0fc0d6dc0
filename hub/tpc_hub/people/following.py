"""The hub follows at once what the campus decides of people: groups, sign-ins, and who there is.

The hub has one address that takes a name (`follow_handler`). Whoever calls it can make the hub look at the
campus's database again, and nothing else. The campus service and commands call it.
"""

from __future__ import annotations

import json
from urllib.parse import quote

import httpx
from tpc_courses.base.places import Places

from tpc_hub.settings.profile import Settings
from tpc_hub.settings.secrets import ensure_secret

# The service of the hub that commands speak for, and the name of its secret.
OPERATOR = "operator"
GROUPS = {"student": "nbgrader", "instructor": "formgrade"}
SECONDS = 60


def groups_of(roles: dict[str, str]) -> set[str]:
    """Return the hub's groups of somebody with these roles."""
    return {f"{GROUPS[role]}-{course}" for course, role in roles.items()}


def follow(places: Places, settings: Settings, name: str, **asked: bool) -> bool:
    """Make a running hub follow, as the operator; returns whether one runs."""
    hub_api = f"http://127.0.0.1:{settings.hub_port}/hub/api"
    return tell(hub_api, ensure_secret(places, OPERATOR), name, **asked)


def tell(hub_api: str, token: str, name: str, **asked: bool) -> bool:
    """Make a hub follow; returns whether it runs. Raises RuntimeError where it does not follow."""
    address = f"{hub_api}/campus/people/{quote(name, safe='')}"
    headers = {"Authorization": f"token {token}"}
    try:
        answer = httpx.post(address, json=asked, headers=headers, timeout=SECONDS, trust_env=False)
    except httpx.ConnectError:
        return False
    except httpx.HTTPError as e:
        raise RuntimeError(f"The hub did not answer about {name} in {SECONDS} s. Try again.") from e
    if answer.is_error:
        raise RuntimeError(f"The hub did not follow for {name}: {_reason(answer)}")
    return True


def _reason(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (json.JSONDecodeError, KeyError, TypeError):
        return f"it answered {answer.status_code}. Its log is logs/hub.log in the state folder."
