"""Honest work in odd shapes, and the points that it must get: each row is graded at both levels.

A row is an exercise (the author's cells), what the student wrote into it, and how the file that came in differs from
what JupyterLab saves. Without `answers` the student wrote what the author did.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jupytext
from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

Change = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True)
class Row:
    """An exercise, a student's notebook, and what must come out."""

    name: str
    cells: tuple[NotebookNode, ...]
    # Points of each part; those that are not named get all.
    points: dict[str, float] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    # Changes the notebook's JSON, in place or by returning another one, or the bytes of a file.
    change: Change = lambda notebook: None
    # Files of the exercise, and those that the student handed in.
    own: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    outcome: str = "graded"
    # Words that the student, and the instructor, must read.
    says: str = ""
    told: str = ""
    levels: tuple[str, ...] = ("kernel", "oracle")


def given(source: str) -> NotebookNode:
    """Return a cell of code that the exercise gives."""
    return new_code_cell(source)


def text(source: str) -> NotebookNode:
    """Return a cell of text."""
    return new_markdown_cell(source)


def answer(name: str, solution: str, before: str = "") -> NotebookNode:
    """Return a cell that the student answers; `before` is code of the exercise above the solution."""
    marked = f"{before}### BEGIN SOLUTION\n{solution}\n### END SOLUTION"
    return _graded(name, marked, grade=False, solution=True)


def checks(name: str, source: str, hidden: str = "", points: float = 1) -> NotebookNode:
    """Return a cell of tests; what is `hidden` is not released."""
    marked = f"{source}\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS" if hidden else source
    return _graded(name, marked, grade=True, solution=False, points=points, locked=True)


def exercise(row: Row, level: str) -> NotebookNode:
    """Return the author's notebook of a row, its tests at a level where they name none."""
    made = new_notebook(cells=[from_dict(cell) for cell in json.loads(json.dumps(row.cells))])
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    for cell in made.cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            cell.metadata.setdefault("tpc", NotebookNode()).setdefault("level", level)
    return made


def _graded(name: str, source: str, **facts: Any) -> NotebookNode:
    metadata = {"grade_id": name, "schema_version": 3, "task": False, "locked": False, **facts}
    cell = new_code_cell(source, metadata={"nbgrader": metadata | {"cell_type": "code"}})
    cell["id"] = name
    return cell


# The exercise that most rows take: state that shows whether a cell ran twice.
STEPS: tuple[NotebookNode, ...] = (
    text("# Steps\n\nAdd numbers."),
    given("runs = []"),
    given("tries = 0\ntries += 1"),
    given("tries += 1\nruns += [tries]"),
    answer("add", "def add(x, y):\n    return x + y"),
    given("runs.append(add(1, 2))"),
    checks("test-add", "assert add(1, 2) == 3", "assert add(-1, 2) == 1"),
    answer("total", "total = sum(runs)"),
    given("total += 1"),
    given("total += 1"),
    checks("test-total", "assert total == 7", "assert total % 2 == 1"),
)

Cells = list[dict[str, Any]]


def cells(change: Callable[[Cells], Any]) -> Change:
    """Return a change of the list of cells, in place or by returning another."""

    def changed(notebook: dict[str, Any]) -> None:
        made = change(notebook["cells"])
        notebook["cells"] = notebook["cells"] if made is None else made

    return changed


def each_cell(change: Callable[[dict[str, Any]], Any]) -> Change:
    """Return a change of every cell, in place."""
    return cells(lambda found: [change(cell) for cell in found] and None)


def both(*changes: Change) -> Change:
    """Return several changes, one after the other, all in place."""
    return lambda notebook: [change(notebook) for change in changes] and None


def code(source: str, **parts: Any) -> dict[str, Any]:
    """Return a cell of code that a student added."""
    found = {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None}
    return found | {"id": f"mine-{len(source)}"} | parts


def edited(old: str, new: str) -> Change:
    """Return a change of the text of cells."""
    return each_cell(lambda cell: cell.update(source=cell["source"].replace(old, new)))


