"""What nbgrader, or the author's own solution, says against a release is told with part and message."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest
from campus_tree import write
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from test_door_notebook import cell, cells, facts, notebook, put
from tpc_courses.base.places import Places
from tpc_courses.base.problems import SourceError
from tpc_courses.sources.manifest import Course
from tpc_grader.coursework import tried_solution
from tpc_grader.coursework.coursework import course_config, prepare_course
from tpc_grader.coursework.refusals import refusal
from tpc_grader.gradebook.save_cells import DEFAULT_TEMPLATES
from tpc_grader.sandbox import backends
from tpc_grader.sandbox.limits import Limits
from tpc_grader.versions.releases import released
from tpc_hub.deploy.build import build


@pytest.fixture(scope="module")
def places(tmp_path_factory) -> Places:
    from campus_tree import make_tree

    root = tmp_path_factory.mktemp("refusals")
    return make_tree(root / "root", root / "state")


def course(*slugs: str) -> Course:
    units = [{"exercise": slug} for slug in slugs]
    return Course(id="odd", title="Odd ones", summary="Notebooks from elsewhere.", units=units)


def solved(solution: str, tests: str, **more: Any) -> dict[str, Any]:
    """Return a notebook with one answer and one test."""
    return notebook(
        [
            cell("code", f"### BEGIN SOLUTION\n{solution}\n### END SOLUTION", facts("answer", solution=True)),
            cell("code", tests, facts("tests", 3, 2, grade=True), **more),
        ]
    )


def trial_of(tests: str, solution: str = "def f(x):\n    return x") -> dict[str, Any]:
    return solved(solution, tests)


# What a source's own solution does, and what its author is told.
UNSOLVED: dict[str, tuple[dict[str, Any], str]] = {
    "a wrong solution": (trial_of("assert f(1) == 2, 'f(1) is 2'"),
                         r"tests: the author's own solution does not pass: AssertionError: f\(1\) is 2 \(line 1\)"),
    "no solution":
        (trial_of("assert f(1) == 1", "raise NotImplementedError()"), r"tests: .*before it, answer: NotImpl"),
    "a solution that is no Python":
        (trial_of("assert f(1) == 1", "def f(x) return x"), r"tests: .*before it, answer: SyntaxError"),
    "a library that is not here": (trial_of("import no_such_library"), r"tests: .*No module named 'no_such_library'"),
    "a file that is not here": (trial_of("open('data.csv')"), r"tests: .*No such file or directory: 'data.csv'"),
    "a test that names nothing": (trial_of("assert g(1) == 1"), r"tests: .*NameError: name 'g'"),
    "a solution that ends Python": (trial_of("assert f(1) == 1", "import os\nos._exit(3)"),
                                    r"tests: .*not reached, crashed at answer"),
    "half the points": (trial_of("assert f(1) == 1\n1.0"), r"tests: .*1 of 2 points, its last line gives 1.0"),
}  # fmt: skip


@pytest.mark.parametrize("how", UNSOLVED)
def test_a_source_whose_own_solution_fails_is_refused_with_part_and_message(places, how):
    data, said = UNSOLVED[how]
    put(places, data, "unsolved")
    with pytest.raises(RuntimeError, match=rf"nbgrader could not generate unsolved: {said}") as caught:
        prepare_course(places, course("unsolved"))
    assert "Please see" not in str(caught.value)
    assert "tpc_grader" not in str(caught.value)
    assert released(places.intake, "odd", "unsolved") is None


def test_every_part_that_fails_is_named_and_no_other(places):
    made = trial_of("assert f(1) == 2")
    made["cells"] += [
        cell("code", "assert f(2) == 2", facts("good", 3, 1, grade=True)),
        cell("code", "assert f(3) == 4", facts("bad", 3, 1, grade=True)),
        cell("markdown", "Why?", facts("why", 3, 1, grade=True, solution=True)),
        cell("code", "pass", facts("plot", 3, 1, grade=True, solution=True)),
    ]
    put(places, made, "unsolved")
    with pytest.raises(RuntimeError) as caught:
        prepare_course(places, course("unsolved"))
    for name, told in (("tests", True), ("bad", True), ("good", False), ("why", False), ("plot", False)):
        assert (f"{name}: the author's" in str(caught.value)) == told


def test_an_exercise_of_ours_is_tried_too(places):
    path = places.exercise("double-data")
    right = path.read_text("utf-8")
    write(
        path,
        right.replace("return 2 * x", "return 3 * x").replace(":points: 2", ":points: 2\n:level: oracle"),
    )
    with pytest.raises(RuntimeError, match=r"test-double: .*double\(3\) should be twice 3"):
        prepare_course(places, course("double-data"))
    write(path, right)
    assert prepare_course(places, course("double-data")) == ["double-data"]


def test_one_refusal_stops_no_other_exercise_and_no_other_course(tree):
    put(tree, trial_of("assert f(1) == 2"), "unsolved")
    put(tree, b"{", "broken")
    manifest = tree.courses / "data.yml"
    more = "\n".join(f"  - exercise: {slug}" for slug in ("unsolved", "broken", "double-scaling"))
    write(manifest, f"{manifest.read_text('utf-8')}{more}\n")
    with pytest.raises(
        RuntimeError, match=r"(?s)generate unsolved: .*broken/broken.ipynb: line 1, column 2: not JSON"
    ):
        build(tree, lambda line: None)
    for each, slug in (("data", "double-data"), ("data", "double-scaling"), ("scaling", "double-scaling")):
        assert released(tree.intake, each, slug)
    (tree.exercises / "unsolved" / "unsolved.ipynb").write_bytes(b"{")
    with pytest.raises(SourceError, match=r"(?s)broken.ipynb.*unsolved.ipynb"):
        build(tree, lambda line: None)


def test_manual_parts_alone_need_no_solution(places):
    put(
        places, notebook([cell("markdown", "Why?", facts("why", 3, 1, grade=True, solution=True))]), "written"
    )
    assert prepare_course(places, course("written")) == ["written"]


@pytest.mark.parametrize("level", [None, "oracle", "kernel"])
def test_a_solution_that_takes_too_long_is_released_and_said_to_be_not_tried(places, monkeypatch, level):
    monkeypatch.setattr(tried_solution, "LIMITS", Limits(cell_seconds=1, total_seconds=1))
    metadata = {"nbgrader": facts("tests", 3, 2, grade=True)} | ({"tpc": {"level": level}} if level else {})
    put(
        places,
        solved("import time\ntime.sleep(1.5)\ndef f(x): return x", "assert f(1) == 1", metadata=metadata),
        "slow",
    )
    said: list[str] = []
    (places.nbgrader("odd") / "release" / "slow.sha256").unlink(missing_ok=True)
    assert prepare_course(places, course("slow"), said.append) == ["slow"]
    assert said == ["slow: The author's solution was not tried: it took more than 1 s, before tests"]


def test_where_nothing_can_be_run_it_is_said(places, monkeypatch):
    monkeypatch.setattr(backends, "confines", lambda: False)
    monkeypatch.delenv(backends.TRUST_VARIABLE, raising=False)
    put(places, trial_of("assert f(1) == 2"), "untried")
    said: list[str] = []
    assert prepare_course(places, course("untried"), said.append) == ["untried"]
    assert said[0].startswith("untried: The author's solution was not tried: Nothing here can confine")


def generate(places: Places, data: dict[str, Any]) -> dict[str, Any]:
    """Let nbgrader generate a source that `campus check` never saw."""
    source = places.nbgrader("odd") / "source" / "unseen" / "unseen.ipynb"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(json.dumps(data), "utf-8")
    config = course_config(places, course("unseen"))
    return NbGraderAPI(coursedir=CourseDirectory(config=config), config=config).generate_assignment("unseen")


# What nbgrader itself refuses in its own folder, and the line that says why.
REFUSED = {
    "an old schema": (cells(1), "One or more notebooks in the assignment use an old version"),
    "one id twice": ([*cells(), cells()[2]], "ValidationError: Duplicate grade id: test-1"),
    "an open solution": ([*cells(), cell("code", "### BEGIN SOLUTION", facts("a", solution=True))],
                         "RuntimeError: no end solution statement found"),
    "an id with a space": ([*cells(), cell("code", "1", facts("a b", 3, 0, grade=True))], "ValidationError: 'a b'"),
    "a solution in a given cell": ([*cells(), cell("code", "### BEGIN SOLUTION\n### END SOLUTION")],
                                   "RuntimeError: Solution region detected in a non-solution cell"),
    "AUTOTEST in an answer": ([*cells(), cell("code", "# AUTOTEST 1", facts("a", solution=True))],
                              "Exception: AutoTest region detected in a non-grade cell"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_the_reason_of_nbgrader_is_the_line_that_matters(places, what):
    found, said = REFUSED[what]
    result = generate(places, notebook(found))
    assert not result["success"]
    assert refusal(result).startswith(said), refusal(result)
    assert "Traceback" not in refusal(result)


def test_autotest_needs_no_templates_of_its_own(places):
    assert DEFAULT_TEMPLATES.is_file()
    data = trial_of("### AUTOTEST f(3)\n### HASHED AUTOTEST f(4)")
    put(places, data, "automatic")
    assert prepare_course(places, course("automatic")) == ["automatic"]
    made = nbformat.read(places.nbgrader("odd") / "release" / "automatic" / "automatic.ipynb", 4)
    assert "value of f(3) is not correct" in made.cells[1].source
    assert "AUTOTEST" not in made.cells[1].source


def test_files_beside_a_notebook_are_released_and_those_of_the_author_are_not(places):
    data = trial_of("assert f(1) == 2", "def f(x):\n    return x + len(open('helper.py').readlines())")
    folder = put(places, data, "helped").parent
    for name in ("helper.py", "data/a.csv", "wrong/way.py", "right/way.py", ".hidden", "__pycache__/x.pyc"):
        write(folder / name, "one = 1\n")
    files = {"data/a.csv", "helped.ipynb", "helper.py"}
    prepare_course(places, course("helped"))
    release = released(places.intake, "odd", "helped")
    assert release is not None
    assert set(release.files()) == files
    (folder / "data" / "a.csv").unlink()
    write(folder / "helper.py", "one = 1.0\n")
    assert prepare_course(places, course("helped")) == ["helped"]
    release = released(places.intake, "odd", "helped")
    assert release is not None
    assert set(release.files()) == files - {"data/a.csv"}
    assert release.files()["helper.py"] == b"one = 1.0\n"
    assert prepare_course(places, course("helped")) == []


def test_a_link_beside_a_notebook_is_a_problem(places):
    folder = put(places, trial_of("assert f(1) == 1"), "linked").parent
    (folder / "key").symlink_to("/etc/hostname")
    with pytest.raises(SourceError, match="exercises/linked: "):
        prepare_course(places, course("linked"))
