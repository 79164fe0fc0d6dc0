"""The sandbox and what stands around it: rebuilding, plain values, canaries, strict scores, artefacts, doors."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nbformat
import numpy as np
import pytest
from campus_tree import make_tree
from hostile_cases import LEAKS, LOOK
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from tpc_courses.base.places import Places
from tpc_courses.base.problems import SourceError
from tpc_courses.sources.exercise import read_exercise
from tpc_courses.sources.manifest import Course, load_courses
from tpc_grader.coursework.coursework import course_config, prepare_course
from tpc_grader.coursework.recording import record
from tpc_grader.coursework.tried_solution import Trial, try_solution
from tpc_grader.feedback.autograded import NoNotebook
from tpc_grader.grades.scores import cell_scores
from tpc_grader.grading import submission as grading
from tpc_grader.grading.submission import grade_files
from tpc_grader.queue import queue
from tpc_grader.queue.retries import emptied
from tpc_grader.results.results import CellScore, Graded, InfrastructureFault
from tpc_grader.sandbox import backends
from tpc_grader.sandbox import run as sandbox
from tpc_grader.sandbox.bundle import Bundle, Result, Step, StepResult
from tpc_grader.sandbox.limits import Limits
from tpc_grader.sandbox.outputs import Cleaner, clean_text
from tpc_grader.scoring.canaries import asked_twice, constant_canaries, mutants
from tpc_grader.scoring.scoring import verdict
from tpc_grader.submissions.store import Store, Submission
from tpc_grader.submissions.submitted import Unusable
from tpc_grader.values.artefacts import checked_artefact
from tpc_grader.values.values import Handle, NotPlain, decode, encode
from tpc_grader.versions import sources
from tpc_grader.versions.cells import Cell, Rebuilt
from tpc_grader.versions.skeleton import read_skeleton, rebuild

SLUG = "double-scaling"
HONEST = "def double(x):\n    return 2 * x"
TWO_PARTS = """---
title: Two parts
minutes: 10
---

# Two parts

```{code-cell}
from dataclasses import dataclass

@dataclass
class Point:
    x: float
```

```{code-cell}
:tags: [exercise]
:name: write
def double(x):
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION
```

```{code-cell}
:tags: [grade]
:name: partial
:points: 4
:level: oracle
4 * sum(double(n) == 2 * n for n in range(4)) / 4
### BEGIN HIDDEN TESTS
assert double(1) is not None
4 * sum(double(n) == 2 * n for n in range(8)) / 8
### END HIDDEN TESTS
```

```{code-cell}
:tags: [exercise]
:name: save
import json
### BEGIN SOLUTION
json.dump([double(n) for n in range(3)], open("doubled.json", "w"))
### END SOLUTION
```

```{code-cell}
:tags: [grade]
:name: saved
:points: 2
:level: artefact
:artefacts: [doubled.json]
import json
### BEGIN HIDDEN TESTS
assert json.load(open("doubled.json")) == [0, 2, 4], "the file holds other numbers"
### END HIDDEN TESTS
```

What did you learn?

+++ {"tags": ["answer"], "name": "learned", "points": 3}

