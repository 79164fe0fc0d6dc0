"""Which of JupyterHub's own tests run against our spawner: reads jupyterhub_suite.toml."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

SUITE = tomllib.loads((Path(__file__).parent / "jupyterhub_suite.toml").read_text(encoding="utf-8"))


def modules_that_run() -> list[str]:
    """Return the modules of which tests run."""
    return [*SUITE["whole"], *SUITE["part"]]


def runs(name: str) -> bool:
    """Return whether the test "module::test[id]", of a module that runs, is to run."""
    module, test = name.split("::", 1)
    part = SUITE["part"].get(module)
    return not matches(name, "not_run") and (part is None or test.partition("[")[0] in part["runs"])


def matches(name: str, table: str) -> bool:
    """Return whether a table of the list has a pattern for a test."""
    return any(re.fullmatch(pattern, name) for pattern in SUITE[table])
