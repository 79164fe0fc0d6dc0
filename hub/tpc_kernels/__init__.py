"""Fast, confined processes: a preloaded process that forks, and the boxes it forks into."""

import sys

# What costs a process time and memory for nothing is left out wherever this package is imported first.
# jsonschema parses this grammar (0.8 CPU-s, 25 MB) to check formats nobody here uses.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
# With it, a server's HTTP client keeps a thread to look up names; the hub has an address.
sys.modules.setdefault("aiodns", None)  # type: ignore[arg-type]

# What other packages may import, benchmarks apart. The rest may change without them.
PUBLIC = (
    "box.box",
    "box.limits",
    "box.log",
    "box.order",
    "box.quota",
    "forkserver.client",
    "forkserver.probe",
    "jupyter.server",
    "linux.calls",
)
