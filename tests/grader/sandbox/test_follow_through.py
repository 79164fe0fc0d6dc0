"""A mistake costs its own part alone: what builds on it is graded with the author's version, and says so."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from honest_cases import Row, answer, checks, given, text
from nbformat.v4 import new_code_cell
from test_honest import handed_in, source_of
from tpc_grader.grading.submission import grade_files
from tpc_grader.results.results import Graded
from tpc_grader.sandbox import run as sandbox
from tpc_grader.sandbox.bundle import Bundle, Result
from tpc_grader.sandbox.limits import Limits
from tpc_grader.scoring.follow_through import Structure
from tpc_grader.versions.cells import Cell
from tpc_grader.versions.skeleton import read_skeleton, rebuild

LIMITS = Limits(cell_seconds=2, total_seconds=40)
# b builds on a, c on both, d on nothing.
CHAIN = (
    text("# A chain"),
    answer("a", "def a(x):\n    return x + 1"),
    checks("ta", "assert a(1) == 2", "assert a(2) == 3, 'hidden of a'"),
    answer("b", "def b(x):\n    return 2 * a(x)"),
    checks("tb", "assert b(1) == 4", "assert b(2) == 6, 'hidden of b'"),
    answer("c", "def c(x):\n    return b(x) + a(x)"),
    checks("tc", "assert c(1) == 6", "assert c(2) == 9, 'hidden of c'"),
    answer("d", "def d(x):\n    return x"),
    checks("td", "assert d(1) == 1", "assert d(2) == 2"),
)
WRONG = "def a(x):\n    return x"
LEAVES = "import os\ndef {0}(x):\n    os._exit(3)"
STUBBORN = (
    "def {0}(x):\n    while True:\n        try:\n            while True:\n                pass\n"
    "        except BaseException:\n            pass"
)
A, AB = "`a`", "`a` and `b`"
STATE = (
    given("data = [3, 1, 2]\nlog = []"),
    answer("sort", "data.sort()"),
    checks("t-sort", "assert data == [1, 2, 3]"),
    answer("middle", "middle = data[1]"),
    checks("t-middle", "assert middle == 2", "assert abs(middle - 2) < 1"),
)
BETWEEN = (
    given("seen = []"),
    answer("f", "def f(x):\n    return x + 1"),
    given("seen.append(f(1))"),
    checks("tf", "assert f(1) == 2"),
    answer("g", "total = sum(seen)"),
    checks("tg", "assert total == 2"),
)
FILES = (
    answer("save", "import json\nwith open('kept.json', 'w') as file:\n    json.dump([1, 2], file)"),
    checks("t-save", "assert json.load(open('kept.json')) == [1, 2]"),
    answer("load", "kept = sum(json.load(open('kept.json')))"),
    checks("t-load", "assert kept == 3"),
)
AT_THE_END = (
    answer("f", "def f(x):\n    return x + 1"),
    answer("g", "def g(x):\n    return 2 * f(x)"),
    checks("tf", "assert f(1) == 2"),
    checks("tg", "assert g(1) == 4"),
    checks("tf-again", "assert f(5) == 6"),
)
TWICE = (
    answer("f", "def f(x):\n    return x + 1"),
    checks("tf", "assert f(1) == 2"),
    answer("g", "def g(x):\n    return 2 * f(x)"),
    checks("tg", "assert g(1) == 4"),
    checks("tf-again", "assert f(5) == 6"),
)


@dataclasses.dataclass(frozen=True)
class Case:
    """A row, and test -> the names whose author's version it must say that it was graded with."""

    row: Row
    told: dict[str, str] = dataclasses.field(default_factory=dict)


def case(name, cells, points, answers, told=None, **more) -> Case:
    return Case(Row(name, cells, points, answers, **more), told or {})


