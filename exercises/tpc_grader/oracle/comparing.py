"""How tests that run elsewhere compare: `==` and its kin accept every sequence of the right length and values.

A list, a tuple, an array or a generator with the same values is the same answer, where the text names no type: a test
that wants one asks with `isinstance`. So tests are rewritten before they run. Nothing that was equal is unequal
thereby. The rewritten tests also note where a single value was compared with many, was made a number (`float(f(x))`),
or stood where only arrays differ from numbers (`np.all`, `np.allclose`).
"""

from __future__ import annotations

import ast
import dataclasses
import operator
from collections.abc import Callable, Mapping, Set
from typing import Any

import numpy as np

from tpc_grader.values.arrays import is_jax, is_series
from tpc_grader.values.iterators import Drawn
from tpc_grader.values.shapes import is_number, items_of, kind_of

HELPER = "__campus__"
_ELEMENTWISE = {"all", "any", "sum", "mean", "count_nonzero", "array", "asarray", "flatnonzero", "where"}
_CLOSE = {
    "allclose", "isclose", "array_equiv", "assert_allclose", "assert_array_almost_equal", "assert_almost_equal",
    "assert_array_equal", "assert_equal",
}  # fmt: skip
# What says one thing of all values in an array, and takes a single number too.
_WHOLE = {"all", "any", "sum", "mean", "max", "min", "prod", "median", "norm"}
_CLOSE_OF_ONE = {"isclose", "assert_almost_equal", "assert_equal"}
# What makes one number of its first argument, of an array of one value too.
_CONVERTING = {"float", "int", "round", "complex"}
# How these functions call the two things that they compare.
_SIDES = ("a", "b", "a1", "a2", "actual", "desired", "x", "y")
# Of two values of these types nothing is to be noted but what Python says: tests compare thousands of them.
_SCALARS = frozenset({bool, int, float, str, np.bool_, np.int64, np.float64})
_OPERATORS: dict[type[ast.AST], str] = {
    ast.Eq: "equal", ast.NotEq: "unequal", ast.In: "holds", ast.NotIn: "lacks", ast.Sub: "minus", ast.Div: "over",
    ast.Lt: "below", ast.LtE: "at_most", ast.Gt: "above", ast.GtE: "at_least",
}  # fmt: skip


def rewritten(tree: ast.Module) -> ast.Module:
    """Return the code of tests with its comparisons led to a `Comparing` of the name HELPER."""
    return ast.fix_missing_locations(_Rewriter().visit(tree))


class Verdict(np.ndarray[Any, Any]):
    """The result of comparing sequences: an array, value by value, and as a whole True or False."""

    whole: bool | None = None

    def __bool__(self) -> bool:
        return bool(self.view(np.ndarray)) if self.whole is None else self.whole


def _looking(operate: Callable[[Any, Any], Any]) -> Callable[[Comparing, Any, Any], Any]:
    """Return an operation on numbers that also notes what it was given."""

    def looked(self: Comparing, one: Any, other: Any) -> Any:
        if type(one) in _SCALARS and type(other) in _SCALARS:
            return operate(one, other)
        self.look(one, other)
        return operate(_full(one), _full(other))

    return looked


