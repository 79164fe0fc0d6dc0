"""Ten notebooks in the shapes that courses with nbgrader have, and what four students hand in to each.

Texts and exercises were written for these tests. A student answers cells by their grade_id; a cell without an answer
stays as it was released.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

Cell = dict[str, Any]
Answers = dict[str, str]


@dataclass(frozen=True)
class Foreign:
    """A notebook from elsewhere. `schema` is that of nbgrader's metadata, `minor` that of the file's format 4."""

    slug: str
    schema: int
    minor: int
    cells: tuple[Cell, ...]
    # Kind of work -> what was written into which cell.
    work: dict[str, Answers]
    files: dict[str, str] = field(default_factory=dict)
    # (kind of work, part) -> our points where stock nbgrader gives others, and why.
    differ: dict[tuple[str, str], tuple[float, str]] = field(default_factory=dict)
    # Students hand in what a client without cell ids saved.
    drops_ids: bool = False

    def notebook(self) -> dict[str, Any]:
        """Return the notebook as it stands in a file."""
        cells = [self._stored(index, cell) for index, cell in enumerate(self.cells)]
        spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        return {
            "cells": cells,
            "metadata": {"kernelspec": spec, "language_info": {"name": "python", "version": "3.6.4"}},
            "nbformat": 4,
            "nbformat_minor": self.minor,
        }

    def text(self) -> str:
        """Return the file."""
        return json.dumps(self.notebook(), indent=1)

    def _stored(self, index: int, cell: Cell) -> Cell:
        stored: Cell = json.loads(json.dumps(cell))
        facts = stored["metadata"].get("nbgrader")
        if facts is not None:
            if self.schema:
                facts["schema_version"] = self.schema
            if self.schema < 3:
                facts.pop("task", None)
            if not self.schema and "points" in facts:
                facts["points"] = f"{facts['points']:g}"  # as the first versions typed them
        if self.minor >= 5:
            stored["id"] = f"cell-{index}"
        return stored


def text(source: str) -> Cell:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def given(source: str, grade_id: str = "") -> Cell:
    """Return code that the notebook gives, locked where it has an id."""
    return _code(source, {"locked": True} | {"grade_id": grade_id} if grade_id else None)


def answer(grade_id: str, solution: str, before: str = "", points: float | None = None) -> Cell:
    """Return a cell of code that students answer; with points a person reads it."""
    source = f"{before}### BEGIN SOLUTION\n{solution}\n### END SOLUTION"
    return _code(source, _facts(grade_id, points, solution=True))


def checks(grade_id: str, points: float, public: str, hidden: str = "") -> Cell:
    marked = f"\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS" if hidden else ""
    return _code(public + marked, _facts(grade_id, points, locked=True))


def written(grade_id: str, points: float, solution: str) -> Cell:
    """Return an answer in words."""
    metadata = {"nbgrader": _facts(grade_id, points, solution=True)}
    return {"cell_type": "markdown", "metadata": metadata, "source": solution}


def task(grade_id: str, points: float, source: str) -> Cell:
    facts = {
        "grade": False,
        "solution": False,
        "locked": True,
        "task": True,
        "grade_id": grade_id,
        "points": points,
    }
    return {"cell_type": "markdown", "metadata": {"nbgrader": facts}, "source": source}


def _facts(grade_id: str, points: float | None, solution: bool = False, locked: bool = False) -> Cell:
    facts = {
        "grade": points is not None,
        "solution": solution,
        "locked": locked,
        "task": False,
        "grade_id": grade_id,
    }
    return facts | ({} if points is None else {"points": points})


def _code(source: str, facts: Cell | None) -> Cell:
    complete = (
        None if facts is None else {"grade": False, "solution": False, "locked": False, "task": False} | facts
    )
    metadata = {} if complete is None else {"nbgrader": complete}
    return {
        "cell_type": "code",
        "metadata": metadata,
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


ORBITS = Foreign(
    "orbits", 0, 0,
    (
        text("# Orbits\n\nKepler's third law, with years and astronomical units."),
        given("import math"),
        answer("period", "    return a ** 1.5", "def period(a):\n"),
        checks("test_period", 2, "assert period(1) == 1", "assert abs(period(4) - 8) < 1e-9"),
        answer("axis", "    return t ** (2 / 3)", "def axis(t):\n"),
        checks("test_axis", 3, "assert math.isclose(axis(1), 1)", "assert math.isclose(axis(period(5.2)), 5.2)"),
    ),
    {
        "right": {
            "period": "import warnings\ndef period(a):\n    warnings.warn('slow')\n    return math.sqrt(a * a * a)",
            "axis": "axis = lambda t: (t * t) ** (1 / 3)",
        },
        "partly": {"period": "def period(a):\n    return a ** 1.5", "axis": "def axis(t):\n    return t"},
        "wrong": {"period": "def period(a):\n    return 2 * a", "axis": "def axis(t):\n    return 1 / 0"},
    },
    differ={
        ("right", "test_period"): (2, "a warning on stderr costs nothing here"),
        ("right", "test_axis"): (3, "as above: the test calls `period`"),
    },
    drops_ids=True,
)  # fmt: skip

ESSAY = Foreign(
    "reading-graphs", 1, 2,
    (
        text("Reading graphs\n==============\n\nAnswer in words, then in code."),
        written("what-falls", 2, "The rate falls since fewer nuclei are left."),
        answer("sketch", "steps = [2 ** -n for n in range(5)]", points=3),
        answer("half", "half = 0.5"),
        checks("test-half", 1, "assert half == 0.5"),
        answer("third", "third = half * half"),
        checks("test-third", 2, "assert third == 0.25"),
    ),
    {
        "right": {
            "what-falls": "Fewer nuclei are left.",
            "sketch": "steps = [1, .5, .25]",
            "half": "half = 1 / 2",
            "third": "third = 1 / 4",
        },
        "partly": {"sketch": "steps = []", "half": "half = 0.5", "third": "third = 0"},
        "wrong": {"what-falls": "It rises.", "sketch": "1 / 0", "half": "half = 2", "third": "third = half"},
    },
)  # fmt: skip

HELPED = Foreign(
    "with-a-module", 2, 4,
    (
        text("# With a module\n\nThe module `lattice` lies beside this notebook."),
        given("import lattice\nfrom lattice import neighbours"),
        answer(
            "energy",
            "    return -sum(spins[i] * spins[j] for i, j in neighbours(len(spins)))",
            "def energy(spins):\n",
        ),
        checks(
            "test-energy", 4,
            "assert energy([1, 1, 1]) == -3",
            "import lattice as l\nassert energy([1, -1] * 4) == l.WORST",
        ),
        answer("flip", "    import lattice\n    return lattice.flipped(spins, k)", "def flip(spins, k):\n"),
        checks("test-flip", 1, "assert flip([1, 1], 0) == [-1, 1]", "assert flip([1, -1, 1], 1) == [1, 1, 1]"),
    ),
    {
        "right": {
            "energy": "def energy(s):\n    n = len(s)\n    return -sum(s[k] * s[(k + 1) % n] for k in range(n))",
            "flip": "def flip(spins, k):\n    return [-s if i == k else s for i, s in enumerate(spins)]",
        },
        "partly": {"energy": "def energy(s):\n    return -3", "flip": "from lattice import flipped as flip"},
        "wrong": {"energy": "from lattices import energy", "flip": "def flip(spins, k):\n    return spins"},
    },
    {
        "lattice.py": "WORST = 8\n\n\ndef neighbours(n):\n    return [(k, (k + 1) % n) for k in range(n)]\n\n\n"
        "def flipped(spins, k):\n    return [*spins[:k], -spins[k], *spins[k + 1:]]\n"
    },
)  # fmt: skip

MEASURED = Foreign(
    "measured-data", 3, 5,
    (
        text("# Measured *data*\n\nRead `data/fall.csv`: seconds and metres of a fall."),
        given("import csv\nimport numpy as np", "imports"),
        answer(
            "load",
            "    with open(name) as file:\n"
            "        return [(float(t), float(d)) for t, d in list(csv.reader(file))[1:]]",
            "def load(name):\n",
        ),
        given("rows = load('data/fall.csv')\ntimes, depths = np.array(rows).T"),
        checks("test-load", 2, "assert len(rows) == 4", "assert abs(sum(depths) - 69.825) < 0.01"),
        answer("gravity", "g = 2 * (depths @ times**2) / (times**2 @ times**2)"),
        checks("test-gravity", 3, "assert 9 < g < 10.5", "assert abs(g - 9.8) < 0.05"),
    ),
    {
        "right": {
            "load": "def load(name):\n    return np.loadtxt(name, delimiter=',', skiprows=1)",
            "gravity": "g = 2 * np.polyfit(times ** 2, depths, 1)[0]",
        },
        "partly": {
            "load": "def load(name):\n    return np.loadtxt(name, delimiter=',', skiprows=1)",
            "gravity": "g = 9.4",
        },
        "wrong": {"load": "def load(name):\n    return [(0, 0)]", "gravity": "g = '9.8'"},
    },
    {"data/fall.csv": "t,d\n0.5,1.225\n1.0,4.9\n2.0,19.6\n3.0,44.1\n"},
)  # fmt: skip

AUTOMATIC = Foreign(
    "automatic-tests", 3, 5,
    (
        text("## Tests that write themselves"),
        answer("words", "words = sorted('the cat saw the dog'.split())"),
        checks("test-words", 2, "### AUTOTEST len(words); words[0]", "### HASHED AUTOTEST words[-1]"),
        answer("count", "    return text.count(letter)", "def count(text, letter):\n"),
        checks("test-count", 2, "# AUTOTEST count('banana', 'a')", "### HASHED AUTOTEST count('banana', 'n')"),
        answer("mean", "mean = 2.5"),
        checks("test-mean", 1, "### AUTOTEST mean"),
    ),
    {
        "right": {
            "words": "words = 'the cat saw the dog'.split()\nwords.sort()",
            "count": "def count(text, letter):\n    return sum(each == letter for each in text)",
            "mean": "mean = (1 + 4) / 2",
        },
        "partly": {
            "words": "words = ['cat'] * 5",
            "count": "def count(text, letter):\n    return 3",
            "mean": "mean = 2.501",
        },
        "wrong": {"words": "words = ()", "count": "count = 3", "mean": "mean = 3"},
    },
)  # fmt: skip

PARTIAL = Foreign(
    "partial-credit", 3, 4,
    (
        text("# Partial credit"),
        answer("primes", "    return [k for k in range(2, n) if all(k % d for d in range(2, k))]", "def primes(n):\n"),
        checks(
            "score-primes", 4,
            "cases = {3: [2], 10: [2, 3, 5, 7]}",
            "cases[30] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]\ncases[2] = []\n"
            "sum(1 for n, found in cases.items() if primes(n) == found)",
        ),
        answer("gcd", "    return a if not b else gcd(b, a % b)", "def gcd(a, b):\n"),
        checks("score-gcd", 1, "points = 0.5 * (gcd(12, 18) == 6)\npoints += 0.5 * (gcd(7, 5) == 1)\npoints"),
    ),
    {
        "right": {
            "primes": "def primes(n):\n    return [k for k in range(2, n) if not any(k % d == 0 for d in range(2, k))]",
            "gcd": "from math import gcd",
        },
        "partly": {
            "primes": "def primes(n):\n    return [k for k in range(2, n) if k in (2, 3, 5, 7)]",
            "gcd": "def gcd(a, b):\n    return 6",
        },
        "wrong": {"primes": "def primes(n):\n    return list(range(n))", "gcd": "def gcd(a, b):\n    return 0"},
    },
)  # fmt: skip

TASKS = Foreign(
    "a-task", 3, 5,
    (
        text("# A task\n\nSimulate, then answer."),
        task("simulate", 5, "Simulate 100 throws of two dice below, and show how often each sum comes."),
        written("expected", 1, "Seven, six times in 36."),
        answer("ways", "    return 6 - abs(7 - total)", "def ways(total):\n"),
        checks("test-ways", 2, "assert ways(7) == 6", "assert [ways(k) for k in (2, 3, 12)] == [1, 2, 1]"),
    ),
    {
        "right": {
            "expected": "7",
            "ways": "def ways(total):\n    dice = range(1, 7)\n"
            "    return sum(a + b == total for a in dice for b in dice)",
        },
        "partly": {"ways": "def ways(total):\n    return total - 1"},
        "wrong": {"expected": "six", "ways": "def ways(total):\n    return 6"},
    },
)  # fmt: skip

PLOTS = Foreign(
    "plots", 2, 4,
    (
        text("# Plots\n\nOn a linear and on a logarithmic axis."),
        given("%matplotlib inline\nimport numpy as np\nimport matplotlib.pyplot as plt\nx = np.arange(1, 20)"),
        answer("curve", "y = x ** 2.0"),
        given("plt.plot(x, y, label='y')\nplt.yscale('log')\nplt.legend()\nplt.show()"),
        given("plt.plot(x, y, label='y')\nplt.xscale('log')\nplt.legend();"),
        checks("test-curve", 2, "assert y.shape == x.shape", "assert np.allclose(y, x * x)"),
        answer("drawn", "fig, ax = plt.subplots()\nax.plot(x, y)\nax.set_xlabel('x')", points=3),
        answer("slope", "slope = np.polyfit(np.log(x), np.log(y), 1)[0]"),
        checks("test-slope", 1, "assert abs(slope - 2) < 1e-6"),
    ),
    {
        "right": {
            "curve": "y = np.array([k * k for k in x])",
            "drawn": "plt.plot(x, y)\nplt.xlabel('x')",
            "slope": "slope = np.log(y[-1]) / np.log(x[-1])",
        },
        "partly": {"curve": "y = x * 2", "slope": "slope = 2"},
        "wrong": {"curve": "y = 4", "drawn": "plt.plot(x, y)", "slope": "slope = plt"},
    },
)  # fmt: skip

VALUES = Foreign(
    "ends-in-a-value", 1, 1,
    (
        text("# Tests that end in a value"),
        answer("area", "    return w * h", "def area(w, h):\n"),
        checks("praise", 2, "assert area(2, 3) == 6\n'well done'"),
        checks("pair", 1, "assert area(1, 1) == 1\n(area(1, 2), area(3, 2))"),
        checks("nothing", 1, "assert area(0, 1) == 0\nNone"),
        checks("printed", 1, "assert area(4, 1) == 4\nprint('area is right')"),
        checks("listed", 1, "assert area(5, 1) == 5\n[area(k, 1) for k in range(3)]"),
    ),
    {
        "right": {"area": "def area(w, h):\n    return h * w"},
        "partly": {"area": "def area(w, h):\n    return w * h if w < 3 else 0"},
        "wrong": {"area": "def area(w, h):\n    return w + h"},
    },
    drops_ids=True,
)  # fmt: skip

STATE = Foreign(
    "state", 2, 2,
    (
        text("# State\n\nCells that count on each other."),
        given("runs = []\ncount = 0"),
        given("count += 1"),
        given("count += 1\nruns.append(count)"),
        answer(
            "deposit",
            "    balance['now'] += amount\n    return balance['now']",
            "balance = {'now': 0}\ndef deposit(amount):\n",
        ),
        given("first = deposit(10)"),
        given("count += 1"),
        checks("test-deposit", 2, "assert first == 10\nassert count == 3", "assert runs == [2]"),
        answer(
            "account",
            "class Account:\n    def __init__(self):\n        self.total = 0\n"
            "    def add(self, n):\n        self.total += n",
        ),
        checks(
            "test-account", 3,
            "a = Account()\na.add(2)\na.add(3)\nassert a.total == 5",
            "assert Account().total == 0",
        ),
    ),
    {
        "right": {
            "deposit": "balance = {'now': 0}\ndef deposit(amount):\n"
            "    balance.update(now=balance['now'] + amount)\n    return balance['now']",
            "account": "class Account:\n    total = 0\n    def add(self, n):\n        self.total = self.total + n",
        },
        "partly": {
            "deposit": "def deposit(amount):\n    return amount",
            "account": "class Account:\n    total = 0\n    def add(self, n):\n        self.total = n",
        },
        "wrong": {"deposit": "def deposit(amount):\n    return None", "account": "Account = 5"},
    },
    drops_ids=True,
)  # fmt: skip

NOTEBOOKS = (ORBITS, ESSAY, HELPED, MEASURED, AUTOMATIC, PARTIAL, TASKS, PLOTS, VALUES, STATE)