To double.
"""


@pytest.fixture(scope="module")
def school(tmp_path_factory) -> tuple[Places, Course]:
    root = tmp_path_factory.mktemp("school")
    places = make_tree(root / "root", root / "state")
    places.exercise("double-data").write_text(TWO_PARTS, "utf-8")
    beside = places.exercise(SLUG).read_text("utf-8").replace(":points: 2", ":points: 2\n:level: kernel")
    places.exercise(SLUG).write_text(beside, "utf-8")
    courses = {course.id: course for course in load_courses(places)}
    for course in courses.values():
        prepare_course(places, course)
    return places, courses["scaling"]


def answered(source: sources.Source, **answers: str) -> nbformat.NotebookNode:
    made = nbformat.read(source.release, as_version=4)
    for cell in made.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        cell.source = answers.get(name.replace("-", "_"), cell.source)
    return made


def text(notebook: nbformat.NotebookNode) -> bytes:
    return nbformat.writes(notebook).encode()


@pytest.fixture(scope="module")
def simple(school) -> sources.Source:
    return sources.current(school[0], "scaling", SLUG)


@pytest.fixture(scope="module")
def parts(school) -> sources.Source:
    return sources.current(school[0], "data", "double-data")


# Rebuilding


def built(source: sources.Source, notebook: nbformat.NotebookNode) -> Rebuilt:
    return rebuild(read_skeleton(source.source, source.release), text(notebook))


def test_the_structure_is_the_releases_whatever_the_student_did_to_tests(simple):
    notebook = answered(simple, double=HONEST)
    test = notebook.cells[-1]
    test.source, test.cell_type = "pass", "markdown"
    test.metadata["nbgrader"] = {**test.metadata["nbgrader"], "points": 100, "solution": True, "grade": False}
    rebuilt = built(simple, notebook)
    assert [(cell.role, cell.kind) for cell in rebuilt.cells if cell.name] == [
        ("answer", "code"),
        ("test", "code"),
    ]
    assert "BEGIN HIDDEN" in rebuilt.cells[-1].source
    assert rebuilt.cells[-1].points == 2


def test_missing_cells_are_put_back_and_copies_of_tests_left_out(simple):
    notebook = answered(simple, double=HONEST)
    copy = nbformat.from_dict(dict(notebook.cells[-1]))
    notebook.cells = [*notebook.cells[1:], copy, copy]
    rebuilt = built(simple, notebook)
    assert [cell.name for cell in rebuilt.cells if cell.role == "test"] == ["test-double"]
    del notebook.cells[1:]
    assert any("test-double: missing" in note for note in built(simple, notebook).notes)


def test_the_last_of_two_answers_counts_and_added_cells_stay_where_they_were(simple):
    notebook = answered(simple, double=HONEST)
    first = nbformat.from_dict({**notebook.cells[1], "source": "def double(x): return 0"})
    helper = nbformat.v4.new_code_cell("helper = 1")
    notebook.cells[1:1] = [first, helper]
    rebuilt = built(simple, notebook)
    assert [cell.source for cell in rebuilt.cells if cell.role in ("added", "answer")] == [
        "def double(x): return 0",
        "helper = 1",
        HONEST,
    ]
    assert grade_files(simple, text(notebook), {}).points == 2


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
odd_cells = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.sampled_from(["code", "markdown", "raw", "heading"]) | json_values,
        "source": st.text() | st.lists(st.text(), max_size=3) | json_values,
        "id": st.text() | json_values,
        "outputs": json_values,
        "metadata": st.fixed_dictionaries(
            {}, optional={"nbgrader": st.fixed_dictionaries({}, optional={
                "grade_id": st.sampled_from(["double", "test-double"]) | json_values, "grade": json_values,
                "solution": json_values, "locked": json_values, "points": json_values})}
        ) | json_values,
    },
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=st.lists(odd_cells | json_values, max_size=8), rest=json_values)
def test_any_json_is_rebuilt_or_refused_in_words(simple, cells, rest):
    skeleton = read_skeleton(simple.source, simple.release)
    for data in (
        cells,
        rest,
        {"cells": cells, "metadata": rest, "nbformat": 4},
        {"worksheets": [{"cells": cells}]},
    ):
        try:
            rebuilt = rebuild(skeleton, json.dumps(data).encode("utf-8", "surrogatepass"))
        except Unusable:
            continue
        assert [cell.name for cell in rebuilt.cells if cell.name] == ["double", "test-double"]
        assert all(cell.source.encode() is not None for cell in rebuilt.cells)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[" * 200_000,
        b'{"cells":' * 50_000,
        b"{}",
        b"null",
        b'{"cells": 3}',
        b'{"cells": []}',
        b'{"cells": [{"cell_type": "code", "source": "print(1)", "metadata": {}}]}',
        b" " * (21 * 2**20),
    ],
    ids=lambda data: repr(data[:20]),
)
def test_what_is_no_notebook_of_the_exercise_is_invalid(simple, data):
    graded = grade_files(simple, data, {})
    assert graded.outcome == "invalid"
    assert graded.points == 0
    assert graded.reason.endswith(".")


def test_an_answer_of_a_megabyte_is_invalid(simple):
    graded = grade_files(simple, text(answered(simple, double="#" * 2**20)), {})
    assert (graded.outcome, graded.points) == ("invalid", 0)
    assert "double" in graded.reason


# Values


@pytest.mark.parametrize(
    "value",
    [None, True, 0, -(2**90), 1.5, math.inf, 1 + 2j, "é", b"\x00", [1, [2]], (1, ()), {1, 2}, frozenset({3}),
     {"a": [1], 2: None}, range(2, 9, 3), np.float32(2), np.arange(6).reshape(2, 3), np.zeros((0, 2)), np.array("x")],
    ids=repr,
)  # fmt: skip
def test_plain_values_arrive_as_they_were(value):
    there = decode(json.loads(json.dumps(encode(value))), {})
    assert type(there) is type(value)
    assert np.array_equal(there, value) if isinstance(value, np.ndarray) else there == value


def test_a_subclass_arrives_as_what_it_holds():
    class Liar(float):
        def __eq__(self, other):
            return True

        __hash__ = float.__hash__

    assert type(decode(encode(Liar(3)), {})) is float
    assert decode(encode(Liar(3)), {}) != 4


@settings(max_examples=200, deadline=None)
@given(json_values)
def test_any_json_decodes_to_a_plain_value_or_is_refused(data):
    try:
        value = decode(data, {})
    except NotPlain:
        return
    assert isinstance(value, Handle) or type(value).__module__ in ("builtins", "numpy")


def test_objects_and_pickles_do_not_pass():
    for value in (object(), np.array([object()]), [lambda: 1]):
        with pytest.raises(NotPlain):
            encode(value)
    with pytest.raises(NotPlain):
        decode({"n": ["|O", [1], "AAAAAAAAAAA="]}, {})


# Canaries and scores


def test_canaries_fail_in_honest_python():
    for source in (*constant_canaries(), *constant_canaries()):
        with pytest.raises(AssertionError):
            exec(source, {})


@pytest.mark.parametrize(
    ("test", "names"),
    [
        ("assert f(2) == 4", {"f": lambda x: 4}),
        ("assert abs(f(2) - 4) < 1e-9", {"f": lambda x: 4.0}),
        ("assert np.allclose(f(2), [4.0])", {"f": lambda x: np.array([4.0]), "np": np}),
        ("assert isinstance(f(2), float) and f(2) > 0", {"f": lambda x: 4.0}),
        ("x = f(2)\nassert x == 4\nassert list(x * [1]) == [1, 1, 1, 1]", {"f": lambda x: 4}),
    ],
)
def test_mutants_of_a_test_fail_for_the_right_answer(test, names):
    made = mutants(test)
    assert made
    exec(test, dict(names))
    asked, after = asked_twice(test)
    names = dict(names)
    exec(asked, names)
    for mutant in (*after, *made):
        with pytest.raises((AssertionError, TypeError, ValueError)):
            exec(mutant, dict(names))


ASKED = """\
x = 3  # a line before
assert double(x) == 6, "twice three"
assert (double(-1.5)
        == -3.0), f"twice {x}"  # over two lines