CASES = [
    case("all right", CHAIN, {}, {}),
    case("one wrong", CHAIN, {"ta": 0}, {"a": WRONG}, {"tb": A, "tc": A}),
    case("right in public only", CHAIN, {"ta": 0}, {"a": "def a(x):\n    return 2"}, {"tb": A, "tc": A}),
    case("two wrong", CHAIN, {"ta": 0, "tb": 0}, {"a": WRONG, "b": "def b(x):\n    return 7"}, {"tc": AB}),
    case("the last is wrong", CHAIN, {"td": 0}, {"d": WRONG}),
    case("a wrong one that builds on it", CHAIN, {"ta": 0, "tc": 0}, {"a": WRONG, "c": WRONG}, {"tb": A}),
    case("a wrong one that does not", CHAIN, {"ta": 0, "td": 0}, {"a": WRONG, "d": WRONG}, {"tb": A, "tc": A}),
    case("not answered", CHAIN, {"ta": 0}, {"a": "def a(x):\n    raise NotImplementedError()"}, {"tb": A, "tc": A}),
    case("no syntax", CHAIN, {"ta": 0}, {"a": "def a(x: return x"}, {"tb": A, "tc": A}),
    case("deletes the function", CHAIN, {"ta": 0}, {"a": "def a(x):\n    return x + 1\ndel a"}, {"tb": A, "tc": A}),
    case("nothing at all", CHAIN, dict.fromkeys(("ta", "tb", "tc", "td"), 0), dict.fromkeys("abcd", "")),
    case(
        "builds on one's own option",
        CHAIN,
        {"ta": 0},
        {"a": "def a(x, by=2):\n    return x + by", "b": "def b(x):\n    return 2 * a(x, by=1)"},
        {"tc": A},
    ),
    case(
        "builds on one's own helper",
        CHAIN,
        {"ta": 0},
        {"a": "def half(x):\n    return x / 2\n" + WRONG, "d": "def d(x):\n    return half(2 * x)"},
        {"tb": A, "tc": A},
    ),
    case(
        "everything in the first cell",
        CHAIN,
        {"ta": 0},
        {"a": WRONG + "\ndef b(x):\n    return 2 * a(x)\ndef c(x):\n    return b(x) + a(x)", "b": "", "c": ""},
        {"tb": A, "tc": A},
    ),
    case(
        "does not build on it after all",
        CHAIN,
        {"ta": 0},
        {"a": WRONG, "b": "def b(x):\n    return 2 * x + 2", "c": "def c(x):\n    return 3 * x + 3"},
        {"tb": A, "tc": A},  # the author's does, so a student could not know
    ),
    case("loops", CHAIN, {"ta": 0}, {"a": "def a(x):\n    while True: pass"}, {"tb": A, "tc": A}, outcome="timeout"),
    case("does not stop", CHAIN, {"ta": 0}, {"a": STUBBORN.format("a")}, {"tb": A, "tc": A}, outcome="timeout"),
    case("ends Python", CHAIN, {"ta": 0}, {"a": LEAVES.format("a")}, {"tb": A, "tc": A}, outcome="crashed"),
    case(
        "ends Python in its cell", CHAIN, {"ta": 0}, {"a": "import os\nos._exit(1)"}, {"tb": A, "tc": A},
        outcome="crashed",
    ),
    case(
        "ends Python twice", CHAIN, {"ta": 0, "tc": 0}, {"a": LEAVES.format("a"), "c": LEAVES.format("c")},
        {"tb": A}, outcome="crashed",
    ),
    case(
        "ends Python in a cell of one's own", CHAIN, {}, {}, outcome="crashed",
        change=lambda notebook: notebook["cells"].insert(
            3, dict(new_code_cell("import os; os._exit(2)"), id="own", outputs=[], metadata={})
        ),
    ),
    case("changes what is given", STATE, {"t-sort": 0}, {"sort": "data.reverse(); data.pop()"}, {"t-middle": "`sort`"}),
    case("what is computed in between", BETWEEN, {"tf": 0}, {"f": "def f(x):\n    return x"}, {"tg": "`f`"}),
    case("a file", FILES, {"t-save": 0}, {"save": "import json"}, {"t-load": "`save`"}, levels=("kernel",)),
    case("tests at the end", AT_THE_END, {"tf": 0, "tf-again": 0}, {"f": WRONG.replace("a", "f")}, {"tg": "`f`"}),
    case("tested again later", TWICE, {"tf": 0, "tf-again": 0}, {"f": "def f(x):\n    return x"}, {"tg": "`f`"}),
    case("tested again later, half right", TWICE, {"tf-again": 0}, {"f": "def f(x):\n    return 2"}),
]  # fmt: skip


def grade(row: Row, level: str, folder: Path) -> Graded:
    source = source_of(row, level, folder)
    return grade_files(source, handed_in(row, source), {}, limits=LIMITS, backend="box")


@pytest.mark.parametrize(
    ("case", "level"),
    [pytest.param(each, level, id=f"{each.row.name}-{level}") for each in CASES for level in each.row.levels],
)
def test_a_mistake_costs_its_own_part_alone(case: Case, level: str, tmp_path):
    graded = grade(case.row, level, tmp_path)
    expected = {cell.name: case.row.points.get(cell.name, cell.max_points) for cell in graded.cells}
    assert (graded.outcome, {cell.name: cell.points for cell in graded.cells}) == (
        case.row.outcome,
        expected,
    ), graded.detail
    said = {
        name: f"Graded with the author's version of {names}, as yours did not pass."
        for name, names in case.told.items()
    }
    assert {cell.name: cell.message for cell in graded.cells if cell.points} == {
        cell.name: said.get(cell.name, "") for cell in graded.cells if cell.points
    }
    for name, line in said.items():
        assert f"{name}: {line}" in graded.detail.splitlines()


def test_partial_credit_goes_on_with_the_authors_version(tmp_path):
    half = "sum(a(x) == x + 1 for x in (1, 2)) / 2"
    cells = (CHAIN[1], checks("ta", half), *CHAIN[3:5])
    graded = grade(Row("half", cells, answers={"a": "def a(x):\n    return 2"}), "oracle", tmp_path)
    assert {cell.name: cell.points for cell in graded.cells} == {"ta": 0.5, "tb": 1.0}
    assert graded.cells[1].message.startswith("Graded with the author's version of `a`")


