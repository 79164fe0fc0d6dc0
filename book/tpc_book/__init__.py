"""Lessons to book pages: execution, rendering, feeds, checks."""

# What other packages may import, benchmarks apart. The rest may change without them.
PUBLIC = (
    "gates.check",
    "gates.data_files",
    "lessons.execution",
    "lessons.lite",
    "site.build",
    "site.live",
    "site.offline",
    "site.take_along",
)
