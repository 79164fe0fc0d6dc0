"""Finds out, by trying, what this machine can enforce on a box."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tpc_kernels.box.limits import Group
from tpc_kernels.linux import seccomp

PROBE_SECONDS = 20


@dataclass(frozen=True)
class Protections:
    """What a box enforces on this machine. `reason` says why boxes cannot be built, or is empty."""

    reason: str
    own_identity: bool
    memory: str  # "control group" or "resource limit, per process"
    processes: str
    cpu: bool
    system_calls: bool

    @property
    def confined(self) -> bool:
        """Return whether a box hides files, processes and the network at all."""
        return not self.reason

    def active(self) -> tuple[str, ...]:
        """Return the protections that hold, in sentences."""
        if not self.confined:
            return ()
        identity = (
            "an own user id"
            if self.own_identity
            else "a user namespace (the user id outside is the operator's)"
        )
        return (
            f"Each person's processes run in a box of their own with {identity}.",
            "A box sees its own home, read-only software, a private /tmp and its own processes only.",
            "A box has a network of its own: it reaches the hub and the campus service, nothing else.",
            f"Memory is limited ({self.memory}); so is the number of processes ({self.processes}).",
            *(
                ["CPU share is limited (control group); who has worked little goes first."]
                if self.cpu
                else []
            ),
            *(
                ["System calls for mounting, tracing and new namespaces are refused."]
                if self.system_calls
                else []
            ),
        )

    def missing(self) -> tuple[str, ...]:
        """Return what does not hold, in sentences."""
        if not self.confined:
            return (
                f"No box can be built here ({self.reason}).",
                "People can read and change each other's files and grades.",
            )
        weak = []
        if not self.own_identity:
            weak.append(
                "Boxes share the operator's user id; a flaw in the kernel's namespaces would open them."
            )
        if "resource" in self.memory:
            weak.append("Memory is limited per process, not in total: no control group can be written here.")
        if not self.cpu:
            weak.append("CPU share is not limited: no control group can be written here.")
        if not self.system_calls:
            weak.append("System calls are not filtered on this architecture.")
        return tuple(weak)


@cache
def probe() -> Protections:
    """Build a box in a process of its own and report what held."""
    kinds = Group.kinds()
    return Protections(
        reason=_reason(),
        own_identity=os.geteuid() == 0,
        memory="control group" if kinds["memory"] else "resource limit, per process",
        processes="control group" if kinds["pids"] else "resource limit, per identity",
        cpu=kinds["cpu"],
        system_calls=seccomp.available(),
    )


def _reason() -> str:
    """Return why a box cannot be built, or an empty text."""
    if not sys.platform.startswith("linux"):
        return "boxes need Linux"
    command = [sys.executable, "-m", "tpc_kernels.forkserver.probe"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=PROBE_SECONDS, env=environment
        )
    except subprocess.TimeoutExpired:
        return f"the trial box did not end in {PROBE_SECONDS} s"
    lines = [line for line in answer.stderr.splitlines() if line.strip()]
    if answer.returncode != 0:
        return lines[-1] if lines else f"the trial box ended with code {answer.returncode}"
    return _breach(json.loads(answer.stdout))


def _breach(seen: dict[str, object]) -> str:
    """Return what a box that was built fails to hide, or an empty text."""
    if seen["processes"] != ["1"]:
        return "a box sees other processes"
    if seen["state"]:
        return "a box sees files outside of it"
    if seen["privileged"]:
        return "a box keeps privileges"
    return ""


def look_around(marker: str) -> int:
    """Print, from inside a box, what should not be there."""
    rights = [
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapEff")
    ]
    seen = {
        "processes": [name for name in os.listdir("/proc") if name.isdigit()],
        "state": os.path.exists(marker),
        "privileged": int(rights[0].split()[1], 16) != 0 or os.getuid() == 0,
    }
    print(json.dumps(seen), flush=True)
    return 0


def main() -> None:
    """Build one box, look around in it, and end with its code."""
    from tpc_kernels.box.box import Box
    from tpc_kernels.box.keeper import keep

    how, code = keep(Box("probe", uid=65533), lambda: look_around(__file__), None, [])
    sys.exit(code if how == "exited" else 1)


if __name__ == "__main__":
    main()
