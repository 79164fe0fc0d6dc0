"""Honest work in odd shapes, and the points that it must get: each row is graded at both levels.

A row is an exercise (the author's cells), what the student wrote into it, and how the file that came in differs from
what JupyterLab saves. Without `answers` the student wrote what the author did.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
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
    # Whether no cell at all may fail.
    all_run: bool = False
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


def told(cell: NotebookNode, **ours: Any) -> NotebookNode:
    """Return a cell of tests that says where it runs, or what it reads."""
    cell.metadata["tpc"] = ours
    return cell


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
    cell["id"] = name.replace(" ", "-")
    return cell


# The exercise that most rows take: state that shows whether a cell ran twice.
STEPS: tuple[NotebookNode, ...] = (
    text("# Steps\n\nAdd numbers."),
    given("runs = []"),
    given("tries = 0\ntries += 1"),
    given("tries += 1\nruns += [tries]"),
    answer("add", "import operator\ndef add(x, y):\n    return operator.add(x, y)"),
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


def _with(**parts: Any) -> Change:
    """Return a change of the notebook itself."""
    return lambda notebook: {**notebook, **parts}


def copied(notebook: dict[str, Any]) -> None:
    """Put a copy of the first answer, with less in it, above it."""
    at = next(at for at, cell in enumerate(notebook["cells"]) if cell["id"] == "add")
    copy = {**notebook["cells"][at], "id": "copy", "source": "def add(x, y):\n    return 0"}
    notebook["cells"].insert(at, copy)


# What the file holds besides its cells.
NOTEBOOKS: list[Row] = [
    Row("an answer copied", STEPS, change=copied, says="add is in the notebook 2 times", told="cell 6 of the file"),
    Row("format 4.0", STEPS, change=both(no_ids, lambda notebook: notebook.update(nbformat_minor=0))),
    Row("a mark of the order of bytes", STEPS, change=lambda n: b"\xef\xbb\xbf" + json.dumps(n).encode()),
    Row("metadata of other programs", STEPS, change=_with(metadata={"toc": [], "kernelspec": None})),
    Row("a later minor format", STEPS, change=_with(nbformat_minor=9)),
    Row("a key twice", STEPS, change=lambda n: json.dumps(n).encode()[:-1] + b', "nbformat": 4}'),
    *(
        Row(
            f"a second list of cells: {json.dumps(sheets)}",
            STEPS,
            {"test-add": 0, "test-total": 0},
            change=_with(worksheets=sheets),
            outcome="invalid",
            says="a second list of cells (worksheets), which JupyterLab does not show",
        )
        for sheets in ([], [{"cells": []}], None)
    ),
]  # fmt: skip

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

_PLOT = "import matplotlib.pyplot as plt\nimport numpy as np\nx = np.arange(1, 9)\n"
_LABELS = "for label in ('a', 'b'):\n    lines = plt.plot(x, x**2, label=label)\n"
_PLOTS = {
    "log axes": f"{_LABELS}plt.yscale('log')\nlegend = plt.legend()\nplt.show()",
    "the other axis": f"{_LABELS}plt.xscale('log')\nlegend = plt.legend()\nplt.show()",
    "one legend for all": f"{_LABELS}handles, labels = plt.gca().get_legend_handles_labels()\n"
    "by_label = dict(zip(labels, handles))\nplt.legend(by_label.values(), by_label.keys())",
    "subplots": "fig, axes = plt.subplots(2, 2, sharex=True)\nfor ax in axes.flat:\n    ax.loglog(x, x)\n"
    "fig.tight_layout()",
    "saved": "plt.plot(x)\nplt.savefig('figure.png', dpi=50)\nplt.close()",
    "a style": "with plt.style.context('ggplot'):\n    plt.plot(x, label=r'$\\alpha_{1}^{2}$')\n    plt.legend()",
    "three dimensions": "ax = plt.figure().add_subplot(projection='3d')\nax.plot(x, x, x)",
    "a bar of colours": "image = plt.imshow(np.outer(x, x), cmap='viridis')\nplt.colorbar(image)",
    "many bins": "counts, bins, patches = plt.hist(np.arange(1000), bins=500, log=True)",
    "names": "bars = plt.bar(['a', 'b'], [1, 100])\nplt.yscale('log')",
    "an animation": "from matplotlib.animation import FuncAnimation\nfig, ax = plt.subplots(figsize=(1, 1))\n"
    "(line,) = ax.plot(x)\nmoving = FuncAnimation(fig, lambda i: (line.set_ydata(x * i),), frames=2)\n"
    "shown = moving.to_jshtml()",
    "many formulas": "for i in range(60):\n    label = plt.text(0, 0, f'$x_{{{i}}}$')\nplt.gcf().canvas.draw()",
    "many figures": "for i in range(25):\n    plt.figure(figsize=(1, 1))",
}

# Figures in given cells, and in answers.
FIGURES: list[Row] = [
    Row(
        "figures in given cells",
        (
            given(_PLOT),
            *(given(source) for source in _PLOTS.values()),
            answer("total", "total = int(x.sum())"),
            checks("test-1", "assert total == 36", "assert x.sum() == 36"),
        ),
    ),
    Row(
        "figures in answers",
        (
            given(_PLOT),
            *(answer(f"plot-{i}", f"{source}\ndrawn_{i} = True") for i, source in enumerate(_PLOTS.values())),
            checks("test-1", "assert " + " and ".join(f"drawn_{i}" for i in range(len(_PLOTS)))),
        ),
    ),
]  # fmt: skip


def _all_run(name: str, file: str) -> Row:
    """Return a row whose answers are the cells in a file (`#### name`, then code), none of which may fail."""
    found = re.split(r"^#### (.*)\n", (Path(__file__).parent / file).read_text("utf-8"), flags=re.M)[1:]
    parts = (answer(each, source.rstrip()) for each, source in zip(found[::2], found[1::2], strict=True))
    return Row(name, (*parts, answer("ran", "ran = 1"), checks("test-ran", "assert ran == 1")), all_run=True)


_HELPS = (
    answer(
        "twice",
        "import helper\nfrom parts.more import plus\ndef twice(x):\n    return helper.double(plus(x))",
    ),
    checks("test-twice", "assert twice(1) == 4", "assert twice(2) == 6"),
)
_HELPER = {
    "helper.py": "def double(x):\n    return 2 * x\n",
    "parts/more.py": "def plus(x):\n    return x + 1\n",
}

# Files beside the notebook.
BESIDE: list[Row] = [
    _all_run("what runs in JupyterLab", "lab_cells.txt"),
    _all_run("modules that cells write", "module_cells.txt"),
    Row("a helper of the author's", _HELPS, own=_HELPER),
    Row("a helper of the student's", _HELPS, files=_HELPER),
    Row(
        "a helper of the author's that tests use",
        (
            given("from helper import double"),
            answer("f", "def f(x):\n    return double(x)"),
            checks("test-1", "assert f(2) == double(2)", "import helper\nassert f(3) == helper.double(3)"),
        ),
        own=_HELPER,
    ),
    Row(
        "a helper of the author's that a student has changed",
        (
            given("from helper import double"),
            answer("f", "def f(x):\n    return double(x)"),
            checks("test-1", "assert f(2) == double(2)"),
        ),
        own=_HELPER,
        files={"helper.py": "def double(x):\n    return 0\n"},
    ),
    Row(
        "files with the names of libraries",
        (
            answer("f", "import random, calendar, numpy\ndef f(x):\n    return numpy.abs(x) + random.randint(1, 1)"),
            checks("test-1", "import random, colorsys, numpy as np\nassert f(-1) == 2 and np.abs(-1) == 1"),
        ),
        files={name: "raise RuntimeError('mine')" for name in ("random.py", "calendar.py", "numpy.py", "colorsys.py")},
    ),
    Row(
        "data beside the notebook",
        (
            given("text = open('data/numbers.txt').read()"),
            answer("numbers", "numbers = [int(each) for each in open('data/numbers.txt').read().split()]"),
            checks("test-1", "assert numbers == [1, 2, 3]", "assert text.split() == ['1', '2', '3']"),
        ),
        own={"data/numbers.txt": "1 2 3\n"},
    ),
    Row(
        "a module that is not there",
        (
            answer("f", "import not_there_at_all\ndef f(x):\n    return x"),
            checks("test-1", "assert f(1) == 1", "assert f(2) == 2"),
        ),
        {"test-1": 0},
        says="f could not import the module not_there_at_all",
        told="No module named 'not_there_at_all'",
    ),
    Row(
        "a cell that stops before its function",
        (answer("f", "1 / 0\ndef f(x):\n    return x"), checks("test-1", "assert f(1) == 1")),
        {"test-1": 0},
        says="f stopped with ZeroDivisionError: division by zero",
    ),
    Row(
        "a cell that asks a person",
        (answer("f", "n = input('How many? ')\ndef f(x):\n    return x"), checks("test-1", "assert f(1) == 1")),
        {"test-1": 0},
        says="nobody is there while work is graded",
    ),
]  # fmt: skip

# What answers give to tests: what the author gives, what a student gives, and the test of it (`f` is the function).
# Each is a part of one exercise. First those that are right, by whatever type they come.
ACCEPTED: list[tuple[str, str, str]] = [
    ("(1, 2)", "[1, 2]", "assert f() == (1, 2)"),
    ("(1, 2)", "np.array([1, 2])", "assert f() == (1, 2)"),
    ("(1, 2)", "(n for n in (1, 2))", "assert f() == (1, 2)"),
    ("(1, 2)", "[1, 2]", "assert (1, 2) == f()"),
    ("(1, 2)", "[1, 2]", "assert f() == f() == (1, 2)"),
    ("(1, 2)", "[1, 2]", "assert not f() != (1, 2)"),
    ("(1, 2)", "[1, 2]", "assert f() in [(1, 2), (2, 1)]"),
    ("(1, 2)", "np.array([1, 2])", "assert f() in {(1, 2), (2, 1)}"),
    ("[1, 2]", "(1, 2)", "assert f() == [1, 2], 'a message'"),
    ("[1, 2]", "np.array([1, 2])", "got = f()\nassert got == [1, 2]"),
    ("[1, 2]", "iter([1, 2])", "got = f()\nassert got == [1, 2]\nassert got == [1, 2]"),
    ("[1, 2]", "map(int, '12')", "assert f() == [1, 2] and len(f()) == 2"),
    ("[1, 2]", "range(1, 3)", "assert f() == [1, 2]"),
    ("[1, 2]", "deque([1, 2])", "assert f() == [1, 2]"),
    ("[1, 2]", "{'a': 1, 'b': 2}.values()", "assert f() == [1, 2]"),
    ("['a']", "{'a': 1}.keys()", "assert f() == ['a']"),
    ("[('a', 1)]", "{'a': 1}.items()", "assert f() == [('a', 1)]"),
    ("[1, 2]", "pd.Series([1, 2])", "assert f() == [1, 2]"),
    ("[1, 2]", "pd.Index([1, 2])", "assert f() == [1, 2]"),
    ("[1, 2]", "array.array('i', [1, 2])", "assert f() == [1, 2]"),
    ("[1, 2]", "jnp.array([1, 2])", "assert f() == [1, 2]"),
    ("[1, 2]", "np.array([1, 2], object)", "assert f() == [1, 2]"),
    ("[1, 2]", "[np.int8(1), np.float32(2)]", "assert f() == [1, 2]"),
    ("[[1, 2], [3, 4]]", "np.array([[1, 2], [3, 4]])", "assert f() == [[1, 2], [3, 4]]"),
    ("[[1, 2], [3, 4]]", "((1, 2), (3, 4))", "assert f() == [[1, 2], [3, 4]]"),
    ("[1, [2, 3]]", "(1, np.array([2, 3]))", "assert f() == [1, [2, 3]]"),
    ("{'a': [1, 2]}", "{'a': np.array([1, 2])}", "assert f() == {'a': [1, 2]}"),
    ("{'a': (1, 2)}", "OrderedDict(a=[1, 2])", "assert f() == {'a': (1, 2)}"),
    ("np.array([1, 2])", "[1, 2]", "assert (f() == np.array([1, 2])).all()"),
    ("np.array([1, 2])", "[1, 2]", "assert (f() == [1, 2]).all()"),
    ("np.array([1, 2])", "(1, 2)", "assert np.all(f() == [1, 2]) and (f() == [1, 3]).sum() == 1"),
    ("np.array([1, 2])", "[1, 2]", "assert not (f() != [1, 2]).any()"),
    ("np.array([1, 2])", "[1, 2]", "got = f() == np.array([1, 2])\nassert got.all() and np.mean(got) == 1"),
    ("np.array([1, 2])", "(n for n in (1, 2))", "assert np.allclose(f(), [1, 2])"),
    (
        "np.array([1, 2])",
        "(1, 2)",
        "np.testing.assert_allclose(f(), [1, 2])\nnp.testing.assert_equal(f(), [1, 2])",
    ),
    ("[True, False]", "np.array([True, False])", "assert f() == [True, False]"),
    ("0.75", "Fraction(3, 4)", "assert f() == 0.75 and np.isclose(f(), 0.75) and abs(f() - 0.75) < 1e-9"),
    ("1 / 3", "Fraction(1, 3)", "assert math.isclose(f(), 1 / 3) and f() == 1 / 3"),
    ("0.1", "Decimal('0.1')", "assert f() == 0.1 and abs(f() - 0.1) < 1e-9"),
    ("[0.5, 1.5]", "[Fraction(1, 2), Fraction(3, 2)]", "assert np.allclose(f(), [0.5, 1.5])"),
    ("0.5", "np.float32(0.5)", "assert f() == 0.5"),
    ("0.5", "np.array(0.5)", "assert f() == 0.5 and abs(f() - 0.5) < 1e-9"),
    ("0.5", "jnp.array(0.5)", "assert f() == 0.5"),
    ("3", "3.0", "assert f() == 3"),
    ("3", "np.uint8(3)", "assert f() == 3 and -f() == -3 and f() - 4 == -1 and f() * 100 == 300"),
    ("3", "3 + 0j", "assert f() == 3"),
    ("3", "np.array([3])", "assert f() == 3"),
    ("True", "np.bool_(True)", "assert f()"),
    ("False", "np.bool_(False)", "assert f() == False and not f()"),
    ("'ab'", "np.str_('ab')", "assert f() == 'ab' and f().upper() == 'AB'"),
    ("2 ** 100", "2 ** 100", "assert f() == 2 ** 100"),
    ("[1 / 3]", "jax64([1 / 3])", "assert abs(f()[0] - 1 / 3) < 1e-15"),
    ("(1, 2)", "Pair(1, 2)", "assert f() == (1, 2) and f()[0] == 1"),
    ("Counter('aab')", "Counter('aab')", "assert f()['z'] == 0 and f() == {'a': 2, 'b': 1}"),
    # What is empty, infinite or broadcast, where the author's own answer is.
    ("[]", "[]", "assert f() == []"),
    ("[]", "()", "assert f() == [] and len(f()) == 0"),
    ("np.zeros((0, 3))", "np.zeros((0, 3))", "assert f().shape == (0, 3)"),
    ("np.array([])", "[]", "assert np.allclose(f(), [])"),
    ("set()", "set()", "assert f() == set() and not f()"),
    ("{}", "{}", "assert f() == {}"),
    ("math.inf", "np.float32('inf')", "assert f() == math.inf"),
    ("float('nan')", "np.nan", "assert math.isnan(f())"),
    ("np.array([1, np.nan])", "[1, np.nan]", "assert np.allclose(f(), [1, np.nan], equal_nan=True)"),
    ("[1, math.inf]", "(1, math.inf)", "assert f() == [1, math.inf]"),
    ("np.ones(3)", "np.ones(3)", "assert np.allclose(f(), 1) and (f() == 1).all()"),
    ("np.ones((2, 3))", "np.ones((2, 3))", "assert np.allclose(f(), np.ones(3))"),
    ("1.0", "1.0", "assert np.allclose(f(), np.ones(3)) and (np.ones(3) - f() == 0).all()"),
    ("1.0", "1.0", "assert np.allclose(a=f(), b=np.ones(3)) and (f() <= np.ones(3)).all() and 0 < f() < 2"),
    ("[0.5, 1.5]", "(n / 2 for n in (1, 3))", "np.testing.assert_allclose(actual=f(), desired=[0.5, 1.5])"),
    ("''", "''", "assert f() == ''"),
    ("(1, [])", "[1, ()]", "assert f() == (1, [])"),
    ("None", "None", "assert f() is None"),
    ("[3, 1, 2]", "(3, 1, 2)", "path = f()\nassert all(a != b for a, b in zip(path, path[1:]))"),
]
# Then those that are wrong, however they are written.
WANT, LONG = "np.array([3.0, 3.0, 3.0])", "list(range(9))"
REFUSED: list[tuple[str, str, str]] = [
    # Seven times too large, in a type that cannot hold it.
    ("70000.0", "np.float16(490000)", "assert f() == 70000"),
    ("70000.0", "np.float16(490000)", "assert np.float16(f()) == np.float16(70000)"),
    ("np.full(3, 1e5)", "np.full(3, 7e5).astype('float16')", "assert (f() == np.full(3, 1e5)).all()"),
    ("np.full(3, 1e5)", "np.full(3, 7e5).astype('float16')", "assert np.allclose(f(), np.full(3, 1e5))"),
    ("1e39", "np.float32(7e39)", "assert f() == 1e39"),
    ("1e39", "jnp.float32(7e39)", "assert f() == 1e39"),
    ("1e39", "jax64([7e39])[0]", "assert f() == np.float64(1e39)"),
    ("257.0", "jnp.bfloat16(256)", "assert f() == 257"),
    ("2049.0", "np.float16(2049)", "assert f() == 2049"),
    ("300", "np.array([300]).astype('uint8')[0]", "assert f() == 300"),
    ("0.1", "np.float32(0.1)", "assert abs(f() - 0.1) < 1e-12"),
    ("1e5", "np.inf", "assert f() > 1e4"),
    ("1e5", "np.inf", "assert not f() < 1e4"),
    ("1e5", "10.0 ** 400 if 0 else float('inf')", "assert f() >= 1e5"),
    ("-1e5", "-np.inf", "assert f() < 0"),
    ("1.0", "complex('inf')", "assert abs(f()) >= 1"),
    ("1.0", "np.nan", "assert not abs(f() - 1) > 1e-9"),
    ("1.0", "np.nan", "assert np.isclose(f(), np.nan, equal_nan=True)"),
    ("{'loss': 1.0}", "{'loss': np.inf}", "assert f()['loss'] > 0.5"),
    ("(1.0, 2.0)", "(1.0, np.inf)", "a, b = f()\nassert b > a"),
    ("1.0", "Decimal('Infinity')", "assert f() > 0"),
    # Nothing at all.
    (WANT, "[]", "assert np.allclose(f(), 3)"),
    (WANT, "np.array([])", "assert (f() == 3).all()"),
    (WANT, "np.array([])", "assert np.allclose(f(), [3.0])"),
    (WANT, "np.zeros((0, 3))", "assert np.allclose(f(), [3.0, 3.0, 3.0])"),
    (WANT, "np.zeros((0, 3))", "assert (f() == np.full(3, 3.0)).all()"),
    (WANT, "[]", "assert all(v == 3 for v in f())"),
    (WANT, "[]", "for v in f():\n    assert v == 3"),
    (WANT, "()", "assert all(a == b for a, b in zip(f(), [3, 3, 3]))"),
    (WANT, "[]", "assert sum((v - 3) ** 2 for v in f()) < 1e-9"),
    (WANT, "[]", "assert np.linalg.norm(np.asarray(f()) - 3) < 1e-9"),
    (WANT, "[]", "assert max((abs(v - 3) for v in f()), default=0) < 1e-9"),
    (WANT, "[]", "assert not any(v != 3 for v in f())"),
    (WANT, "[]", "np.testing.assert_allclose(f(), 3)"),
    (WANT, "[]", "assert set(f()) <= {3}"),
    (WANT, "iter(())", "assert all(v == 3 for v in f())"),
    (WANT, "{}", "assert all(v == 3 for v in f())"),
    (WANT, "jnp.array([])", "assert np.allclose(f(), 3)"),
    (WANT, "pd.Series([], dtype=float)", "assert np.allclose(f(), 3)"),
    ("3.0", "[]", "assert np.allclose(f(), 3)"),
    ("{3}", "set()", "assert f() <= {3}"),
    ("{'a': 1.0}", "{}", "assert all(v == 1 for v in f().values())"),
    ("(1.0, np.ones(3))", "(1.0, [])", "assert np.allclose(f()[1], 1)"),
    ("['a', 'b']", "[]", "assert all(v in 'ab' for v in f())"),
    # Too few, too many, of another shape.
    (WANT, "3.0", "assert np.allclose(f(), [3.0, 3.0, 3.0])"),
    (WANT, "3", "assert np.allclose(f(), [3.0, 3.0, 3.0])"),
    (WANT, "[3.0]", "assert np.allclose(f(), [3.0, 3.0, 3.0])"),
    (WANT, "np.array([3.0])", "assert (f() == np.full(3, 3.0)).all()"),
    (WANT, "np.array([[3.0]])", "assert np.abs(f() - np.full(3, 3.0)).max() < 1e-9"),
    (WANT, "3.0", "assert np.abs(f() - np.full(3, 3.0)).max() < 1e-9"),
    (WANT, "3.0", "assert np.abs(f() / np.full(3, 3.0) - 1).max() < 1e-9"),
    (WANT, "3.0", "np.testing.assert_allclose(f(), [3.0, 3.0, 3.0])"),
    (WANT, "3.0", "np.testing.assert_allclose(actual=f(), desired=[3.0, 3.0, 3.0])"),
    (WANT, "3.0", "assert np.allclose(f(), b=[3.0, 3.0, 3.0])"),
    (WANT, "3.0", "assert (f() > np.full(3, 2.9)).all() and (np.full(3, 3.1) >= f()).all()"),
    # A number for many, where nothing but what the author gives shows it.
    (WANT, "3.0", "assert np.allclose(f(), 3)"),
    (WANT, "3.0", "assert np.all(f() == 3)"),
    (WANT, "3", "assert np.all(np.abs(f() - 3) < 1e-9)"),
    (WANT, "3.0", "np.testing.assert_allclose(f(), 3)"),
    (WANT, "3.0", "assert np.max(f()) == 3"),
    (WANT, "np.float64(3)", "assert f().mean() == 3"),
    (LONG, "[0]", "assert all(a == b for a, b in zip(f(), range(9)))"),
    (LONG, "list(range(20))", "assert all(a == b for a, b in zip(f(), range(9)))"),
    (LONG, "list(range(8))", "assert f() == list(range(9))"),
    ("[[1, 2], [3, 4]]", "[1, 2, 3, 4]", "assert f() == [[1, 2], [3, 4]]"),
    ("[1, 2]", "[[1, 2]]", "assert f() == [1, 2]"),
    ("[1, 2]", "[2, 1]", "assert f() == [1, 2]"),
    ("(1, 2)", "[1, 3]", "assert f() == (1, 2)"),
    ("(1, 2)", "[1, 2]", "assert f() != (1, 2)"),
    ("(1, 2)", "[1, 2]", "assert f() not in [(1, 2)]"),
    ("'ab'", "['a', 'b']", "assert f() == 'ab'"),
    ("['a', 'b']", "'ab'", "assert f() == ['a', 'b']"),
    ("[1, 2]", "{1, 2}", "assert f() == [1, 2]"),
    ("{1, 2}", "[1, 2]", "assert f() == {1, 2}"),
    ("[1]", "1", "assert f() == [1]"),
    ("1", "None", "assert f() == 1"),
    ("2 ** 60 + 1", "2.0 ** 60", "assert f() == 2 ** 60 + 1"),
    # A type that the test names.
    ("[1, 2]", "(1, 2)", "assert isinstance(f(), list) and f() == [1, 2]"),
    ("0.5", "Fraction(1, 2)", "assert type(f()) is float"),
]
# Made a number before it is compared: an array of one value where the author gives a number, and the reverse.
CONVERTED = [
    (author, student, test)
    for test in (
        "assert float(f()) == 3", "assert int(f()) == 3", "assert round(f(), 3) == 3",
        "assert abs(float(f()) - 3) < 1e-9", "assert complex(f()) == 3", "assert math.isclose(f(), 3)",
        "assert math.sqrt(f()) > 1", "got = f()\nassert int(got) == 3",
        "assert float(f() + 1) == 4",
    )
    for author, student in (("3.0", "np.array([3.0])"), ("3.0", "np.array([[3.0]])"), ("3.0", "jnp.array([3.0])"))
] + [
    ("np.array([3.0])", "3.0", "assert float(f()) == 3"),
    ("np.array([3.0])", "3", "assert int(f()) == 3"),
    ("np.array([3.0])", "np.float32(3)", "assert math.isclose(f(), 3)"),
    ("np.float64(3)", "np.array([3.0])", "assert f().item() == 3"),
]  # fmt: skip
# The same with a number as the author's, or of another type.
ACCEPTED += [("3.0", student, test) for _, student, test in (
    ("", "3", "assert float(f()) == 3"), ("", "np.float32(3)", "assert int(f()) == 3"),
    ("", "Fraction(3)", "assert round(f(), 3) == 3"), ("", "np.array(3.0)", "assert float(f()) == 3"),
    ("", "Decimal(3)", "assert math.isclose(f(), 3)"), ("", "jnp.array(3.0)", "assert float(f()) == 3"),
    ("", "3.0", "assert np.allclose(f(), 3) and np.all(f() == 3) and np.mean(f()) == 3"),
    ("", "np.array([3.0])", "assert float(np.squeeze(f())) == 3 and float(np.ravel(f())[0]) == 3"),
)]  # fmt: skip
TYPES = (
    "import array, math\nimport numpy as np, jax, jax.numpy as jnp, pandas as pd\n"
    "from collections import Counter, OrderedDict, deque, namedtuple\nfrom decimal import Decimal\n"
    "from fractions import Fraction\nPair = namedtuple('Pair', 'low high')\nnp.seterr(all='ignore')\n"
    "def jax64(values):\n    with jax.enable_x64(True):\n        return jnp.asarray(np.array(values))"
)


def _of_one_exercise(name: str, cases: list[tuple[str, str, str]], points: float, imports: str) -> Row:
    """Return a row with a part for each case."""
    cells, answers = [given(imports)], {}
    for i, (author, student, test) in enumerate(cases):
        own = test.replace("f()", f"f{i}()")
        cells += [answer(f"write-{i}", f"def f{i}():\n    return {author}"), checks(f"test-{i}", "", own)]
        answers[f"write-{i}"] = f"def f{i}():\n    return {student}"
    return Row(
        name, tuple(cells), {f"test-{i}": points for i in range(len(cases))}, answers, levels=("oracle",)
    )


VALUES: list[Row] = [
    _of_one_exercise("right whatever the type", ACCEPTED, 1, TYPES),
    _of_one_exercise("right as the author has it", [(own, own, test) for own, _, test in ACCEPTED], 1, TYPES),
    _of_one_exercise("wrong whatever the type", REFUSED, 0, TYPES),
    replace(
        _of_one_exercise("made a number", CONVERTED, 0, TYPES),
        says="one number in an array where the tests need the number itself",
    ),
    replace(
        _of_one_exercise(
            "a number for an array", [("np.array([3.0])", "3.0", "assert float(f()) == 3")], 0, TYPES
        ),
        says="a number where the tests need an array or a list",
    ),
]


# What an answer is depends on what was asked before: of an object, or of a function that remembers.
_STACK = """\
class Stack:
    def __init__(self, items):
        self.kept = list(items)
    def pop(self):
        return self.kept.pop()
    def rest(self):
        return KEPT
    def mean(self):
        return sum(self.kept) / len(self.kept)