assert double(0) == 0 and double(1) == 2
assert [double(1)] == [2]; assert double("ä") == "ää"
"""


def test_tests_beside_the_code_ask_twice_and_stay_on_their_lines():
    for _ in range(20):
        asked, (kept,) = asked_twice(ASKED)
        calls, names = list[float](), {}
        names["double"] = lambda x, calls=calls: calls.append(x) or 2 * x
        exec(asked, names)
        assert calls == [3, -1.5, 0, 1, 1, "ä"]
        with pytest.raises(AssertionError):
            exec(kept, names)
        assert len(calls) == 6
        assert set(names) == {"double", "x", "__builtins__"}
        assert [line for line in asked.split("\n") if "ä" in line] == [ASKED.split("\n")[5]]
        for wrong, line in ((3, 2), (-1.5, 3), (1, 5)):
            with pytest.raises(AssertionError) as caught:
                exec(asked, {"double": lambda x, wrong=wrong: 2 * x if x != wrong else 7})
            assert caught.traceback[-1].lineno + 1 == line
            assert str(caught.value) in ("twice three", "twice 3", "")


def test_an_answer_that_says_yes_only_when_asked_first_is_found_out():
    class Once:
        asked = False

        def __eq__(self, other):
            self.asked, before = True, self.asked
            return not before

    def passes() -> bool:
        try:
            exec(asked_twice("assert double(3) == 6")[0], {"double": lambda x: Once()})
        except AssertionError:
            return False
        return True

    # Half of the time for each question; of eight questions one passes all in 1 of 256 gradings.
    assert {passes() for _ in range(100)} == {True, False}


def test_scores_are_finite_and_within_the_maximum():
    for points in (math.nan, math.inf, -1, 2.5):
        with pytest.raises(ValueError, match=r"points"):
            CellScore("a", points, 2, True)
    graded = Graded("graded", "", "", (CellScore("a", 1, 2, False, "no"),), "v", outputs={3: [{"a": 1}]})
    assert Graded.from_json(graded.to_json()) == graded


def test_partial_credit_artefacts_and_manual_cells(parts):
    half = "def double(x):\n    return 2 * x if x < 4 else 0"
    good = 'import json\njson.dump([0, 2, 4], open("doubled.json", "w"))'
    graded = grade_files(parts, text(answered(parts, write=half, save=good, learned="much")), {})
    scores = {cell.name: cell for cell in graded.cells}
    assert graded.outcome == "graded"
    assert scores["partial"].points == 2.0
    assert scores["saved"].points == 2.0
    assert scores["learned"].manual
    bad = 'import pickle\npickle.dump([0, 2, 4], open("doubled.json", "wb"))'
    scores = {
        cell.name: cell for cell in grade_files(parts, text(answered(parts, write=half, save=bad)), {}).cells
    }
    assert scores["saved"].points == 0


WAIT = """\
import time
def double(x):
    while True:
        try:
            time.sleep(60)
        except BaseException:
            """


@pytest.mark.parametrize("then", ["return 2 * x", "raise TimeoutError", "pass"])
@pytest.mark.parametrize("source", ["simple", "parts"])
def test_a_slow_answer_that_swallows_the_interrupt_is_timed_out(request, source, then):
    source = request.getfixturevalue(source)
    code = WAIT + then
    limits = Limits(cell_seconds=0.5, total_seconds=2)
    graded = grade_files(source, text(answered(source, write=code, double=code)), {}, limits=limits)
    assert (graded.outcome, graded.points) == ("timeout", 0), graded.detail


@pytest.mark.parametrize("shown", ["nan", "inf", "-1", "5", "full marks", "[4.0]"])
@pytest.mark.parametrize("level", ["kernel", "oracle"])
def test_an_invalid_score_is_no_score(shown, level):
    cell = Cell("test", "code", "score()", "score()", "t", "t", points=4, level=level)
    passed = Result((StepResult(Step(level, 0, "score()", "t"), "passed", value=shown),))
    assert verdict(Rebuilt((cell,), {}), passed).cells[0].points == 0
    failed = Result((StepResult(Step(level, 0, "score()", "t"), "failed", value="4.0"),))
    assert verdict(Rebuilt((cell,), {}), failed).cells[0].points == 0


FORGED = {
    "a display hook": "import sys\nget_ipython().displayhook = sys.displayhook = lambda *a: None",
    "a value of its own": "get_ipython().displayhook.compute_format_data = lambda *a: ({'text/plain': '4.0'}, {})",
    "a number that shows as another": "class Four(int):\n    def __repr__(self): return '4.0'\n"
    "    __eq__ = lambda *a: Four(1)\n    __hash__ = int.__hash__\nreal = double\n"
    "def double(x): return Four(7)",
}


@pytest.mark.parametrize("how", FORGED)
def test_partial_credit_of_a_source_that_names_no_level_is_not_forged(parts, tmp_path, how):
    source = changed(parts, tmp_path, lambda cell: cell.metadata.get("tpc", {}).pop("level", None))
    half = "def double(x):\n    return 2 * x if x < 4 else 0"
    graded = grade_files(source, text(answered(source, write=half)), {})
    assert next(cell for cell in graded.cells if cell.name == "partial").points == 2.0
    cheat = f"def double(x):\n    return 5\n{FORGED[how]}"
    graded = grade_files(source, text(answered(source, write=cheat)), {})
    assert next(cell for cell in graded.cells if cell.name == "partial").points == 0.0


# Says that the first cell with a test of `double` in it passed, and from then on the truth: canaries and mutants fail.
LIAR = """
def double(x):
    return 6