class Comparing:
    """What rewritten tests call."""

    minus, over = _looking(operator.sub), _looking(operator.truediv)
    below, at_most = _looking(operator.lt), _looking(operator.le)
    above, at_least = _looking(operator.gt), _looking(operator.ge)

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begin another cell of tests."""
        # Whether a single value was compared with many; and whether sequences of unequal length were, side by side.
        self.stretched = False
        self.uneven = False
        # Single values that came as answers, by their identity: a mean that the author takes is none of them.
        self.singles: dict[int, Any] = {}
        # Those of them that were made a number; and whether an array of one value that was none of them was.
        self.converted: set[int] = set()
        self.unpacked = False
        # Whether numbers alone went to a function that says one thing of all values in an array.
        self.whole = False
        # Whether a thing of one kind was compared with one of another.
        self.unlike = False

    def equal(self, one: Any, other: Any) -> Any:
        """Return what `==` gives, for sequences whatever their types."""
        if type(one) is type(other) and type(one) in _SCALARS:
            return one == other
        found = self._equal(one, other)
        if not self.unlike and found is False:
            self.unlike = kind_of(one) != kind_of(other)
        return found

    def _equal(self, one: Any, other: Any) -> Any:
        one, other = _full(one), _full(other)
        if not _both_sequences(one, other):
            if isinstance(one, Mapping) and isinstance(other, Mapping):
                return same(one, other)
            found = one == other
            if not (isinstance(found, np.ndarray) and found.ndim):
                return found
            self.look(one, other)
            return _verdict(found, bool(found.size == 1 and found.all()))
        if not (_is_array(one) or _is_array(other)):
            return same(one, other)
        self.look(one, other)
        return _verdict(_each(one, other), same(one, other))

    def unequal(self, one: Any, other: Any) -> Any:
        """Return what `!=` gives, for sequences whatever their types."""
        found = self.equal(one, other)
        if isinstance(found, Verdict):
            return _verdict(~found.view(np.ndarray), not found)
        return not found if isinstance(found, bool) else one != other

    def each_equal(self, one: Any, other: Any) -> Any:
        """Return what `==` gives where it is asked value by value: lists count as arrays."""
        if _both_sequences(one, other):
            self.look(_as_array(one), _as_array(other))
            return _verdict(_each(one, other), same(one, other))
        return self.equal(one, other)

    def each_unequal(self, one: Any, other: Any) -> Any:
        """Return what `!=` gives where it is asked value by value."""
        found = self.each_equal(one, other)
        return _verdict(~found.view(np.ndarray), not found) if isinstance(found, Verdict) else one != other

    def all_equal(self, first: Any, *others: Callable[[], Any]) -> Any:
        """Return what `a == b == c` gives."""
        found: Any = True
        for other in others:
            value = other()
            found = self.equal(first, value)
            if not found:
                return found
            first = value
        return found

    def holds(self, one: Any, other: Any) -> Any:
        """Return what `in` gives; a sequence is in a list of sequences whatever their types."""
        among = list(other) if isinstance(other, Set) else items_of(other)
        if items_of(one) is None or among is None:
            return one in other
        return any(same(one, each) for each in among)

    def lacks(self, one: Any, other: Any) -> Any:
        """Return what `not in` gives."""
        return not self.holds(one, other)

    def close(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a function that compares two arguments, the first ones or those of the known names."""
        named = [kwargs[name] for name in _SIDES if name in kwargs]
        if len(args[:2]) + len(named) == 2:
            self.look(*map(_as_array, (*args[:2], *named)))
        if getattr(function, "__name__", "") not in _CLOSE_OF_ONE:
            self.whole |= all(map(_is_scalar, (*args[:2], *named)))
        if getattr(function, "__module__", "") == "math":
            self._convert(*args[:2])
        return function(*map(_plain, args), **{name: _plain(each) for name, each in kwargs.items()})

    def zipped(self, *args: Any, **kwargs: Any) -> Any:
        """Return what `zip` gives."""
        self.uneven |= len({len(each) for each in args if hasattr(each, "__len__")}) > 1
        return zip(*args, **kwargs)  # noqa: B905

    def number(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a function that makes a number of its first argument."""
        self._convert(*args[:1])
        return function(*args, **kwargs)

    def item(self, value: Any) -> Any:
        """Return what `value.item()` gives."""
        self._convert(value)
        return value.item()

    def over_all(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a function or a method that says one thing of all values in something."""
        self.whole |= any(map(_is_scalar, args[:1] or (getattr(function, "__self__", None),)))
        return function(*args, **kwargs)

    def note(self, answer: Any) -> None:
        """Take an answer, if it is a single value."""
        if is_number(answer) or _is_boxed(answer):
            self.singles[id(answer)] = answer

    def _convert(self, *values: Any) -> None:
        for value in values:
            if id(value) in self.singles:
                self.converted.add(id(value))
            else:
                self.unpacked |= _is_boxed(value)

    def look(self, one: Any, other: Any) -> None:
        """Note whether a single value meets many."""
        if not self.stretched and (isinstance(one, np.ndarray) or isinstance(other, np.ndarray)):
            one, other = sorted((one, other), key=np.size)
            if np.size(one) == 1 < np.size(other):
                self.stretched = id(one) in self.singles or np.ndim(one) > 0


def same(one: Any, other: Any) -> bool:
    """Return whether two values are equal, sequences in them whatever their types."""
    numbers = _as_numbers(one), _as_numbers(other)
    if numbers[0] is not None and numbers[1] is not None:
        return bool(np.array_equal(numbers[0], numbers[1]))
    if _truth(one, other):
        return True
    left, right = items_of(one), items_of(other)
    if left is not None and right is not None:
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if dataclasses.is_dataclass(one) and type(one) is type(other) and type(one).__eq__ is not object.__eq__:
        fields = [each.name for each in dataclasses.fields(one) if each.compare]
        return all(same(getattr(one, name), getattr(other, name)) for name in fields)
    return False


def _truth(one: Any, other: Any) -> bool:
    """Return whether `==` says that two values are equal, and that without an array of answers."""
    try:
        return bool(one == other) and not (_is_array(one) or _is_array(other))
    except ValueError:
        return False


def _full(value: Any) -> Any:
    """Return a value with all its bits: JAX computes with 32, also with an array that has 64, unless it is told."""
    return np.asarray(value) if is_jax(value) and value.dtype.itemsize == 8 else value


def _plain(value: Any) -> Any:
    return value.items if isinstance(value, Drawn) else _full(value)


def _is_array(value: Any) -> bool:
    return (isinstance(value, np.ndarray) or is_jax(value) or is_series(value)) and np.ndim(value) > 0


def _is_boxed(value: Any) -> bool:
    """Return whether a value is an array that holds one value."""
    return _is_array(value) and np.size(value) == 1


def _is_scalar(value: Any) -> bool:
    return isinstance(value, bool | np.bool_) or is_number(value)


def _both_sequences(one: Any, other: Any) -> bool:
    kinds = str | int | float | None
    return not (isinstance(one, kinds) or isinstance(other, kinds)) and (
        items_of(one) is not None and items_of(other) is not None
    )


def _as_array(value: Any) -> Any:
    try:
        return value if _is_array(value) or items_of(value) is None else np.asarray(items_of(value))
    except ValueError:
        return value


def _as_numbers(value: Any) -> np.ndarray[Any, Any] | None:
    """Return an array of numbers that equal each other when they are equal: none that would be rounded."""
    if not _is_array(value):
        return None
    array = np.asarray(value)
    exact = array.dtype.kind in "fb" or (array.dtype.kind in "iu" and bool((abs(array) < 2**53).all()))
    return array if exact else None


def _each(one: Any, other: Any) -> np.ndarray[Any, Any]:
    try:
        left, right = _as_array(one), _as_array(other)
        return np.asarray(np.asarray(left) == np.asarray(right))
    except ValueError:
        return np.array(False)


def _verdict(array: np.ndarray[Any, Any], whole: bool) -> Verdict:
    made = np.asarray(array).view(Verdict)
    made.whole = whole
    return made


class _Rewriter(ast.NodeTransformer):
    """Leads comparisons, differences and calls that compare to the helper."""

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """Rewrite a single comparison, and a chain of `==`."""
        self.generic_visit(node)
        if len(node.ops) == 1 and type(node.ops[0]) in _OPERATORS:
            return _call(node, _OPERATORS[type(node.ops[0])], node.left, node.comparators[0])
        if all(isinstance(each, ast.Eq) for each in node.ops):
            empty = ast.arguments([], [], None, [], [], None, [])
            later: list[ast.expr] = [ast.Lambda(empty, each) for each in node.comparators]
            return _call(node, "all_equal", node.left, *later)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """Rewrite differences and quotients."""
        self.generic_visit(node)
        name = _OPERATORS.get(type(node.op))
        return _call(node, name, node.left, node.right) if name else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """Have `(a == b).all()` compare value by value."""
        self.generic_visit(node)
        node.value = _value_by_value(node.value)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Have `np.all(a == b)` compare value by value; look at what `allclose` and `zip` compare."""
        self.generic_visit(node)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in _ELEMENTWISE:
            node.args = [_value_by_value(each) for each in node.args]
        if name in _CLOSE:
            return _call(node, "close", node.func, *node.args, keywords=node.keywords)
        if isinstance(node.func, ast.Attribute) and name == "item" and not node.args:
            return _call(node, "item", node.func.value)
        if isinstance(node.func, ast.Attribute) and name in _WHOLE:
            return _call(node, "over_all", node.func, *node.args, keywords=node.keywords)
        if _makes_a_number(node.func):
            return _call(node, "number", node.func, *node.args, keywords=node.keywords)
        if name == "zip" and isinstance(node.func, ast.Name) and not _share_names(node.args):
            return _call(node, "zipped", *node.args, keywords=node.keywords)
        return node


def _value_by_value(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_helper(node.func.value):
        name = node.func.attr
        node.func.attr = f"each_{name}" if name in ("equal", "unequal") else name
    return node


def _makes_a_number(function: ast.expr) -> bool:
    """Return whether a function reads its first argument as one number: `float`, and all of `math`."""
    if isinstance(function, ast.Attribute):
        return isinstance(function.value, ast.Name) and function.value.id in ("math", "cmath")
    return isinstance(function, ast.Name) and function.id in _CONVERTING


def _is_helper(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == HELPER


def _share_names(args: list[ast.expr]) -> bool:
    """Return whether arguments speak of one thing, as in `zip(path, path[1:])`."""
    names = [{each.id for each in ast.walk(arg) if isinstance(each, ast.Name)} - {HELPER} for arg in args]
    return any(one & other for i, one in enumerate(names) for other in names[:i])


def _call(node: ast.expr, name: str, *args: ast.expr, keywords: list[ast.keyword] | None = None) -> ast.expr:
    helper = ast.Attribute(ast.Name(HELPER, ast.Load()), name, ast.Load())
    return ast.copy_location(ast.Call(helper, list(args), keywords or []), node)
