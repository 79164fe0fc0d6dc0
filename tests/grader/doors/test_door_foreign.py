"""Ten notebooks from elsewhere come in by the door, and get the points that stock nbgrader gives in the same run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from campus_tree import make_tree, write
from foreign_notebooks import NOTEBOOKS, Foreign
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from nbgrader.nbgraderformat import MetadataValidator
from tpc_courses.checks.check import check
from tpc_courses.sources.exercise import read_exercise
from tpc_courses.sources.manifest import Course
from tpc_grader.coursework.coursework import prepare_course
from tpc_grader.gradebook.gradebook import ensure_gradebook
from tpc_grader.gradebook.save_cells import DEFAULT_TEMPLATES
from tpc_grader.grading.submission import grade_files
from tpc_grader.versions import sources
from traitlets.config import Config

KINDS = ("right", "partly", "wrong", "empty")
# Kind of work -> part -> points, None where a person gives them.
Points = dict[str, dict[str, float | None]]


@dataclass(frozen=True)
class Both:
    """What both graders say of one notebook."""

    ours: Points
    stock: Points


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda each: each.slug)
def row(request) -> Foreign:
    return request.param


@pytest.fixture(scope="module")
def graded(row: Foreign, tmp_path_factory) -> Both:
    return Both(ours(row, tmp_path_factory.mktemp("ours")), stock(row, tmp_path_factory.mktemp("stock")))


def ours(row: Foreign, folder: Path) -> Points:
    """Bring the notebook in by the door, and grade what is handed in as `campus grade` does."""
    places = make_tree(folder / "root", folder / "state")
    for name, text in ({f"{row.slug}.ipynb": row.text()} | row.files).items():
        write(places.exercises / row.slug / name, text)
    assert check(places) == []
    exercise = read_exercise(places.exercise(row.slug))
    units = [{"exercise": row.slug}]
    course = Course(id="door", title="The door", summary="One notebook from elsewhere.", units=units)
    said: list[str] = []
    assert prepare_course(places, course, said.append) == [row.slug]
    assert said == []
    source = sources.current(places, course.id, row.slug)
    found: Points = {}
    for kind in KINDS:
        result = grade_files(source, handed_in(row, kind, source.release, row.drops_ids), {})
        assert result.outcome == "graded", result.detail
        assert {cell.name: cell.max_points for cell in result.cells} == {
            p.name: p.points for p in exercise.parts
        }
        found[kind] = {cell.name: None if cell.manual else cell.points for cell in result.cells}
    return found


def stock(row: Foreign, folder: Path) -> Points:
    """Let nbgrader update, generate and autograde the same in a course folder of its own."""
    config = Config()
    config.CourseDirectory.root = str(folder)
    config.CourseDirectory.course_id = "stock"
    ensure_gradebook(folder / "gradebook.db")
    source = folder / "source" / row.slug
    for name, text in row.files.items():
        write(source / name, text)
    if any("AUTOTEST" in cell["source"] for cell in row.cells):
        write(source / "autotests.yml", DEFAULT_TEMPLATES.read_text("utf-8"))
    notebook = nbformat.reads(row.text(), as_version=4)
    write(
        source / f"{row.slug}.ipynb", nbformat.writes(MetadataValidator().upgrade_notebook_metadata(notebook))
    )
    api = NbGraderAPI(coursedir=CourseDirectory(config=config), config=config)
    answer = api.generate_assignment(row.slug)
    assert answer["success"], answer["log"]
    release = folder / "release" / row.slug / f"{row.slug}.ipynb"
    for kind in KINDS:
        path = folder / "submitted" / kind / row.slug / f"{row.slug}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_bytes(handed_in(row, kind, release))
    api.autograde(row.slug, "*")
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}", "stock") as book:
        return {kind: scores(book, row.slug, kind) for kind in KINDS}


def scores(book: Gradebook, slug: str, student: str) -> dict[str, float | None]:
    (notebook,) = book.find_submission(slug, student).notebooks
    by_person = {each.name for each in book.find_assignment(slug).notebooks[0].solution_cells} | {
        each.name for each in book.find_assignment(slug).notebooks[0].task_cells
    }
    return {each.name: None if each.name in by_person else each.auto_score for each in notebook.grades}


def handed_in(row: Foreign, kind: str, release: Path, drop_ids: bool = False) -> bytes:
    """Return what a student hands in: the release with the answers of a kind of work in it."""
    notebook = json.loads(release.read_text("utf-8"))
    answers = dict(row.work.get(kind, {}))
    for cell in notebook["cells"]:
        label = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        cell["source"] = answers.pop(label, cell["source"])
        if drop_ids:
            cell.pop("id", None)
    assert not answers, "answers to cells that are not there"
    if drop_ids:
        notebook["nbformat_minor"] = 4
    return json.dumps(notebook).encode()


@pytest.mark.parametrize("kind", KINDS)
def test_each_part_gets_what_stock_nbgrader_gives(row, graded, kind):
    differ = {part: points for (work, part), (points, _) in row.differ.items() if work == kind}
    assert graded.ours[kind] == graded.stock[kind] | differ
    assert all(graded.stock[kind][part] != points for part, points in differ.items()), "no longer differs"


def test_work_of_four_kinds_is_told_apart(row, graded):
    total = {kind: sum(each or 0 for each in graded.ours[kind].values()) for kind in KINDS}
    parts = read_parts(row)
    assert total["right"] == sum(parts.values())
    assert total["right"] > total["partly"] >= total["wrong"] == total["empty"] == 0


def read_parts(row: Foreign) -> dict[str, float]:
    """Return the parts that tests award."""
    facts = [cell["metadata"].get("nbgrader", {}) for cell in row.cells]
    return {each["grade_id"]: each["points"] for each in facts if each.get("grade") and not each["solution"]}


def test_the_ten_have_every_shape():
    assert len(NOTEBOOKS) == 10
    assert {each.schema for each in NOTEBOOKS} == {0, 1, 2, 3}
    assert any(each.drops_ids for each in NOTEBOOKS)