STEALS = """
import inspect
def b(x):
    print("STOLEN", a.__code__.co_consts, inspect.getsource(a) if a(1) == 2 else "")
    open("stolen.txt", "a").write("STOLEN")
    raise ValueError("STOLEN " + repr(a.__code__.co_consts))
"""


@pytest.mark.parametrize("level", ["kernel", "oracle"])
def test_nothing_of_a_run_with_the_authors_version_is_shown_but_its_points(level, tmp_path):
    solution = "def a(x):\n    return x + 1 + 0 * len('the-authors-own-way')"
    cells = (CHAIN[0], answer("a", solution), *CHAIN[2:])
    row = Row(
        "thief", cells, answers={"a": WRONG, "b": STEALS, "c": "print(a.__code__.co_consts)\n" + STEALS}
    )
    graded = grade(row, level, tmp_path)
    assert {cell.name: cell.points for cell in graded.cells} == {"ta": 0, "tb": 0, "tc": 0, "td": 1}
    assert "STOLEN" in json.dumps(graded.outputs)
    assert "the-authors-own-way" not in graded.to_json()


@pytest.mark.parametrize("level", ["kernel", "oracle"])
def test_tampering_beside_the_authors_version_is_still_found(level, tmp_path):
    strips = (
        "import ast\nclass T(ast.NodeTransformer):\n    def visit_Assert(self, node):\n        return ast.Pass()\n"
        "get_ipython().ast_transformers.append(T())\ndef b(x):\n    return 7"
    )
    row = Row("cheat", CHAIN, answers={"a": WRONG, "b": strips, "c": WRONG, "d": WRONG})
    graded = grade(row, level, tmp_path)
    assert graded.outcome == "tampered"
    assert {cell.name: cell.points for cell in graded.cells} == dict.fromkeys(("ta", "tb", "tc", "td"), 0)


@pytest.mark.parametrize(
    ("answers", "scored"),
    [
        ({}, 1),
        ({"d": WRONG}, 1),
        ({"a": WRONG}, 1),
        ({"a": WRONG, "c": WRONG}, 2),
        ({"a": LEAVES.format("a")}, 2),
    ],
)
def test_runs_are_made_only_where_they_could_matter(answers, scored, tmp_path, monkeypatch):
    made = list[Bundle]()
    run = sandbox.run

    def counted(bundle: Bundle, *more: object) -> Result:
        made.append(bundle)
        return run(bundle, *more)

    monkeypatch.setattr(sandbox, "run", counted)
    grade(Row("counted", CHAIN, answers=answers), "oracle", tmp_path)
    assert [bundle.plots for bundle in made] == [*[False] * scored, True]


def test_all_runs_together_have_the_time_of_one(tmp_path, monkeypatch):
    spent = list[float]()
    allowed = list[float]()
    run = sandbox.run

    def counted(bundle: Bundle, *more: object) -> Result:
        result = run(bundle, *more)
        if not bundle.plots:
            allowed.append(bundle.limits.total_seconds)
            spent.append(result.seconds)
        return result

    monkeypatch.setattr(sandbox, "run", counted)
    grade(Row("long", CHAIN, answers={each: STUBBORN.format(each) for each in "abcd"}), "kernel", tmp_path)
    for at, seconds in enumerate(allowed):
        assert seconds == pytest.approx(LIMITS.total_seconds - sum(spent[:at]))


@pytest.mark.parametrize(
    ("cells", "own", "builds_on"),
    [
        (CHAIN, {"ta": "a", "tb": "b", "tc": "c", "td": "d"}, {"ta": "", "tb": "a", "tc": "a b", "td": ""}),
        (AT_THE_END, {"tf": "f", "tg": "g", "tf-again": "f"}, {"tf": "", "tg": "f", "tf-again": ""}),
        (TWICE, {"tf": "f", "tg": "g", "tf-again": "f"}, {"tf": "", "tg": "f", "tf-again": ""}),
        (FILES, {"t-save": "save", "t-load": "load"}, {"t-save": "", "t-load": "save"}),
        (STATE, {"t-sort": "sort", "t-middle": "middle"}, {"t-sort": "", "t-middle": "sort"}),
        (BETWEEN, {"tf": "f", "tg": "g"}, {"tf": "", "tg": "f"}),
    ],
    ids=["chain", "at the end", "twice", "files", "state", "between"],
)
def test_which_answers_a_test_is_of_and_which_it_builds_on(cells, own, builds_on, tmp_path):
    source = source_of(Row("structure", cells), "oracle", tmp_path)
    skeleton = read_skeleton(source.source, source.release)
    structure = Structure(rebuild(skeleton, source.source.read_bytes()))

    def named(found: dict[int, frozenset[int]]) -> dict[str, str]:
        cells: tuple[Cell, ...] = structure.cells
        return {
            cells[test].name: " ".join(cells[each].name for each in sorted(some))
            for test, some in found.items()
        }

    assert named(structure.own) == own
    assert named(structure.builds_on) == builds_on
