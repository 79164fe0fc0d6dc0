"""Probes of a contract: the author's solution, wrong for one class of its inputs, or right in another type.

A cell of an exercise says in a line each what its function takes and gives:

    :takes: scores numbers 2+; clusters labels
    :gives: number

A wrong probe answers as the author does but for inputs of one class (a tie, a single value, an array): when no test
notices, no test has such an input. A right probe answers with the same values in another type: when a test refuses
it, the test asks for more than the text does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tpc_grader.trial.mutants import Change

# Kind of argument -> class of inputs -> whether `x`, a value of that kind, is in it.
_SEQUENCES = {
    "empty": "len(x) == 0",
    "one value": "len(x) == 1",
    "as a list": "isinstance(x, list)",
    "as an array": "isinstance(x, np.ndarray)",
}
_NUMBERS = _SEQUENCES | {
    "ties": "len(set(map(float, x))) < len(x)",
    "unsorted": "list(x) != sorted(x)",
    "a zero": "0 in list(x)",
    "negative": "any(v < 0 for v in x)",
    "not whole": "any(v != int(v) for v in x)",
}
CLASSES: dict[str, dict[str, str]] = {
    "number": {"zero": "x == 0", "one": "x == 1", "negative": "x < 0", "not whole": "x != int(x)"},
    "share": {"zero": "x == 0", "one": "x == 1", "between": "0 < x < 1"},
    "count": {"zero": "x == 0", "one": "x == 1", "more": "x > 1"},
    "numbers": _NUMBERS,
    "shares": {name: test for name, test in _NUMBERS.items() if name not in ("negative", "not whole")},
    "counts": {name: test for name, test in _NUMBERS.items() if name not in ("negative", "not whole")},
    "table": _SEQUENCES | {"one column": "np.shape(x)[1] == 1", "more columns": "np.shape(x)[1] > 1"},
    "labels": {
        "empty": "len(x) == 0",
        "one value": "len(x) == 1",
        "all alike": "len(x) > 1 and len(set(x)) == 1",
        "all different": "len(x) > 1 and len(set(x)) == len(x)",
        "mixed order": "list(x) != sorted(x, key=list(x).index)",
        "texts": "all(isinstance(v, str) for v in x)",
    },
    "text": {
        "empty": "x == ''",
        "capitals": "x != x.lower()",
        "punctuation inside a word": r"bool(re.search(r'\w[^\w\s]\w', x))",
        "letters beyond ASCII": "not x.isascii()",
        "an underscore": "'_' in x",
        "several spaces": "'  ' in x or '\\n' in x or '\\t' in x",
    },
    "texts": {
        "empty": "len(x) == 0",
        "one value": "len(x) == 1",
        "twice the same": "len(set(x)) < len(x)",
        "an empty text": "'' in list(x)",
    },
    "items": {"empty": "len(x) == 0", "one value": "len(x) == 1"},
    "any": {},
}
# What a word after a kind leaves out.
_WITHOUT = {
    "2+": {"empty", "one value"},
    "1+": {"empty"},
    "sorted": {"unsorted"},
    "distinct": {"ties", "twice the same", "all alike"},
    "positive": {"negative", "a zero", "zero"},
    "whole": {"not whole"},
    "unsigned": {"negative"},
    "list": {"as an array"},
    "array": {"as a list"},
    "open": {"zero", "one"},
}
# Kind of answer -> the same values in another type.
_TYPES: dict[str, dict[str, str]] = {
    "number": {"as numpy.float64": "np.float64(y)"},
    "count": {"as numpy.int64": "np.int64(y)", "as int": "int(y)"},
    "numbers": {"as a list": "[v for v in y]", "as a tuple": "tuple(y)", "as an array": "np.array([*y])"},
    "pair": {"as a list": "[*y]", "as a tuple": "tuple(y)"},
    "texts": {"as a list": "[*y]", "as a tuple": "tuple(y)"},
    "flag": {"as numpy.bool": "np.bool_(y)", "as bool": "bool(y)"},
    "any": {},
}
_HEAD = """

def _probe(author):
    import functools, inspect, re
    import numpy as np

    def other(y):
        if isinstance(y, (bool, np.bool_)):
            return not y
        if isinstance(y, (int, float, complex, np.number)):
            return y + 1 if y == y else 0.0
        if isinstance(y, str):
            return y + "?"
        if isinstance(y, np.ndarray):
            return y + 1 if y.size and y.dtype.kind in "iufc" else np.ones(1)
        if isinstance(y, dict):
            return {k: other(v) for k, v in y.items()} or {"?": 1}
        if isinstance(y, (list, tuple, set, frozenset)):
            return type(y)([other(v) for v in y] or [1])
        return None

    def probed(*args, **kwargs):
"""
_WRONG = """        bound = inspect.signature(author).bind(*args, **kwargs).arguments
        y = author(*args, **kwargs)
        try:
            x = bound[{argument!r}]
            return other(y) if {test} else y
        except (TypeError, ValueError, KeyError, IndexError):
            return y
"""
_RIGHT = """        y = author(*args, **kwargs)
        return {expression}
"""
_TAIL = """
    return functools.wraps(author)(probed)


{function} = _probe({function})
"""


@dataclass(frozen=True)
class Contract:
    """What a function takes (argument, kind, words) and gives."""

    function: str
    takes: tuple[tuple[str, str, tuple[str, ...]], ...]
    gives: str = "any"


def contract_of(function: str, takes: str, gives: str) -> Contract:
    """Return a contract from its two lines; raises ValueError with a sentence."""
    read = []
    for each in filter(None, re.split(r"\s*;\s*", takes.strip())):
        argument, kind, *words = [*each.split(), ""][:2] + each.split()[2:]
        if kind not in CLASSES:
            raise ValueError(f":takes: {each}: no such kind. Use one of: {', '.join(CLASSES)}")
        if unknown := set(words) - _WITHOUT.keys():
            raise ValueError(f":takes: {each}: {', '.join(unknown)} is none of: {', '.join(_WITHOUT)}")
        read.append((argument, kind, tuple(words)))
    if (gives or "any") not in _TYPES:
        raise ValueError(f":gives: {gives}: no such kind. Use one of: {', '.join(_TYPES)}")
    return Contract(function, tuple(read), gives or "any")


def wrong_probes(contract: Contract, source: str) -> Iterator[Change]:
    """Yield the author's cell, wrong for one class of inputs."""
    for argument, kind, words in contract.takes:
        left_out = set[str]().union(*(_WITHOUT[word] for word in words))
        for name, test in CLASSES[kind].items():
            if name not in left_out:
                yield Change(
                    f"{argument}: {name}",
                    _probed(source, contract, _WRONG.format(argument=argument, test=test)),
                )


def right_probes(contract: Contract, source: str) -> Iterator[Change]:
    """Yield the author's cell, with the same values in other types."""
    for name, expression in _TYPES[contract.gives].items():
        yield Change(f"answer {name}", _probed(source, contract, _RIGHT.format(expression=expression)))


def _probed(source: str, contract: Contract, body: str) -> str:
    return source + _HEAD + body + _TAIL.format(function=contract.function)
