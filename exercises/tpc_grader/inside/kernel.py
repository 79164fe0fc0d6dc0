"""What code in a notebook finds around it besides the shell: a kernel, a running event loop, a front end's magics.

A job of ours is no Jupyter kernel: nobody is at the other end. What a kernel would send somewhere goes nowhere here,
and what it would ask somebody is refused in words.
"""

from __future__ import annotations

import asyncio
import builtins
import fnmatch
import getpass
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from tpc_grader.inside.shell import Shell

Value = TypeVar("Value")
# Turns of the loop after a cell, in which tasks that it began go on as they do in a kernel.
TURNS = 3
# Magics of the notebook's front end. What they set has no meaning here.
FRONT_END_MAGICS = ("autosave", "clear", "connect_info", "less", "man", "more", "qtconsole", "subshell")
NOBODY = "input() asks a person, and nobody is there while work is graded. Give the value in the code."


class NobodyThere(RuntimeError):
    """Code asked a person for something."""


class CommManager:
    """Keeps what widgets register; nothing ever arrives for them."""

    def __init__(self) -> None:
        self.comms: dict[str, Any] = {}
        self.targets: dict[str, Any] = {}

    def register_target(self, name: str, handler: Any) -> None:
        """Keep who answers messages of a kind."""
        self.targets[name] = handler

    def unregister_target(self, name: str, handler: Any) -> None:
        """Forget it."""
        self.targets.pop(name, None)

    def register_comm(self, comm: Any) -> str:
        """Keep one end of a conversation with a widget."""
        self.comms[comm.comm_id] = comm
        return str(comm.comm_id)

    def unregister_comm(self, comm: Any) -> None:
        """Forget it."""
        self.comms.pop(comm.comm_id, None)


class Kernel:
    """What `get_ipython().kernel` is."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.comm_manager = CommManager()

    @property
    def user_ns(self) -> dict[str, Any]:
        """Return the names of the notebook."""
        return self.shell.user_ns

    def get_parent(self, channel: str = "shell") -> dict[str, Any]:
        """Return the message that asked for the cell: none did."""
        return {"header": {"msg_id": "", "msg_type": "execute_request"}, "content": {}, "metadata": {}}


class Drawer(dict[str, Any]):
    """Where `%store` keeps things, asked as IPython asks its database of files."""

    def keys(self, pattern: str | None = None) -> list[str]:  # type: ignore[override]
        """Return names, all or those of a pattern."""
        return fnmatch.filter(list(self), pattern or "*")


def equip(shell: Shell) -> None:
    """Give a shell what cells expect of a kernel."""
    shell.kernel = Kernel(shell)
    for name in FRONT_END_MAGICS:
        shell.register_magic_function(_nothing, "line", name)  # type: ignore[arg-type]
    shell.db = Drawer()  # what `%store` keeps is of this job alone
    shell.run_line_magic("load_ext", "storemagic")
    builtins.input = getpass.getpass = _nobody_answers


def in_loop(loop: asyncio.AbstractEventLoop, act: Callable[[], Awaitable[Value]]) -> Value:
    """Return what an action gives that runs in an event loop, as all code of a kernel does."""

    async def acted() -> Value:
        try:
            return await act()
        finally:
            for _ in range(TURNS):
                await asyncio.sleep(0)

    return loop.run_until_complete(acted())


def _nothing(line: Any = "") -> None:
    """Do what a front end's magic does where there is no front end."""


def _nobody_answers(*_: Any, **__: Any) -> str:
    raise NobodyThere(NOBODY)
