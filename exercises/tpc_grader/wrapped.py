"""Runs a grading job under bubblewrap: a view like a box's, and inside it the same identity, limits and filter.

Bubblewrap builds the view; then this module, the first thing to run in it, gives up every right before a line of
the student's code is there. Not limited: the number of files in /tmp, but by memory and time.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from tpc_kernels.box import SETTINGS, SYSTEM, give_up_rights, software
from tpc_kernels.limits import Group
from tpc_kernels.limits import Limits as BoxLimits

from tpc_grader.limits import Limits
from tpc_grader.plain import Plain, run_plain
from tpc_grader.surroundings import environment, fresh_uid, job_name, packages

PROBE_SECONDS = 30


def start_wrapped(role: str, limits: Limits, files: tuple[int, ...]) -> Plain:
    """Start a job whose role is a module of this package, with these descriptors."""
    group = Group(job_name(), limits.of_processes())
    return run_plain(_command(role, limits), None, files, group)


@cache
def bubblewrap_problem() -> str:
    """Return why bubblewrap cannot confine here, or an empty text."""
    if shutil.which("bwrap") is None:
        return "not installed"
    try:
        answer = subprocess.run(_command("", Limits()), capture_output=True, text=True, timeout=PROBE_SECONDS)
    except subprocess.TimeoutExpired:
        return f"the trial did not end in {PROBE_SECONDS} s"
    lines = answer.stderr.strip().splitlines()
    return "" if answer.stdout == "inside\n" else (lines[-1] if lines else f"code {answer.returncode}")


def describe_wrapped() -> str:
    """Return in words what is limited under bubblewrap here."""
    kinds = Group.kinds()
    memory = "control group" if kinds["memory"] else "resource limit, per process"
    processes = "control group" if kinds["pids"] else "resource limit, per identity"
    return (
        f"in bubblewrap without a network; memory: {memory}, processes: {processes}, "
        "number of files: by memory and time only"
    )


def _command(role: str, limits: Limits) -> list[str]:
    told = json.dumps(dataclasses.asdict(limits.of_processes()))
    inside = [sys.executable, "-P", "-m", "tpc_grader.wrapped", role, str(fresh_uid() or ""), told]
    return [*_bubblewrap(limits), "--", *inside]


def _bubblewrap(limits: Limits) -> list[str]:
    """Return bubblewrap's command line: the same view as a box has, and for root what a change of identity needs."""
    shown = [each for path in (*SYSTEM, *SETTINGS) for each in ("--ro-bind-try", path, path)]
    paths = (*software(), *packages())
    ours = [each for path in paths for each in ("--ro-bind", path, path)]
    # What leads to them, which bwrap would make for its own identity only.
    above = dict.fromkeys(str(folder) for path in paths for folder in reversed(Path(path).parents[:-1]))
    folders = [each for folder in above for each in ("--perms", "0755", "--dir", folder)]
    for_all = ["--perms", "1777", "--size", str(limits.tmp_bytes), "--tmpfs"]
    rights = (
        ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] if os.geteuid() == 0 else ["--unshare-user"]
    )
    return [
        "bwrap", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try",
        "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL", *rights,
        "--hostname", "campus", *shown, *for_all, "/tmp", *folders, *ours, "--proc", "/proc", "--dev", "/dev",
        *for_all, "/dev/shm", "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp",
        *(each for name, value in environment().items() for each in ("--setenv", name, value)),
    ]  # fmt: skip


def main() -> int:
    """Give up all rights and be what the role says; without a role say that it worked."""
    role, uid, limits = sys.argv[1:]
    give_up_rights(BoxLimits(**json.loads(limits)), int(uid) if uid else None)
    if not role:
        print("inside", flush=True)
        return 0
    code: int = importlib.import_module(f"tpc_grader.{role}").serve()
    return code


if __name__ == "__main__":
    sys.exit(main())
