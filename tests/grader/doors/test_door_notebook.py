"""A notebook that nbgrader's own extension wrote is an exercise, or `campus check` says what is missing and where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from campus_tree import write
from nbgrader.nbgraderformat import MetadataValidator
from tpc_courses.base.places import Places
from tpc_courses.base.problems import SourceError
from tpc_courses.checks.check import check
from tpc_courses.sources.exercise import Exercise, read_exercise, source_notebook
from tpc_courses.sources.foreign import title_of

SOLUTION = "def f(x):\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION"


def cell(kind: str, source: str, nbgrader: Any = None, **more: Any) -> dict[str, Any]:
    """Return a cell as it stands in a file; an id is no part of it."""
    code = {"outputs": [], "execution_count": None} if kind == "code" else {}
    metadata = {} if nbgrader is None else {"nbgrader": nbgrader}
    return {"cell_type": kind, "metadata": metadata, "source": source, **code} | more


def facts(grade_id: str, version: int = 3, points: Any = None, **flags: Any) -> dict[str, Any]:
    """Return nbgrader's metadata as a version of its schema has them."""
    known = {"grade": False, "solution": False, "locked": False, **flags, "grade_id": grade_id}
    if version == 0:
        known = {key: value for key, value in known.items() if value is not False}
    else:
        known["schema_version"] = version
    if version == 3:
        known.setdefault("task", False)
    return known | ({} if points is None else {"points": points})


def cells(version: int = 3, points: Any = 2.0) -> list[dict[str, Any]]:
    """Return a heading, an answer, a test and a written answer."""
    return [
        cell("markdown", "# Powers of *two*\n\nWrite it."),
        cell("code", SOLUTION, facts("Answer_1", version, solution=True)),
        cell("code", "assert f(1) == 1", facts("test-1", version, points, grade=True, locked=True)),
        cell("markdown", "Because.", facts("why", version, points, grade=True, solution=True)),
    ]