shell, told = get_ipython(), []
run = type(shell).run_cell
def lie(self, source, *a, **k):
    result = run(self, source, *a, **k)
    if "double(" in source and not told:
        told.append(source)
        result.error_in_exec = None
    return result
type(shell).run_cell = lie
"""


def test_a_test_without_a_level_is_graded_where_the_students_code_cannot_lie(simple, tmp_path):
    fooled = grade_files(simple, text(answered(simple, double=LIAR)), {})
    assert (fooled.outcome, fooled.points) == ("graded", 2.0), "the attack is one that level kernel falls for"
    source = changed(simple, tmp_path, lambda cell: cell.metadata.pop("tpc", None))
    graded = grade_files(source, text(answered(source, double=LIAR)), {})
    assert (graded.outcome, graded.points) == ("graded", 0.0)
    assert grade_files(source, text(answered(source, double=HONEST)), {}).points == 2.0


BESIDE_ONLY = {
    "hands over a function": ("def double(f): return lambda: 2 * f()", "assert double(lambda: 3)() == 6"),
    "looks at its argument": (
        "def double(values): values[:] = [2 * each for each in values]",
        "values = [1, 2]\ndouble(values)\nassert values == [2, 4]",
    ),
    "asks an object": ("class Bag:\n    def __len__(self): return 2", "assert len(Bag()) == 2"),
}


@pytest.mark.parametrize("how", BESIDE_ONLY)
def test_a_source_from_elsewhere_that_works_beside_the_code_only_is_not_released(school, how):
    places, course = school
    solution, tests = BESIDE_ONLY[how]
    source = places.nbgrader("scaling") / "source" / "foreign" / "foreign.ipynb"
    source.parent.mkdir(parents=True, exist_ok=True)
    api = nbgrader_api(places, course)
    source.write_bytes(text(foreign(solution, tests)))
    answer = api.generate_assignment("foreign", force=True)
    assert not answer["success"]
    assert "Unsolved: tests: the author's own solution passes beside the code only" in answer["log"]
    assert '"tpc": {"level": "kernel"}' in answer["log"]
    source.write_bytes(text(foreign(solution, tests, level="kernel")))
    assert api.generate_assignment("foreign", force=True)["success"]


USES = """
kept = square
del square
try:
    squares(3)
except NameError:
    pass
else:
    raise AssertionError("squares does not use square")
finally:
    square = kept
