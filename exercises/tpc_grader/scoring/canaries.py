"""Canaries: code that looks like a test and must fail. One that passes shows that tests are not what they seem.

Constant ones know nothing of the exercise. Mutants are copies of a kernel test up to one assertion, which is
changed so that no honest answer meets it: code that recognises the tests by their text recognises the mutant too.
No mutant is a mere negation: code with random answers must never look like tampering.

An answer could still say yes to the test and no to the mutant. So a kernel test asks its plain equalities twice, in
an order that nobody knows: whether the answer is what it should be, and that it is nothing else. Mutants that call
the student's code again run after all tests, which could find its state changed.
"""

from __future__ import annotations

import ast
import copy
import math
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
    """Return changed copies of a test cell that must fail when the cell passes. They call the student's code again."""
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


def asked_twice(source: str) -> tuple[str, tuple[str, ...]]:
    """Return a test cell, line by line as it is, whose comparisons with a known value also ask for another one.

    With it comes a changed copy that must fail right after the cell, if there is one: it asks about a value that the
    cell kept, since to call the student's code once more could change what later tests find.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return source, ()
    lines = source.split("\n")
    own = [each for each in tree.body if isinstance(each, ast.Assert) and _has_lines_of_its_own(each, lines)]
    asked = [each for each in own if _subject(each.test) is not None and _falsified(each.test) is not None]
    chosen, name = _random.choice(asked) if asked else None, _name()
    for statement in own:
        test = _keeping(statement.test, name) if statement is chosen else statement.test
        line = ast.unparse(ast.fix_missing_locations(ast.Assert(_twice(test), statement.msg)))
        first, last = statement.lineno - 1, statement.end_lineno or statement.lineno
        lines[first:last] = [line, *[""] * (last - first - 1)]
    return "\n".join(lines), (_about_kept(tree.body, chosen, name),) if chosen is not None else ()


def _about_kept(body: list[ast.stmt], chosen: ast.Assert, name: str) -> str:
    """Return a changed copy of a cell up to one assertion, which asks about what the cell kept under a name."""
    changed, asked = _falsified(chosen.test), copy.deepcopy(_subject(chosen.test))
    assert changed is not None
    assert asked is not None
    kept = ast.Name(name, ast.Load())
    first = ast.Subscript(kept, ast.Constant(0), ast.Load())
    # All names of the cell are in it, so that code which knows the tests by their names knows this one too.
    again = [*body[: body.index(chosen)], ast.Assert(changed, chosen.msg)]
    told = chosen.msg if isinstance(chosen.msg, ast.Constant) else None
    question = ast.Assert(_last(_with_subject(changed, ast.IfExp(kept, first, asked))), told)
    forget: list[ast.stmt] = [ast.Delete([ast.Name(name, ast.Del())])]
    parts: list[ast.stmt] = [
        ast.If(ast.UnaryOp(ast.Not(), kept), again, []),
        ast.Try([question], [], [], forget),
    ]
    return ast.unparse(ast.fix_missing_locations(ast.Module(parts, [])))


def _last(test: ast.expr) -> ast.expr:
    return test.values[-1] if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else test


def _subject(test: ast.expr) -> ast.expr | None:
    """Return what a condition asks about: mostly a call of the student's code."""
    last = _last(test)
    if isinstance(last, ast.Compare) and len(last.ops) == 1:
        return last.left
    if isinstance(last, ast.Call) and len(last.args) >= 2 and not isinstance(last.args[0], ast.Starred):
        return last.args[0]
    return None


def _with_subject(test: ast.expr, subject: ast.expr) -> ast.expr:
    test = copy.deepcopy(test)
    last = _last(test)
    if isinstance(last, ast.Compare):
        last.left = subject
    elif isinstance(last, ast.Call):
        last.args[0] = subject
    return test


def _keeping(test: ast.expr, name: str) -> ast.expr:
    """Return a condition that keeps what it asks about, in a list of one under a name."""
    value = ast.List([_subject(test) or ast.Constant(None)], ast.Load())
    walrus = ast.NamedExpr(ast.Name(name, ast.Store()), value)
    return _with_subject(test, ast.Subscript(walrus, ast.Constant(0), ast.Load()))


def _twice(test: ast.expr) -> ast.expr:
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return ast.BoolOp(test.op, [_twice(each) for each in test.values])
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq)):
        return test
    other = _other_than(test.comparators[0])
    if isinstance(other, ast.Constant) and isinstance(other.value, str):
        return test
    name = _name()
    answer = ast.Name(name, ast.Load())
    questions: list[ast.expr] = [
        ast.Compare(answer, test.ops, test.comparators),
        ast.UnaryOp(ast.Not(), ast.Compare(answer, [ast.Eq()], [other])),
    ]
    _random.shuffle(questions)
    arguments = ast.arguments([], [ast.arg(name)], None, [], [], None, [])
    return ast.Call(ast.Lambda(arguments, ast.BoolOp(ast.And(), questions)), [test.left], [])


def _has_lines_of_its_own(statement: ast.stmt, lines: list[str]) -> bool:
    last = lines[(statement.end_lineno or statement.lineno) - 1].encode()
    rest = last[statement.end_col_offset or 0 :].decode().strip()
    return statement.col_offset == 0 and (not rest or rest.startswith("#"))


def _falsified(test: ast.expr) -> ast.expr | None:
    """Return a condition like `test` that is false for every plain value, or None when none is known."""
    test = copy.deepcopy(test)
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        changed = _falsified(test.values[-1])
        test.values[-1] = changed or test.values[-1]
        return test if changed is not None else None
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        if isinstance(test.ops[0], ast.Eq):
            test.comparators = [_other_than(test.comparators[0])]
            return test
        if isinstance(test.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE):
            test.comparators = [_beyond(test)]
            return test
    if isinstance(test, ast.Call) and _called(test) in _TWO_SIDED and len(test.args) >= 2:
        of_type = _called(test) in ("isinstance", "issubclass")
        test.args[1] = _unknown_type() if of_type else copy.deepcopy(_NOT_A_NUMBER)
        return test
    return None


def _other_than(value: ast.expr) -> ast.expr:
    """Return a value that nobody answers: a number for a number, so that no answer can tell it by its type."""
    try:
        known = ast.literal_eval(value)
    except (ValueError, TypeError):
        known = None
    if type(known) is int:
        return ast.Constant(known + _random.choice((1, -1)) * _random.randint(10**3, 10**9))
    if type(known) is float and math.isfinite(known):
        return ast.Constant(known + _random.uniform(1, 9) * (1 + abs(known)))
    return ast.Constant(secrets.token_hex(3))


def _beyond(test: ast.Compare) -> ast.expr:
    """Return a bound that nothing meets: for what is less than a bound in absolute value, a negative one."""
    small = isinstance(test.ops[0], ast.Lt | ast.LtE) and isinstance(test.left, ast.Call)
    if small and _called(test.left) == "abs":  # type: ignore[arg-type]
        return ast.Constant(-_random.uniform(1e-9, 1e-3))
    return copy.deepcopy(_NOT_A_NUMBER)


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