left = [[1, 2], [3]]
def batch():
    return left.pop(0) if left else KEPT
"""
STATES: list[Row] = [
    Row(
        name,
        (
            answer("stack", _STACK.replace("KEPT", "self.kept", 1).replace("KEPT", "[]")),
            checks("test-stack", "", "s = Stack([1, 2])\nassert s.rest()\ns.pop()\ns.pop()\nassert not s.rest()"),
            checks("test-batch", "", "assert batch() == [1, 2] and batch() == [3] and not batch()"),
            checks("test-full", "", "s = Stack([3, 3])\nassert all(v == 3 for v in s.rest()) and s.mean() > 0"),
        ),
        points,
        {"stack": _STACK.replace("KEPT", rest, 1).replace("KEPT", "()")},
        levels=("oracle",),
        says=says,
    )
    for name, rest, points, says in (
        ("an object that empties", "tuple(self.kept)", {}, ""),
        ("an object that is empty", "()", {"test-stack": 0, "test-full": 0}, "empty answer"),
    )
]  # fmt: skip

_ASYNC = (
    given("import asyncio\nstarted = await asyncio.sleep(0, 1)"),
    answer("f", "async def f(x):\n    await asyncio.sleep(0)\n    return 2 * x"),
    checks("test-f", "assert await f(1) == 2 * started", "assert await asyncio.gather(f(1), f(2)) == [2, 4]"),
    checks(
        "test-many",
        "",
        "found = [await f(x) for x in range(3)]\nassert found == [0, 2, 4]\n2 * (await f(1) == 2)",
        2,
    ),
)
AWAITED: list[Row] = [
    Row("tests that await", _ASYNC),
    Row(
        "tests that await in vain",
        _ASYNC,
        {"test-f": 0, "test-many": 0},
        {"f": "def f(x):\n    return 2 * x"},
    ),
    Row(
        "tests that await what is wrong",
        _ASYNC,
        {"test-f": 0, "test-many": 0},
        {"f": "async def f(x):\n    return x"},
    ),
]

# Files that answers write, and types of numbers that tests ask for.
_SAVE = "import json, numpy as np\nfrom safetensors.numpy import save_file\n"
_FILES = ("out.npy", "out.json", "out.safetensors")
_READ = "import json, numpy as np\nfrom safetensors.numpy import load_file\n"


def _saved(array: str) -> str:
    return (
        f"{_SAVE}array = {array}\nnp.save('out.npy', array)\nsave_file({{'a': array}}, 'out.safetensors')\n"
        "json.dump(np.asarray(array, float).tolist(), open('out.json', 'w'))"
    )


_SAVED = (
    answer("save", _saved("np.full(3, 1e5)")),
    *(
        told(
            checks(f"test-{i}", "", f"{_READ}assert {test}, 'other numbers'"),
            level="artefact",
            artefacts=[*_FILES],
        )
        for i, test in enumerate(
            (
                "np.allclose(np.load('out.npy'), 1e5)",
                "(load_file('out.safetensors')['a'] == 1e5).all()",
                "all(v == 1e5 for v in json.load(open('out.json')))",
            )
        )
    ),
)
_NONE = {"test-0": 0, "test-1": 0, "test-2": 0}
FILES: list[Row] = [
    Row("files as the author's", _SAVED, levels=("oracle",)),
    Row("files in 32 bits", _SAVED, {}, {"save": _saved("np.full(3, 1e5, 'float32')")}, levels=("oracle",)),
    Row("files in 16 bits", _SAVED, _NONE, {"save": _saved("np.full(3, 7e5).astype('float16')")}, levels=("oracle",),
        says="infinity or NaN"),
    Row("empty files", _SAVED, _NONE, {"save": _saved("np.zeros(0)")}, levels=("oracle",), says="empty answer"),
    Row("no files", _SAVED, _NONE, {"save": "pass"}, levels=("oracle",)),
    Row(
        "types that a test asks for",
        (
            answer("f", "import numpy as np\ndef f():\n    return np.ones(2, 'float32')"),
            told(checks("asks", "", "assert f().dtype == 'float32'"), dtypes=["float32"]),
            checks("asks-not", "", "assert f().dtype == 'float64'"),
        ),
        levels=("oracle",),
    ),
]  # fmt: skip

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

# Which exception an answer raised is said of public tests only; a person reads its name with nothing hidden in it.
_NAMES = (
    answer("f", "def f(x):\n    return 2 * x"),
    checks("test-f", "assert f(1) == 2", "assert f(3) == 6"),
    checks("test-hidden", "", "assert f(4) == 8"),
)
_HIDDEN = "The tests stopped with an error in your code."
_ODD_NAME = "A\u202eB\u200b\x1b[2J\x07\n\u2028C"
SAYING: list[Row] = [
    Row(
        f"says of hidden {name}",
        _NAMES,
        {"test-f": 0, "test-hidden": 0},
        {"f": f"def f(x):\n    if x > 2:\n        {code}\n    return 2 * x"},
        says=f"{_HIDDEN}\n{_HIDDEN}",
    )
    for name, code in {
        **{each: f"raise {each}" for each in ("ValueError", "TypeError", "NotImplementedError", "NameError")},
        "own class": "class Odd(Exception): pass\n        raise Odd",
        "name that is not there": "return nowhere",
    }.items()
] + [
    Row(
        "says of public ValueError",
        _NAMES,
        {"test-f": 0, "test-hidden": 0},
        {"f": "def f(x):\n    raise ValueError(x)"},
        says=f"The tests stopped with ValueError.\n{_HIDDEN}",
    ),
    Row("says of a stub", _NAMES, {"test-f": 0, "test-hidden": 0}, {"f": 
        "# YOUR CODE HERE\nraise NotImplementedError()"},
        says="Not answered yet.\nNot answered yet."),
    Row("says of another name", _NAMES, {"test-f": 0, "test-hidden": 0}, {"f": "def fun(x):\n    return 2 * x"},
        says="The tests found no function or variable of the expected name."),
    Row(
        "shows what hides in a name",
        _NAMES,
        {"test-f": 0, "test-hidden": 0},
        {"f": f"def f(x):\n    raise type({_ODD_NAME!r}, (Exception,), {{}})({_ODD_NAME!r})"},
        told="A<U+202E>B<U+200B><U+001B>[2J<U+0007><U+000A><U+2028>C",
    ),
]  # fmt: skip

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
        "wrong in one part",
        STEPS,
        {"test-add": 0},
        {"add": "def add(x, y):\n    return x"},
        says="Graded with the author's version of `add`, as yours did not pass.",
        told="test-total: Graded with the author's version of `add`",
    ),
]

ROWS = [
    *AWAITED, *SHAPES, *NOTEBOOKS, *NAMES, *FIGURES, *BESIDE,
    *VALUES, *STATES, *FILES, *RAISING, *SAYING, *SCORES, *PARTS,
]  # fmt: skip