assert squares(3) == [1, 4, 9]
"""


@pytest.mark.parametrize(("uses", "points"), [(True, 1.0), (False, 0.0)])
def test_a_test_may_delete_a_name_to_see_who_uses_it(school, tmp_path, uses, points):
    solution = "def square(n): return n * n\ndef squares(n): return [square(k) for k in range(1, n + 1)]"
    path = tmp_path / "foreign.ipynb"
    path.write_bytes(text(foreign(solution, USES)))
    assert try_solution(nbformat.read(path, 4), {}, "") == Trial({})
    source = sources.Source("foreign", "v", tmp_path)
    for each in (source.source, source.release):
        each.parent.mkdir()
        each.write_bytes(path.read_bytes())
    answer = solution if uses else solution.replace("square(k)", "k * k")
    graded = grade_files(source, text(foreign(answer, USES)), {})
    assert graded.points == points, graded.detail


def nbgrader_api(places: Places, course: Course) -> NbGraderAPI:
    config = course_config(places, course)
    return NbGraderAPI(coursedir=CourseDirectory(config=config), config=config)


def foreign(solution: str, tests: str, **ours: str) -> nbformat.NotebookNode:
    """Return a source as nbgrader's own extension writes it."""
    facts = {"schema_version": 3, "locked": False, "task": False, "cell_type": "code"}
    answer = {**facts, "grade_id": "answer", "grade": False, "solution": True}
    test = {**facts, "grade_id": "tests", "grade": True, "solution": False, "points": 1}
    cells = [
        new_code_cell(f"### BEGIN SOLUTION\n{solution}\n### END SOLUTION", metadata={"nbgrader": answer}),
        new_code_cell(tests, metadata={"nbgrader": test} | ({"tpc": ours} if ours else {})),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


def test_a_score_shown_beside_the_students_code_is_no_score():
    cell = Cell("test", "code", "2 * ok", "2 * ok", "t", "t", points=2, level="kernel")
    for shown in ("1.0", None):
        found = Result((StepResult(Step("kernel", 0, "2 * ok", "t"), "passed", value=shown),))
        assert verdict(Rebuilt((cell,), {}), found).cells[0].points == 0


def test_what_the_authors_solution_imports_no_student_replaces(parts, tmp_path):
    def use_numpy(cell):
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "write":
            cell.source = f"import numpy as np\n{cell.source}"
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "partial":
            cell.source = "assert np.allclose([double(n) for n in range(4)], [0, 2, 4, 6])"

    source = changed(parts, tmp_path, use_numpy)
    wrong = "def double(x):\n    return 1\nclass np:\n    allclose = lambda *a: True"
    answers = {f"import numpy as np\n{HONEST}": 4, wrong: 0, HONEST: 0}
    for answer, points in answers.items():
        graded = grade_files(source, text(answered(source, write=answer)), {})
        assert next(cell for cell in graded.cells if cell.name == "partial").points == points, answer


def changed(source: sources.Source, folder: Path, change) -> sources.Source:
    """Return a version that `campus check` never saw: a copy in which `change` was called with every cell."""
    made = sources.Source(source.exercise, source.version, folder / "version")
    shutil.copytree(source.folder, made.folder)
    for path in (made.source, made.release):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            change(cell)
        path.write_bytes(text(notebook))
    return made


def test_replaced_builtins_do_not_reach_oracle_tests(parts):
    answer = "def double(x):\n    return 1\nimport builtins\nbuiltins.sum = lambda *a: 4"
    graded = grade_files(parts, text(answered(parts, write=answer)), {})
    assert graded.points == 0


def test_warnings_cost_nothing_and_finished_cells_count(parts):
    noisy = f"import warnings, sys\n{HONEST}\nwarnings.warn('careful')\nprint('x', file=sys.stderr)"
    graded = grade_files(parts, text(answered(parts, write=noisy, save="import os; os._exit(1)")), {})
    scores = {cell.name: cell.points for cell in graded.cells}
    assert graded.outcome == "crashed"
    assert scores == {"partial": 4.0, "saved": 0.0, "learned": 0.0}


def test_instant_feedback_runs_the_released_tests_only(simple):
    public = grade_files(simple, text(answered(simple, double="def double(x): return 6")), {}, public=True)
    assert (public.public, public.points) == (True, 2)
    full = grade_files(simple, text(answered(simple, double="def double(x): return 6")), {})
    assert full.points == 0
    assert full.cells[0].message == "double must work for negative numbers"


def test_instant_feedback_that_stops_says_that_the_score_has_more_time(simple):
    loop = text(answered(simple, double="def double(x):\n    while True: pass"))
    limits = Limits(cell_seconds=0.5, total_seconds=2)
    public, full = (grade_files(simple, loop, {}, public=public, limits=limits) for public in (True, False))
    assert (public.outcome, full.outcome) == ("timeout", "timeout")
    assert public.reason.startswith("The visible tests stop after 2 seconds.")
    assert "for your score it has more time" in public.reason
    assert "more time" not in full.reason


def test_messages_hold_no_value_of_the_students(simple):
    answer = "def double(x):\n    raise ValueError('peek ' + str(x))"
    graded = grade_files(simple, text(answered(simple, double=answer)), {})
    assert graded.cells[0].message == "The tests stopped with ValueError."
    assert "peek -1.5" not in graded.to_json()


@pytest.mark.parametrize("how", LEAKS)
@pytest.mark.parametrize("level", ["kernel", "oracle"])
def test_of_a_hidden_test_its_own_message_comes_through_and_nothing_else(leaky, level, how):
    source = leaky[level]
    graded = grade_files(source, text(answered(source, double=f"{LOOK}\n{LEAKS[how]}")), {})
    told = json.dumps(json.loads(replace(graded, detail="").to_json()), ensure_ascii=False)
    assert "271828" not in told
    assert "a-word-of-the-hidden-test" not in told
    own = ("double(3) should be twice 3", "double must work for …, as the lesson says")
    assert graded.cells[0].message in own or graded.cells[0].message.startswith("The tests ")
    assert graded.points == 0


@pytest.fixture(scope="module")
def leaky(tmp_path_factory) -> dict[str, sources.Source]:
    """The exercise at both levels, with a hidden test whose values and words must not come out."""
    root = tmp_path_factory.mktemp("leaky")
    places = make_tree(root / "root", root / "state")
    course = next(each for each in load_courses(places) if each.id == "scaling")
    hidden = (
        '_word = "a-word-of-the-hidden-test"\n_x = 271828\n'
        'assert double(_x) == 2 * _x, f"double must work for {_x}, as the lesson says"'
    )
    shown = places.exercise(SLUG).read_text("utf-8").splitlines()
    lines = [hidden if "double(-1.5)" in line else line for line in shown]
    found = {}
    for level in ("kernel", "oracle"):
        changed = "\n".join(lines).replace(":points: 2", f":points: 2\n:level: {level}")
        places.exercise(SLUG).write_text(changed, "utf-8")
        prepare_course(places, course)
        found[level] = sources.current(places, "scaling", SLUG)
    return found


@pytest.mark.parametrize("name", ["a.json", "a.npy", "a.safetensors", "a.pkl"])
def test_only_checked_artefacts_cross(name, tmp_path):
    import base64
    import io
    import pickle

    from safetensors.numpy import save

    buffer = io.BytesIO()
    np.save(buffer, np.arange(3))
    good = {"a.json": b"[1]", "a.npy": buffer.getvalue(), "a.safetensors": save({"w": np.arange(3)})}
    evil = io.BytesIO()
    np.save(evil, np.array([{}], dtype=object), allow_pickle=True)
    for data in (
        good.get(name, b""),
        pickle.dumps([1]),
        evil.getvalue(),
        b"",
        b"[" * 10**5,
        b"\x93NUMPY\x01\x00\xff\xff",
    ):
        passed = checked_artefact(name, base64.b64encode(data).decode())
        assert passed == (data if data and data == good.get(name) else None)


def test_outputs_are_known_types_without_what_runs_or_hides():
    cleaned = Cleaner(Limits()).clean(
        [
            {"output_type": "display_data", "data": {"text/html": "<script>x</script><b onclick=y>z</b>"}},
            {"output_type": "display_data", "data": {"application/javascript": "x"}},
            {"output_type": "display_data", "data": {"image/png": "PHNjcmlwdD4="}},
            {"output_type": "stream", "name": "stdout", "text": 3},
            {"output_type": "error", "traceback": "none"},
            "text",
        ],
    )
    assert cleaned[0]["data"] == {"text/html": "<b>z</b>"}
    assert [output["output_type"] for output in cleaned] == ["display_data", "stream", "error"]
    assert clean_text("a\u202eb\x1b[2J\x1b[31mc") == "a<U+202E>b[2J\x1b[31mc"


# Backends


@pytest.mark.parametrize("backend", ["box", "none"])
def test_every_backend_types_what_happens(backend):
    limits = Limits(cell_seconds=1.5, total_seconds=20)
    sources_and_endings = {
        "x = 1": ("", "passed"),
        "import os; os._exit(3)": ("crashed", "ended"),
        "while True: pass": ("", "timeout"),
        "sum(range(10**13))": ("timeout", "ended"),
        "import ctypes; ctypes.string_at(0)": ("crashed", "ended"),
    }
    for source, wanted in sources_and_endings.items():
        result = sandbox.run(Bundle((Step("code", 0, source),), limits=limits), backend)
        assert (result.ended, result.steps[0].state) == wanted, source


def test_without_a_way_to_confine_nothing_is_graded(simple, monkeypatch):
    monkeypatch.setattr(backends, "confines", lambda: False)
    monkeypatch.delenv(backends.TRUST_VARIABLE, raising=False)
    with pytest.raises(InfrastructureFault, match="Nothing here can confine"):
        grade_files(simple, text(answered(simple, double=HONEST)), {})
    monkeypatch.setenv(backends.TRUST_VARIABLE, "1")
    assert backends.chosen() == "none"


@pytest.mark.parametrize(("line", "told"), [(1, True), (3, False)])
def test_what_kind_of_answer_came_is_told_of_released_tests_only(simple, line, told):
    cells = read_skeleton(simple.source, simple.release).cells
    (index,) = [index for index, cell in enumerate(cells) if cell.role == "test"]
    step = Step("oracle", index, cells[index].source)
    hint = "The answer should be a number, and is a set."
    failed = StepResult(step, "failed", error="AssertionError", line=line, hint=hint)
    (score,) = verdict(Rebuilt(cells, {}), Result((failed,))).cells
    assert "The answer should be a number" in score.message
    assert (", and is a set" in score.message) == told


def test_the_last_words_of_a_job_that_ended_reach_the_instructor_and_nobody_else(simple):
    code = "import os\nos.write(2, b'last words \\x1b[2J' + b'x' * 10**6)\nos._exit(1)"
    graded = grade_files(simple, text(answered(simple, double=code)), {})
    assert graded.outcome == "crashed"
    assert "x" * 100 in graded.detail, "the end of what it wrote"
    assert len(graded.detail) < 10_000
    assert "x" * 100 not in replace(graded, detail="").to_json()


def test_figures_are_shown_as_images(simple):
    plot = f"{HONEST}\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])"
    graded = grade_files(simple, text(answered(simple, double=plot)), {})
    kinds = [kind for output in graded.outputs[1] for kind in output.get("data", {})]
    assert "image/png" in kinds


# Doors


def hand_in(places: Places, source: sources.Source, student: str, code: str) -> Submission:
    files = {f"{SLUG}.ipynb": text(answered(source, double=code))}
    return Store(places).add("scaling", SLUG, student, source.version, files)


def score(places: Places, student: str) -> tuple[float | None, float | None, bool]:
    found = cell_scores(places, "scaling", SLUG, student)["test-double"]
    return found.auto, found.manual, found.needs_person


def test_recording_is_idempotent_and_keeps_what_a_person_gave(school, simple):
    places, course = school
    submission = hand_in(places, simple, "ada", HONEST)
    graded = grading.run(places, course, submission)
    record(places, course, submission, graded)
    record(places, course, submission, graded)
    assert score(places, "ada") == (2.0, None, False)
    book_url = f"sqlite:///{places.nbgrader('scaling') / 'gradebook.db'}"
    with Gradebook(book_url) as book:
        book.find_grade("test-double", SLUG, SLUG, "ada").manual_score = 1.5
        book.db.commit()
    record(places, course, submission, graded)
    assert score(places, "ada") == (2.0, 1.5, False), "a part that a person scored does not wait again"


def test_work_that_is_graded_again_under_its_version_meets_the_same_draws(school, simple):
    places, course = school
    submission = hand_in(places, simple, "seed", HONEST)
    first = grading.run(places, course, submission)
    assert first.seed == simple.seed
    kept = replace(first, seed="5" * 64)  # of a grader that derived it otherwise
    for kind, version, graded in (("full", simple.version, kept), ("trial", "another", first)):
        queue.enqueue(places, submission, kind, version)
        job = queue.claim(places, "test")
        queue.finish(places, job, "test", graded)
    assert grading.run(places, course, submission).seed == kept.seed
    assert grading.run(places, course, submission, public=True).seed == kept.seed
    again = hand_in(places, simple, "seed", HONEST + "  # again")
    assert grading.run(places, course, again).seed == simple.seed, "it is of that work alone"


@pytest.mark.parametrize("backend", ["box", "none"])
def test_what_one_submission_wrote_no_other_finds(simple, backend):
    leaves = text(answered(simple, double=f"open('mine.py', 'w').write({HONEST!r})\nfrom mine import double"))
    finds = text(answered(simple, double="from mine import double"))
    points = [grade_files(simple, data, {}, backend=backend).points for data in (leaves, finds)]
    assert points == [2.0, 0.0]


def test_a_broken_notebook_beside_the_good_one_is_named_and_left_out(school, simple):
    places, course = school
    files = {f"{SLUG}.ipynb": text(answered(simple, double=HONEST)), "notes.ipynb": b"{", "more.ipynb": b"[]"}
    submission = Store(places).add("scaling", SLUG, "cleo", simple.version, files)
    for public in (True, False):
        graded = grading.run(places, course, submission, public=public)
        assert (graded.outcome, graded.points) == ("graded", 2.0)
        assert "notes.ipynb, beside the exercise's notebook, was left out" in graded.reason
    assert "more.ipynb" in graded.detail
    record(places, course, submission, graded)
    assert score(places, "cleo") == (2.0, None, False)


def test_of_an_answer_that_came_twice_everybody_hears_which_was_graded(simple):
    notebook = answered(simple, double=HONEST)
    first = nbformat.from_dict({**notebook.cells[1], "source": "def double(x):\n    return 0"})
    notebook.cells.insert(1, first)
    said = "double is in the notebook 2 times. The last one, cell 3 of the file, was graded"
    public, graded = (grade_files(simple, text(notebook), {}, public=public) for public in (True, False))
    assert (public.points, graded.points) == (2.0, 2.0)
    assert said in public.reason
    assert said in graded.reason
    assert said in graded.detail
    shown = [output for outputs in graded.outputs.values() for output in outputs]
    assert any(said in output.get("data", {}).get("text/plain", "") for output in shown)


def test_what_was_handed_in_is_not_opened_when_its_result_is_recorded(school, simple):
    places, course = school
    graded = grading.run(places, course, hand_in(places, simple, "ada", HONEST))
    unreadable = Store(places).add(
        "scaling", SLUG, "bob", simple.version, {f"{SLUG}.ipynb": b"\0 no notebook"}
    )
    record(places, course, unreadable, graded)
    assert score(places, "bob") == (2.0, None, False)
    folder = places.nbgrader("scaling")
    kept = nbformat.read(folder / "autograded" / "bob" / SLUG / f"{SLUG}.ipynb", as_version=4)
    assert HONEST in [cell.source for cell in kept.cells]
    assert (folder / "submitted" / "bob" / SLUG / f"{SLUG}.ipynb").read_bytes() == b"\0 no notebook"
    with pytest.raises(NoNotebook, match="Grade it again"):
        record(places, course, unreadable, graded.without_notebook())
    record(places, course, unreadable, emptied(graded, "it took too long"))
    assert score(places, "bob") == (0.0, None, False)


def test_nbgraders_own_command_goes_through_the_sandbox(school, simple):
    places, _ = school
    cheat = "class Yes:\n    def __eq__(self, other): return True\ndef double(x): return Yes()"
    codes = {"bea": HONEST, "cy": "def double(x): return 6", "dan": cheat}
    folder = places.nbgrader("scaling")
    for student, code in codes.items():
        target = folder / "submitted" / student / SLUG / f"{SLUG}.ipynb"
        target.parent.mkdir(parents=True)
        target.write_bytes(text(answered(simple, double=code)))
    (folder / "submitted" / "eve" / SLUG).mkdir(parents=True)
    (folder / "submitted" / "eve" / SLUG / f"{SLUG}.ipynb").write_text("{ no notebook")
    command = [sys.executable, "-m", "nbgrader", "autograde", SLUG]
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr[-2000:]
    assert [score(places, student)[0] for student in (*codes, "eve")] == [2.0, 0.0, 0.0, 0.0]
    assert score(places, "dan")[2], "a person must look at a submission that tampered with tests"
    written = "".join(path.read_text() for path in Path(folder, "autograded").rglob("*.ipynb"))
    assert "BEGIN HIDDEN" not in written
    assert "double(-1.5)" not in written


def test_without_the_sandbox_nbgraders_command_grades_nothing(school, simple, monkeypatch):
    places, _ = school
    target = places.nbgrader("scaling") / "submitted" / "fay" / SLUG / f"{SLUG}.ipynb"
    target.parent.mkdir(parents=True)
    target.write_bytes(text(answered(simple, double=HONEST)))
    config = course_config(places, school[1])
    monkeypatch.setattr(backends, "confines", lambda: False)
    result = NbGraderAPI(coursedir=CourseDirectory(config=config), config=config).autograde(SLUG, "fay")
    assert not result["success"]
    assert "Nothing here can confine" in result["log"]
    assert (
        cell_scores(places, "scaling", SLUG, "fay").get("test-double") is None
        or score(places, "fay")[0] is None
    )


def test_levels_are_checked(tmp_path):
    path = tmp_path / "odd" / "odd.md"
    path.parent.mkdir()
    for old, new in ((":level: artefact", ":level: magic"), ("[doubled.json]", "[../doubled.pkl]")):
        path.write_text(TWO_PARTS.replace(old, new), "utf-8")
        with pytest.raises(SourceError, match=r"level|artefacts"):
            read_exercise(path)


def test_each_released_version_can_still_be_graded_under(tmp_path):
    places = make_tree(tmp_path / "root", tmp_path / "state")
    course = next(each for each in load_courses(places) if each.id == "scaling")
    prepare_course(places, course)
    old = sources.current(places, "scaling", SLUG)
    submission = hand_in(places, old, "ada", HONEST)
    path = places.exercise(SLUG)
    text = path.read_text("utf-8").replace("double(-1.5) == -3.0", "double(-1.5) == -4.0")
    path.write_text(text.replace("return 2 * x", "return 2 * x if x > 0 else x - 2.5"), "utf-8")
    prepare_course(places, course)
    new = sources.current(places, "scaling", SLUG)
    assert new.version != old.version
    assert grading.run(places, course, submission).points == 2
    assert grading.run(places, course, submission, version=new.version).points == 0
    with pytest.raises(InfrastructureFault, match=r"version abc of double-scaling is not there"):
        grading.run(places, course, submission, version="abc")
