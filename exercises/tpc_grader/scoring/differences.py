"""What a failed test expected and what it got, where its author allows that to be shown (`:show: difference`).

Only of comparisons that students can read in the released test, and only in the run that has no hidden test.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping

from tpc_grader.sandbox.bundle import Result
from tpc_grader.scoring.messages import failed_assertion
from tpc_grader.values.bounded_json import Bounds, read_json
from tpc_grader.versions.cells import Rebuilt

# What the step below prints, and `found_difference` reads again. It is the student's own view and nothing else:
# code that prints such a line deceives its own author only.
_MARK = "tpc-difference"
_LINE = re.compile(rf"^{_MARK} (.*)$", re.M)
LONGEST = 400
# Two texts, each character written as up to twelve.
_BOUNDS = Bounds(bytes=32 * LONGEST, values=20, depth=1)
_APPROXIMATELY = {"allclose", "isclose", "array_equal", "assert_allclose", "approx"}
_STEP = """\
try:
    import json as _json
    print({mark!r}, _json.dumps({{"expected": repr({expected})[:{longest}], "got": repr({got})[:{longest}]}}))
except Exception:
    pass
"""


def difference_steps(rebuilt: Rebuilt, result: Result) -> dict[int, str]:
    """Return, for each test that failed in a scored run and may show it, code that prints both sides."""
    steps = dict[int, str]()
    for each in result.steps:
        index = each.step.cell
        if each.state != "failed" or index < 0 or rebuilt.cells[index].metadata.get("show") != "difference":
            continue
        failed = failed_assertion(rebuilt.cells[index], each)
        sides = compared(failed.test) if failed is not None else None
        if sides:
            got, expected = sides
            steps[index] = _STEP.format(mark=_MARK, expected=expected, got=got, longest=LONGEST)
    return steps


def compared(test: ast.expr) -> tuple[str, str] | None:
    """Return both sides of a comparison as source, what the student gives first; None when it is none."""
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        return ast.unparse(test.left), ast.unparse(test.comparators[0])
    if isinstance(test, ast.Call) and len(test.args) >= 2:
        name = test.func.attr if isinstance(test.func, ast.Attribute) else getattr(test.func, "id", "")
        if name in _APPROXIMATELY:
            return ast.unparse(test.args[0]), ast.unparse(test.args[1])
    return None


def found_difference(outputs: Iterable[Mapping[str, object]]) -> dict[str, str] | None:
    """Return what a step of `difference_steps` printed, `expected` and `got`; None when there is nothing."""
    texts = [str(output.get("text", "")) for output in outputs if output.get("output_type") == "stream"]
    lines = [line for text in texts for line in _LINE.findall(text)]
    try:
        told = read_json(lines[-1].encode(), _BOUNDS) if lines else None
    except ValueError:
        return None
    if not isinstance(told, dict) or not {"expected", "got"} <= told.keys():
        return None
    return {side: str(told[side])[:LONGEST] for side in ("expected", "got")}
