"""Canaries: code that looks like a test and must fail. One that passes shows that tests are not what they seem.

Constant ones know nothing of the exercise. Mutants are copies of a kernel test up to one assertion, which is
changed so that no honest answer meets it: code that recognises the tests by their text recognises the mutant too.
No mutant is a mere negation: code with random answers must never look like tampering.
"""

from __future__ import annotations

import ast
import copy
import random
import secrets
from collections.abc import Callable

_random = random.SystemRandom()
_NOT_A_NUMBER = ast.parse("float('nan')", mode="eval").body
# Calls that say whether their second argument suits the first: no answer suits NaN, or an unknown type.
_TWO_SIDED = {"allclose", "isclose", "array_equal", "array_equiv", "isinstance", "issubclass", "isdisjoint"}


def constant_canaries() -> list[str]:
    """Return sources that must fail, one for each way in which tests say no."""
    made = [make() for make in _MAKERS]
    _random.shuffle(made)
    return made


def mutants(source: str) -> tuple[str, ...]:
    """Return changed copies of a test cell that must fail when the cell passes."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return ()  # a cell with IPython's own syntax has the constant canaries only
    found = []
    for index, statement in enumerate(tree.body):
        if isinstance(statement, ast.Assert):
            changed = _falsified(statement.test)
            if changed is not None:
                last = ast.Assert(changed, copy.deepcopy(statement.msg))
                cell = ast.Module([*tree.body[:index], last], [])
                found.append(ast.unparse(ast.fix_missing_locations(cell)))
    return tuple(found)


def _falsified(test: ast.expr) -> ast.expr | None:
    """Return a condition like `test` that is false for every plain value, or None when none is known."""
    test = copy.deepcopy(test)
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        changed = _falsified(test.values[-1])
        test.values[-1] = changed or test.values[-1]
        return test if changed is not None else None
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        if isinstance(test.ops[0], ast.Eq):
            test.comparators = [ast.Constant(f"{secrets.token_hex(3)}")]
            return test
        if isinstance(test.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE):
            test.comparators = [copy.deepcopy(_NOT_A_NUMBER)]
            return test
    if isinstance(test, ast.Call) and _called(test) in _TWO_SIDED and len(test.args) >= 2:
        of_type = _called(test) in ("isinstance", "issubclass")
        test.args[1] = _unknown_type() if of_type else copy.deepcopy(_NOT_A_NUMBER)
        return test
    return None


def _called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _unknown_type() -> ast.expr:
    return ast.parse(f"type('T{secrets.token_hex(3)}', (), {{}})", mode="eval").body


def _name() -> str:
    return f"_{_random.choice(('got', 'want', 'out', 'value', 'case', 'seen'))}_{secrets.token_hex(2)}"


def _message() -> str:
    thing = _random.choice(
        ("random values", "an empty list", "the last value", "a second call", "large numbers")
    )
    return f"{thing} give another result"


def _unequal() -> str:
    name, number = _name(), _random.randint(2, 10**6)
    return f"{name} = {number}\nassert {name} == {number + _random.randint(1, 99)}, {_message()!r}"


def _wrong_type() -> str:
    name, number = _name(), _random.random()
    return f"{name} = {number}\nassert isinstance({name}, list), {_message()!r}"


def _not_close() -> str:
    module, number = _name(), _random.uniform(1, 100)
    return (
        f"import numpy as {module}\n"
        f"assert {module}.allclose({module}.array([{number}]), {module}.array([{number * 2}])), {_message()!r}"
    )


def _too_large() -> str:
    one, other = _name(), _random.randint(5, 10**4)
    return f"for {one} in range(3):\n    assert abs({one} - {other}) < 1e-9, {_message()!r}"


def _raised() -> str:
    return f"if {_random.randint(2, 99)} > 1:\n    raise AssertionError({_message()!r})"


_MAKERS: tuple[Callable[[], str], ...] = (_unequal, _wrong_type, _not_close, _too_large, _raised)