def split(at: int, line: int) -> Change:
    """Return a change that splits a cell after a line, as JupyterLab does: the second half gets a new id."""

    def halves(cell: dict[str, Any]) -> Cells:
        lines = cell["source"].splitlines()
        first, second = "\n".join(lines[:line]), "\n".join(lines[line:])
        return [{**cell, "source": first}, {**cell, "source": second, "id": "half"}]

    return cells(lambda found: [*found[:at], *halves(found[at]), *found[at + 1 :]])


def merged(at: int) -> Change:
    """Return a change that merges a cell with the next."""

    def whole(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
        return {**one, "source": f"{one['source']}\n\n{other['source']}"}

    return cells(lambda found: [*found[:at], whole(*found[at : at + 2]), *found[at + 2 :]])


def no_ids(notebook: dict[str, Any]) -> None:
    """Make it a notebook of format 4.4."""
    notebook["nbformat_minor"] = 4
    each_cell(lambda cell: cell.pop("id", None))(notebook)


def other_ids(notebook: dict[str, Any]) -> None:
    """Give each cell an id of its own, as clients do that keep none."""
    for number, cell in enumerate(notebook["cells"]):
        cell["id"] = f"x{number}"


def shifted_ids(notebook: dict[str, Any]) -> None:
    """Give each cell the id of the one before: a client that numbers cells, after one was put in."""
    ids = [cell["id"] for cell in notebook["cells"]]
    for cell, other in zip(notebook["cells"], ["first", *ids], strict=False):
        cell["id"] = other


def no_metadata(notebook: dict[str, Any]) -> None:
    """Drop what nbgrader says of cells."""
    each_cell(lambda cell: cell.update(metadata={}))(notebook)


def colab(notebook: dict[str, Any]) -> None:
    """Write it as Colab does: ids in the metadata, names of its own in the notebook's."""
    no_ids(notebook)
    notebook["metadata"] = {"colab": {"provenance": []}, "kernelspec": {"name": "python3"}}
    for number, cell in enumerate(notebook["cells"]):
        cell["metadata"] |= {
            "id": f"aBc_{number}",
            "outputId": "1",
            "colab": {"base_uri": "https://localhost:8080/"},
        }


def vs_code(notebook: dict[str, Any]) -> None:
    """Write it as VS Code does: other ids, lines as lists, the language of each cell."""
    other_ids(notebook)
    for cell in notebook["cells"]:
        cell["metadata"]["vscode"] = {"languageId": "python"}
        cell["source"] = cell["source"].splitlines(keepends=True)


def through_text(notebook: dict[str, Any]) -> Any:
    """Return it after a round trip through a Python script."""
    script = jupytext.writes(from_dict(notebook), fmt="py:percent")
    return json.loads(json.dumps(jupytext.reads(script, fmt="py:percent")))


CLIENTS: dict[str, Change] = {
    "JupyterLab": lambda notebook: None,
    "no ids": no_ids,
    "other ids": other_ids,
    "ids shifted by one": shifted_ids,
    "no metadata": no_metadata,
    "neither ids nor metadata": both(no_ids, no_metadata),
    "Colab": colab,
    "VS Code": vs_code,
    "lines of Windows": edited("\n", "\r\n"),
    "lines as lists": each_cell(lambda cell: cell.update(source=cell["source"].splitlines(keepends=True))),
    "blank lines and spaces at ends": each_cell(lambda cell: cell.update(source=f"\n{cell['source']}  \n\n")),
    "a round trip through text": through_text,
}

# What students do to cells, whatever their client. Each keeps the points, or says which it costs.
EDITS: dict[str, Change] = {
    "nothing": lambda notebook: None,
    "reordered": cells(lambda found: [found[at] for at in (1, 0, 2, 4, 3, 9, 5, 6, 7, 8, 10)]),
    "a given cell left out": cells(lambda found: found[:5] + found[6:]),
    "a given cell as text": cells(lambda found: found[5].update(cell_type="markdown")),
    "a comment in a given cell": edited(
        "runs.append(add(1, 2))", "# collect\nruns.append(add(1, 2))  # here"
    ),
    "another way in a given cell": edited("runs.append(add(1, 2))", "runs.append( add(x = 1, y = 2) )"),
    "cells of one's own": cells(
        lambda found: [found[0], code("mine = 1"), *found[1:4], code("print(runs)"), *found[4:]]
    ),
    "a scratch cell between": cells(lambda found: [*found[:7], code("add(5, 6)"), *found[7:]]),
    "a test left out": cells(lambda found: found[:6] + found[7:]),
    "a test edited": edited("assert add(1, 2) == 3", "print(add(1, 2))\nassert add(1, 2) == 4"),
    "text split in two": split(0, 1),
    "an answer split in two": split(4, 1),
    "a given cell split in two": split(3, 1),
    "two given cells merged": merged(2),
    "text merged with code": merged(0),
    "a blank cell at the end": cells(lambda found: [*found, code("")]),
}


# How the file and its cells came in.
SHAPES: list[Row] = [
    Row("as released and solved", STEPS),
    Row("half solved", STEPS, {"test-total": 0}, {"total": "total = 0"}),
    Row(
        "a given cell with less in it",
        (
            given("import math\nn = 3\nruns = []"),
            answer("f", "def f(x):\n    return math.floor(x + n)"),
            checks("test-1", "assert f(1.5) == 4"),
        ),
        change=edited("import math\n", ""),
    ),
    Row(
        "a given cell with other numbers",
        (
            given("n = 3\nruns = []"),
            answer("f", "def f(x):\n    return x + n"),
            given("runs.append(f(1))"),
            checks("test-1", "assert f(1) > 2"),
            answer("made", "made = list(runs)"),
            checks("test-2", "assert made == [6]"),
        ),
        change=edited("n = 3", "n = 5"),
    ),
    *(Row(f"by {client}", STEPS, change=CLIENTS[client]) for client in CLIENTS),
    *(Row(edit, STEPS, change=EDITS[edit]) for edit in EDITS),
]

_PRINTS = (
    answer("f", "def f(x):\n    return x + 10"),
    checks("test-1", "assert f(1) == 11"),
    given("print(f(2))"),
    checks("test-2", "assert f(2) == 12"),
)

# Whose names are whose: tests, given cells and answers read what the others bound, as in one kernel.
NAMES: list[Row] = [
    Row("a given cell calls what a test used", _PRINTS),
    Row("it calls a wrong answer", _PRINTS, {"test-1": 0, "test-2": 0}, {"f": "def f(x):\n    return x"}),
    Row(
        "a given cell calls it through a name of the test's",
        (
            answer("f", "def f(x):\n    return x + 10"),
            checks("test-1", "g = f\nassert g(1) == 11"),
            given("print(g(2))"),
            checks("test-2", "assert f(2) == 12"),
        ),
    ),
    Row(
        "a given cell reads a variable that a test read",
        (
            answer("limit", "limit = 4"),
            checks("test-1", "assert limit == 4"),
            given("twice = 2 * limit"),
            checks("test-2", "assert twice == 8"),
        ),
    ),
    Row(
        "a given cell changes a variable that a test read",
        (
            answer("limit", "limit = 4"),
            checks("test-1", "assert limit == 4"),
            given("limit += 1"),
            checks("test-2", "assert limit == 5"),
        ),
    ),
    Row(
        "a given cell defines again what a test read",
        (
            answer("limit", "limit = 4"),
            checks("test-1", "assert limit == 4"),
            given("limit = 9"),
            checks("test-2", "assert limit == 9"),
        ),
    ),
    Row(
        "a given cell collects what answers return",
        (
            given("runs = []\nlimit = 3"),
            answer("f", "def f(x):\n    return x + 10"),
            given("runs.append(f(1))\nlimit = limit + f(0)\nlast = 'set'"),
            checks("test-1", "assert runs == [11]", "assert limit == 13\nassert last == 'set'"),
        ),
    ),
    Row(
        "a test defines a helper that later cells use",
        (
            answer("f", "def f(x):\n    return x + 10"),
            checks("test-1", "import math\nbase = 5\ndef check(value):\n    assert value > base\ncheck(f(1))"),
            given("check(f(2))\nroot = math.sqrt(4)"),
            answer("h", "def h(x):\n    check(x)\n    return math.floor(x) + root"),
            checks("test-2", "assert h(7.5) == 9", "check(h(8))"),
        ),
    ),
    Row(
        "a test's variable and a later answer have one name",
        (
            answer("f", "def f(x):\n    return x + 10"),
            checks("test-1", "result = f(1)\nassert result == 11"),
            answer("result", "result = f(5)"),
            checks("test-2", "assert result == 15"),
        ),
    ),
    Row(
        "an answer goes on with what a given cell began",
        (
            given("data = [3, 1, 2]\ntotal = 0"),
            answer("sort", "data = sorted(data)\ntotal += sum(data)"),
            checks("test-1", "assert data == [1, 2, 3]", "assert total == 6"),
        ),
    ),
    Row(
        "a name of the exercise's that an answer has for its own",
        (
            given("x = [1, 2]"),
            answer("f", "def f(x):\n    for y in x:\n        x = y\n    return x"),
            checks("test-1", "y = 5\nassert f(x) == 2", "assert y == 5"),
            answer("g", "x = f([3])\ny = 4"),
            checks("test-2", "assert x == 3", "assert y == 4"),
        ),
    ),
    Row(
        "a test binds a student's name anew",
        (
            answer("data", "data = [3, 1, 2]"),
            checks("test-1", "data = sorted(data)\nassert data == [1, 2, 3]"),
            checks("test-2", "assert data[0] == 1"),
        ),
    ),
    Row(
        "an answer is given again in a later part",
        (
            answer("first", "def f(x):\n    return x"),
            checks("test-1", "assert f(2) == 2"),
            answer("second", "def f(x):\n    return x * x"),
            checks("test-2", "assert f(3) == 9"),
        ),
    ),
    Row(
        "an object of the student's that tests change",
        (
            answer("account", 
 "class Account:\n    sum = 0\n    def add(self, n):\n        self.sum += n\n        return self.sum"),
            given("account = Account()"),
            checks("test-1", "assert account.add(5) == 5"),
            checks("test-2", "assert account.add(1) == 6", "assert account.sum == 6"),
        ),
    ),
    Row(
        "a generator of the student's that tests draw from",
        (
            answer("numbers", "import itertools\ncount = itertools.count(1)\ndef following():\n    return next(count)"),
            checks("test-1", "assert following() == 1"),
            checks("test-2", "assert following() == 2\nassert abs(following() - 3) < 1e-9"),
            checks("test-3", "assert following() == 4"),
        ),
    ),
]  # fmt: skip

# What answers give to tests.
VALUES: list[Row] = [
    Row(
        "a number of NumPy's",
        STEPS,
        answers={"add": "import numpy as np\ndef add(x, y):\n    return np.float64(x) + y"},
    ),
]

# What answers raise costs the part that met it, and no other.
TWO: tuple[NotebookNode, ...] = (
    answer("f", "def f(x):\n    return 2 * x"),
    checks("test-f", "assert f(1) == 2", "assert f(3) == 6"),
    answer("g", "def g(x):\n    return 3 * x"),
    checks("test-g", "assert g(1) == 3", "assert g(3) == 9"),
)
RAISED = {
    **{
        name: f"raise {name}('stopped')"
        for name in (
            "TimeoutError", "KeyboardInterrupt", "SystemExit", "GeneratorExit", "StopIteration", "StopAsyncIteration",
            "BrokenPipeError", "ConnectionError", "ConnectionResetError", "EOFError", "InterruptedError",
            "RecursionError", "BaseException", "AssertionError", "NotImplementedError", "UnicodeError", "Warning",
        )
    },
    "Unicode": "b'\\xff'.decode()",
    "group": "raise ExceptionGroup('two', [TimeoutError(), ValueError()])",
    "base group": "raise BaseExceptionGroup('two', [KeyboardInterrupt()])",
    "own time-out": "class Late(TimeoutError): pass\n    raise Late",
    "own base": "class Mine(BaseException): pass\n    raise Mine",
    "names of ours": "class Closed(ConnectionError): pass\n    raise Closed",
    "no text": "class Mute(RuntimeError):\n        def __str__(self): raise KeyError\n    raise Mute",
    "odd text": "class T(str):\n        def __getitem__(self, _): return 3\n"
    "    class Odd(Exception):\n        def __str__(self): return T('x')\n    raise Odd",
    "no name": "class Meta(type):\n        __name__ = property(lambda self: 1 / 0)\n"
    "    class Odd(Exception, metaclass=Meta): pass\n    raise Odd",
    "odd number": "class Odd(OSError):\n        errno = property(lambda self: 1 / 0)\n    raise Odd",
    "endless": "return f(x)",
}  # fmt: skip

RAISING: list[Row] = [
    Row(f"raises {name}", TWO, {"test-f": 0}, {"f": f"def f(x):\n    {code}"})
    for name, code in RAISED.items()
]

# What the last line of tests gives is a score when it is a number within 0 and the points (4 here), else it is nothing.
LAST_LINES: dict[str, float] = {
    "(1, 2)": 4, "'well done'": 4, "f'{f(1)} points'": 4, "None": 4, "True": 4, "f(1) == 3": 4, "f(1) > 0": 4, "[]": 4,
    "[1.5]": 4, "{'score': 1}": 4, "f": 4, "f(1) * (1 + 1j)": 4, "...": 4, "'2.5'": 4, "b'1'": 4, "not f(1)": 4,
    "np.bool_(False)": 4, "np.array([1, 2])": 4, "np.ones(1)": 4, "pd.DataFrame({'a': [f(1)]})": 4,
    "plt.plot([1, 2])": 4, "plt.figure()": 4, "Fraction": 4, "object()": 4, "iter([1])": 4,
    "0": 0, "1.5": 1.5, "f(1) / 4": 0.5, "3": 3, "4": 4, "4 * np.mean([f(1) == 2, False])": 2, "np.float64(1.5)": 1.5,
    "np.float16(1.5)": 1.5,
    "np.int8(3)": 3, "np.array(2)": 2, "jnp.array(2.5)": 2.5, "jnp.mean(jnp.array([1, 2]))": 1.5,
    "Fraction(1, 2)": 0.5, "Decimal('1.5')": 1.5, "4 * (0.1 + 0.2) / 0.3": 4, "sum([0.1] * 40)": 4, "-1e-17": 0,
    "-0.0": 0, "-1": 0, "4.5": 0, "10 ** 400": 0, "float('nan')": 0, "np.inf": 0, "Decimal('sNaN')": 0,
    "4 * np.mean([])": 0, "jnp.array(jnp.nan)": 0,
}  # fmt: skip
_NEEDED = (
    "import warnings; warnings.simplefilter('ignore')\nimport numpy as np, jax.numpy as jnp, pandas as pd\n"
    "import matplotlib.pyplot as plt\nfrom fractions import Fraction\nfrom decimal import Decimal\n"
)
SCORES: list[Row] = [
    Row(
        "ends with a value",
        (
            given(_NEEDED),
            answer("f", "def f(x):\n    return 2 * x"),
            *(checks(f"ends-{i}", last, f"f(2)\n{last}", 4) for i, last in enumerate(LAST_LINES)),
        ),
        {f"ends-{i}": points for i, points in enumerate(LAST_LINES.values())},
        told="its last line gives nan, and a score is from 0 to 4",
    )
]

# How parts hang together.
PARTS: list[Row] = [
    Row(
        "wrong in one part", STEPS, {"test-add": 0, "test-total": 0}, {"add": "def add(x, y):\n    return x"}
    ),
]

ROWS = [*SHAPES, *NAMES, *VALUES, *RAISING, *SCORES, *PARTS]