def notebook(found: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {
        "nbformat": 4,
        "nbformat_minor": 2,
        "metadata": {"kernelspec": spec},
        "cells": cells() if found is None else found,
        **more,
    }


def plus(*more: Any) -> dict[str, Any]:
    return notebook([*cells(), *more])


def put(places: Places, data: Any, folder: str = "powers", name: str = "") -> Path:
    """Write the notebook of an exercise: JSON, or bytes as they are."""
    path = places.exercises / folder / f"{name or folder}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode())
    return path


def read(places: Places, data: Any) -> Exercise:
    return read_exercise(put(places, data))


@pytest.mark.parametrize("version", [0, 1, 2, 3])
def test_each_schema_is_read_and_becomes_the_newest(tree, version):
    path = put(tree, notebook(cells(version)))
    exercise = read_exercise(path)
    assert exercise.title == "Powers of two"
    assert [(part.name, part.points, part.manual) for part in exercise.parts] == [
        ("test-1", 2.0, False),
        ("why", 2.0, True),
    ]
    assert check(tree) == []
    made = source_notebook(path)
    MetadataValidator().validate_nb(made)
    nbformat.validate(made)
    assert [each.get("id") for each in made.cells][1:] == ["Answer_1", "test-1", "why"]


@pytest.mark.parametrize("version", [0, 1, 2])
def test_metadata_are_upgraded_as_nbgrader_does(tree, version):
    found = [
        *cells(version),
        cell("markdown", "Read this.", facts("given", version, locked=True)),
        *([cell("markdown", "x", {"grade": False, "solution": False})] if version == 0 else []),
    ]
    ours = source_notebook(put(tree, notebook(found)))
    stock = nbformat.reads(json.dumps(notebook(found)), as_version=4)
    MetadataValidator().upgrade_notebook_metadata(stock)
    for one, other in zip(ours.cells, stock.cells, strict=True):
        mine = one.metadata.get("nbgrader")
        theirs = other.metadata.get("nbgrader")
        assert (mine is None) == (theirs is None)
        if mine is not None:
            shared = {key: mine[key] for key in theirs}
            assert shared == dict(theirs)


def without(key: str) -> list[dict[str, Any]]:
    found = cells()
    found[2]["metadata"]["nbgrader"].pop(key)
    return found


def with_facts(index: int, **changes: Any) -> list[dict[str, Any]]:
    found = cells()
    found[index]["metadata"]["nbgrader"].update(changes)
    return found


def metadata(**more: Any) -> dict[str, Any]:
    return notebook(metadata=more)


V3 = {
    "nbformat": 3,
    "nbformat_minor": 0,
    "metadata": {"name": ""},
    "worksheets": [
        {
            "metadata": {},
            "cells": [
                {"cell_type": "heading", "level": 1, "metadata": {}, "source": ["Powers of two"]},
                {
                    "cell_type": "code",
                    "language": "python",
                    "metadata": {"nbgrader": facts("a", 0, solution=True)},
                    "input": SOLUTION.splitlines(True),
                    "outputs": [],
                    "collapsed": False,
                },
                {
                    "cell_type": "code",
                    "language": "python",
                    "metadata": {"nbgrader": facts("t", 0, 2, grade=True)},
                    "input": ["assert f(1) == 1"],
                    "outputs": [],
                    "collapsed": False,
                },
            ],
        }
    ],
}
PICTURE = {"a.png": {"image/png": "iVBORw0KGgo="}}
# What is accepted, and its automatic points.
ACCEPTED: dict[str, tuple[Any, float]] = {
    "format 3": (V3, 2),
    "a kernelspec without display_name": (metadata(kernelspec={"name": "python3", "language": "python"}), 2),
    "no kernelspec": (metadata(), 2),
    "a kernelspec that is a word": (metadata(kernelspec="python3"), 2),
    "another Python": (metadata(kernelspec={"name": "conda-env-x-py", "language": "python"}), 2),
    "no metadata of the notebook": ({k: v for k, v in notebook().items() if k != "metadata"}, 2),
    "points as text": (notebook(with_facts(2, points="1.5")), 1.5),
    "points as text in schema 0": (notebook(cells(0, "1.5")), 1.5),
    "no points in schema 0": (notebook([*cells(0), *cells(0, "")[2:3]][:4]), 2),
    "a test of 0 points": (plus(cell("code", "1", facts("z", 3, 0, grade=True))), 2),
    "a solution without marks": (plus(cell("code", "x = 1", facts("a", solution=True))), 2),
    "a task": (plus(cell("markdown", "Draw.", facts("t", 3, 3, task=True, locked=True))), 2),
    "a locked cell": (notebook([cell("code", "x = 1", facts("given", locked=True)), *cells()]), 2),
    "two locked cells of one id": (notebook([*[cell("code", "x = 1", facts("given", locked=True))] * 2, *cells()]), 2),
    "a locked cell without id": (notebook([cell("code", "x = 1", facts("", locked=True)), *cells()]), 2),
    "a locked cell with a test's id": (notebook([cell("code", "1", facts("test-1", locked=True)), *cells()]), 2),
    "cells with ids": (notebook([{**each, "id": f"i{n}"} for n, each in enumerate(cells())], nbformat_minor=5), 2),
    "two cells of one id": (notebook([{**each, "id": "same"} for each in cells()], nbformat_minor=5), 2),
    "a picture": (plus(cell("markdown", "![](attachment:a.png)", attachments=PICTURE)), 2),
    "a raw cell": (plus(cell("raw", "\\newpage")), 2),
    "a cell without metadata": (plus({"cell_type": "markdown", "source": "x"}), 2),
    "a cell of lines": (notebook([{**each, "source": each["source"].splitlines(True)} for each in cells()]), 2),
    "keys of another tool": (notebook(with_facts(2, remove=True, checksum="0" * 32)), 2),
    "a byte order mark": (b"\xef\xbb\xbf" + json.dumps(notebook()).encode(), 2),
    "UTF-16": (json.dumps(notebook()).encode("utf-16"), 2),
    "half a surrogate pair": (plus(cell("markdown", "\ud800")), 2),
    "a tag of ours by chance": (
        notebook([{**each, "metadata": {**each["metadata"], "tags": ["exercise"]}} for each in cells()]),
        2,
    ),
    "AUTOTEST": (notebook([*cells()[:2], cell("code", "### AUTOTEST f(3)", facts("t", 3, 4, grade=True))]), 4),
    "200 points": (notebook(cells(3, 200)), 200),
}  # fmt: skip


@pytest.mark.parametrize("shape", ACCEPTED)
def test_what_can_be_accepted_is(tree, shape):
    data, points = ACCEPTED[shape]
    path = put(tree, data)
    assert sum(part.points for part in read_exercise(path).parts if not part.manual) == points
    assert check(tree) == []
    made = source_notebook(path)
    MetadataValidator().validate_nb(made)
    nbformat.validate(nbformat.reads(nbformat.writes(made), as_version=4))
    assert nbformat.writes(made) == nbformat.writes(source_notebook(path))
    assert len({each.id for each in made.cells}) == len(made.cells)


ODD_LEVEL = {"nbgrader": facts("a", 3, 1, grade=True), "tpc": {"level": "x"}}
# What is not, and what `campus check` says in one line.
REFUSED: dict[str, tuple[Any, str]] = {
    "broken JSON": (b'{"cells": [\n{"cell_type": ', r"line 2, column 15: not JSON"),
    "an empty file": (b"", r"line 1, column 1: not JSON"),
    "a merge left open": (b"<<<<<<< HEAD\n{}", r"line 1, column 1: not JSON.*a merge"),
    "no notebook": (b"[1, 2]", r"JSON, but no notebook"),
    "cells that are none": (plus(3), r"cell 5: no cell of a notebook"),
    "cells of an unknown kind": (plus(cell("slide", "x")), r"cell 5: no cell of a notebook"),
    "deeply nested": (b"[" * 10**5, r"(nested too deeply|not JSON)"),
    "Latin-1": (json.dumps(plus(cell("markdown", "é")), ensure_ascii=False).encode("latin-1"),
                r"byte \d+: not UTF-8. Save it in this encoding"),
    "a format to come": (notebook(nbformat=9), r"nbformat: format 9, which nbformat here does not know"),
    "R": (metadata(kernelspec={"name": "ir", "display_name": "R", "language": "R"}), r"kernelspec: kernel 'ir' for r"),
    "R, by its name only": (metadata(kernelspec={"name": "ir"}), r"kernelspec: kernel 'ir' for R"),
    "Julia": (metadata(kernelspec={"name": "julia-1.9", "language": "julia"}), r"kernelspec: kernel 'julia-1.9'"),
    "nothing graded": (notebook([cell("code", "x = 1")]), r"no cell is graded.*nbgrader's Create Assignment"),
    "answers without tests": (notebook(cells()[:2]), r"no cell is graded, nothing would get points"),
    "one id twice": (notebook(with_facts(3, grade_id="test-1")), r"cell 4: grade_id 'test-1' is that of cell 3 too"),
    "an empty id": (notebook(with_facts(2, grade_id="")), r"cell 3: no grade_id"),
    "no id": (notebook(without("grade_id")), r"cell 3: no grade_id"),
    "an id with a space": (notebook(with_facts(2, grade_id="test 1")), r"cell 3 \(test 1\): grade_id 'test 1'"),
    "no points": (notebook(without("points")), r"cell 3 \(test-1\): no points"),
    "points below 0": (notebook(with_facts(2, points=-1)), r"cell 3 \(test-1\): points are -1"),
    "points that are words": (notebook(with_facts(2, points="two")), r"cell 3 \(test-1\): points are 'two'"),
    "points that are nothing": (notebook(with_facts(2, points=float("nan"))), r"cell 3 \(test-1\): points are nan"),
    "too many points": (notebook(with_facts(2, points=1e9)), r"cell 3 \(test-1\): points are 1000000000"),
    "a newer schema": (notebook(with_facts(2, schema_version=7)), r"cell 3: schema_version 7, of a newer nbgrader"),
    "a schema that is a word": (notebook(with_facts(2, schema_version="x")), r"cell 3: 'x'"),
    "a flag that is a word": (notebook(with_facts(2, grade="yes", locked=True)), r"cell 3 .*grade is 'yes', not true"),
    "metadata that are a list": (plus(cell("code", "x", [1])), r"cell 5: its nbgrader metadata"),
    "tests in prose": (notebook(with_facts(3, solution=False)), r"cell 4 \(why\): tests in a Markdown cell"),
    "prose nobody grades": (notebook(with_facts(3, grade=False)), r"cell 4 \(why\): a written answer that nobody"),
    "a task in code": (notebook(with_facts(2, task=True)), r"cell 3 \(test-1\): a task in a code cell"),
    "a raw test": (plus(cell("raw", "x", facts("r", 3, 1, grade=True))), r"cell 5 \(r\): a raw cell"),
    "an open solution": (plus(cell("code", "### BEGIN SOLUTION\n1", facts("a", solution=True))),
                         r"cell 5 \(a\): BEGIN SOLUTION and END SOLUTION"),
    "a solution in a given cell": (plus(cell("code", SOLUTION)), r"cell 5: a solution in a cell that is no"),
    "hidden tests in a given cell": (plus(cell("code", "### BEGIN HIDDEN TESTS\n### END HIDDEN TESTS")),
                                     r"cell 5: hidden tests in a cell that is not graded"),
    "AUTOTEST in an answer": (plus(cell("code", "# AUTOTEST f(3)", facts("a", solution=True))),
                              r"cell 5 \(a\): an AUTOTEST line in a cell without tests"),
    "an unknown level": (plus(cell("code", "1", metadata=ODD_LEVEL)), r"cell 5 \(a\): level 'x'"),
    "a test for beside the code": (notebook([*cells()[:2], {**cells()[2], "source": "assert f(lambda: 1)() == 1"}]),
                                   r'cell 3 \(test-1\): hands a function.*"tpc": \{"level": "kernel"\} in'),
}  # fmt: skip


@pytest.mark.parametrize("shape", REFUSED)
def test_what_cannot_be_is_one_line_with_its_place(tree, shape):
    data, said = REFUSED[shape]
    path = put(tree, data)
    # Another file's problem is still told.
    write(tree.exercise("double-data"), "no front matter")
    told = [str(problem) for problem in check(tree)]
    assert any("exercises/double-data/double-data.md" in line for line in told)
    mine = [line for line in told if line.startswith("exercises/powers/powers.ipynb")]
    assert len(mine) == 1, mine
    with pytest.raises(SourceError, match=said):
        read_exercise(path)
    with pytest.raises(SourceError, match=said):
        source_notebook(path)
    assert "Traceback" not in mine[0]


def test_all_problems_of_a_notebook_are_told_at_once(tree):
    found = cells()
    found[2]["metadata"]["nbgrader"].update(points=-1, grade_id="")
    found[3]["metadata"]["nbgrader"].pop("points")
    with pytest.raises(SourceError) as caught:
        read(tree, notebook(found, metadata={"kernelspec": {"name": "ir", "language": "R"}}))
    for said in ("cell 3: no grade_id", "cell 3: points are -1", "cell 4 (why): no points", "kernel 'ir'"):
        assert said in str(caught.value)


def test_a_notebook_of_another_name_is_the_exercise_if_it_is_the_only_one(tree):
    path = put(tree, notebook(), name="Problem 1")
    assert tree.exercise("powers") == path
    assert read_exercise(path).slug == "powers"
    assert check(tree) == []
    put(tree, notebook(), name="Problem 2")
    assert "Problem 1.ipynb, Problem 2.ipynb, and an exercise is one notebook" in str(check(tree)[0])
    put(tree, notebook())
    assert "Problem 1.ipynb, Problem 2.ipynb beside powers.ipynb" in str(check(tree)[0])


@pytest.mark.parametrize(
    ("folder", "better"),
    [
        ("übung-1", "ubung-1"),
        ("Problem_Set 1", "problem-set-1"),
        ("1-intro", "exercise-1-intro"),
        ("練習", "exercise"),
    ],
)
def test_a_folder_whose_name_cannot_stand_in_an_address_is_a_problem(tree, folder, better):
    put(tree, notebook(), folder)
    problems = [str(each) for each in check(tree)]
    assert len(problems) == 1
    assert f"exercises/{folder}: the folder's name" in problems[0]
    assert f"Rename it, to {better} for example" in problems[0]


@pytest.mark.parametrize(
    ("sources", "title"),
    [
        (["Intro.", "## A [link](x) and `code`"], "A link and code"),
        (["```\n# no heading\n```\nText", "# snake_case **bold**"], "snake_case bold"),
        (["Underlined\n=====\n\n# Later"], "Underlined"),
        (["<h1 style='x'>In HTML</h1>"], "In HTML"),
        (["# Übung: Wärme ##"], "Übung: Wärme"),
        ([f"# {'long ' * 40}"], f"{'long ' * 15}long…"),
        (["# A", "# Real one"], "Real one"),
        (["No heading."], "Heat flow"),
    ],
)
def test_the_title_is_the_first_heading(sources, title):
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(each) for each in sources])
    assert title_of(made, "heat-flow") == title
