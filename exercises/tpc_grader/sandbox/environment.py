"""What a grading job finds around it: its environment, our packages, and an identity of its own."""

from __future__ import annotations

import importlib.util
import os
import secrets
import sys
from pathlib import Path

from tpc_kernels.jupyter.server import PRELOAD_ENVIRONMENT
from tpc_kernels.linux.calls import count_of_uids

# Identities of jobs when we are root: above those of students, a new one for each job.
FIRST_UID = 1_000_000


def environment() -> dict[str, str]:
    """Return all that a job's environment holds: no name that tells grading from a student's own server."""
    return {
        **PRELOAD_ENVIRONMENT,
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": "/tmp",
        "USER": "student",
        "LOGNAME": "student",
        "LANG": "C.UTF-8",
        "MPLCONFIGDIR": "/tmp/.matplotlib",
        "JAX_PLATFORMS": "cpu",
    }


def packages() -> tuple[str, ...]:
    """Return the folders of our packages that a job needs; exercises and their solutions are in none of them."""
    found = [importlib.util.find_spec(name) for name in ("tpc_lab", "tpc_kernels", "tpc_grader")]
    return tuple(folder for spec in found if spec for folder in spec.submodule_search_locations or ())


def job_name() -> str:
    """Return a name for a job: of its box, or of its control group."""
    return f"grade-{secrets.token_hex(4)}"


def fresh_uid() -> int | None:
    """Return an identity that nobody has: what one job leaves behind, or counts against, is its own."""
    if os.geteuid() != 0:
        return None
    top = count_of_uids() - 1
    first = FIRST_UID if top > 2 * FIRST_UID else top // 2
    return first + secrets.randbelow(top - first)


def children_of(pid: int) -> list[int]:
    """Return the processes that a process started and that still run."""
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
