"""Finds draws whose seed is read off the clock: with them the same work could get another score."""

from __future__ import annotations

import ast

_SEEDED = {
    "seed", "Random", "default_rng", "RandomState", "SeedSequence", "PCG64", "MT19937", "Philox", "SFC64",
    "PRNGKey", "manual_seed",
}  # fmt: skip
_CLOCKS = {
    "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time",
    "process_time_ns", "clock_gettime", "now", "utcnow", "today", "uuid1", "getpid",
}  # fmt: skip


def seeds_from_clock(source: str) -> bool:
    """Return whether code takes a seed from the time or the number of its process, directly or by way of a name."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return False
    late = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and _reads_clock(node.value, late):
            late |= {
                each.id for target in node.targets for each in ast.walk(target) if isinstance(each, ast.Name)
            }
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_seeded(node)]
    given = [value for call in calls for value in (*call.args, *(each.value for each in call.keywords))]
    return any(_reads_clock(value, late) for value in given)


def _reads_clock(expression: ast.expr, late: set[str]) -> bool:
    return any(
        (isinstance(node, ast.Call) and _called(node) in _CLOCKS)
        or (isinstance(node, ast.Name) and node.id in late)
        for node in ast.walk(expression)
    )


def _is_seeded(call: ast.Call) -> bool:
    return _called(call) in _SEEDED or ast.unparse(call.func).endswith("random.key")


def _called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
