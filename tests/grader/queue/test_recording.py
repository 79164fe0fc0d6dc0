"""Our writer leaves behind what nbgrader's Autograde leaves behind: gradebook, notebook and files, to the byte."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import replace

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from test_sandbox import HONEST, SLUG, answered, school, simple  # noqa: F401
from tpc_courses.base.places import Places
from tpc_grader.coursework.coursework import course_config
from tpc_grader.coursework.recording import record
from tpc_grader.feedback.autograded import kept_notebook
from tpc_grader.gradebook.gradebook import open_gradebook
from tpc_grader.grading import preprocessors
from tpc_grader.grading.preprocessors import Rebuild
from tpc_grader.results.results import CellScore, Graded
from tpc_grader.submissions.store import Store, Submission
from tpc_grader.versions.skeleton import read_skeleton, rebuild

COURSE = "scaling"
OUTPUTS = [
    {"output_type": "stream", "name": "stdout", "text": "one\n"},
    {"output_type": "display_data", "data": {"text/plain": "two"}, "metadata": {}},
    {"output_type": "error", "ename": "E", "evalue": "three", "traceback": ["three"]},
]
# name -> what the result is, and what the student put beside the notebook.
RESULTS = {
    "right": ({"points": 2.0, "passed": True}, {}),
    "wrong": ({"points": 0.0, "passed": False, "message": "double(3) should be twice 3"}, {}),
    "part": ({"points": 0.5, "passed": False}, {"data/mine.csv": b"1,2\n", "note.txt": b"x"}),
    "tampered": ({"points": 0.0, "passed": False, "outcome": "tampered"}, {}),
    "unchanged": ({"points": 0.0, "passed": False}, {}),
}


def result_of(name: str, places: Places, source) -> tuple[Submission, Graded]:
    """Return a submission and its result."""
    facts, beside = RESULTS[name]
    notebook = nbformat.read(source.release, as_version=4)
    if name != "unchanged":
        notebook = answered(source, double=HONEST)
        notebook.cells.insert(1, nbformat.v4.new_markdown_cell("my words"))
    data = nbformat.writes(notebook).encode()
    files = {f"{SLUG}.ipynb": data, **beside}
    submission = Store(places).add(COURSE, SLUG, name, source.version, files)
    score = CellScore("test-double", facts["points"], 2.0, facts["passed"], facts.get("message", ""))
    kept = kept_notebook(rebuild(read_skeleton(source.source, source.release), data))
    answer = next(index for index, cell in enumerate(kept["cells"]) if cell["cell_type"] == "code")
    outcome = facts.get("outcome", "graded")
    made = Graded(outcome, "", "", (score,), source.version, outputs={answer: OUTPUTS}, notebook=kept)
    return submission, made


def rows(places: Places) -> dict[str, list[tuple]]:
    """Return what the gradebook holds of submissions, without numbers that only join tables."""
    queries = {
        "student": "select * from student order by id",
        "submission": "select student_id, timestamp, extension from submitted_assignment order by student_id",
        "notebook": """select student_id, late_submission_penalty from submitted_notebook
            join submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id order by 1""",
        "grade": """select student_id, base_cell.name, auto_score, manual_score, extra_credit, needs_manual_grade
            from grade join base_cell on base_cell.id = cell_id
            join submitted_notebook on submitted_notebook.id = grade.notebook_id
            join submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id order by 1, 2""",
        "comment": """select student_id, base_cell.name, auto_comment, manual_comment
            from comment join base_cell on base_cell.id = cell_id
            join submitted_notebook on submitted_notebook.id = comment.notebook_id
            join submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id order by 1, 2""",
    }
    with sqlite3.connect(places.nbgrader(COURSE) / "gradebook.db") as book:
        return {name: book.execute(query).fetchall() for name, query in queries.items()}


def files(places: Places) -> dict[str, tuple[int, bytes]]:
    """Return name -> mode and bytes of all that was graded."""
    folder = places.nbgrader(COURSE) / "autograded"
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_mode, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def by_nbgrader(places: Places, course, submission: Submission, graded: Graded, monkeypatch) -> None:
    """Record with nbgrader's Autograde, which our preprocessors give the result."""
    from tpc_grader.grading.handover import hand_over

    monkeypatch.setattr(Rebuild, "_graded", lambda self, where: graded)
    hand_over(places, submission)
    config = course_config(places, course)
    api = NbGraderAPI(coursedir=CourseDirectory(config=config), config=config)
    result = api.autograde(submission.exercise, submission.student)
    assert result["success"], result


def by_hand(places: Places, student: str) -> None:
    """Give points, a comment and extra credit as the formgrader does."""
    with Gradebook(f"sqlite:///{places.nbgrader(COURSE) / 'gradebook.db'}", COURSE) as book:
        grade = book.find_grade("test-double", SLUG, SLUG, student)
        grade.manual_score, grade.extra_credit, grade.needs_manual_grade = 1.5, 0.25, False
        book.find_comment("double", SLUG, SLUG, student).manual_comment = "well"
        book.db.commit()


def test_both_ways_leave_the_same_behind(school, simple, monkeypatch, tmp_path):  # noqa: F811
    places, course = school
    there = Places(places.root, tmp_path / "there")
    work = [result_of(name, places, simple) for name in RESULTS]
    (places.nbgrader(COURSE) / "source" / SLUG / "note.txt").write_text("the author's")
    shutil.copytree(places.state, there.state)
    for again in range(2):
        for submission, graded in work:
            record(places, course, submission, graded)
            by_nbgrader(there, course, replace(submission, blobs=Store(there).blobs), graded, monkeypatch)
        assert rows(places) == rows(there), again
        assert files(places) == files(there), again
        assert {name.split("/")[0] for name in files(places)} == set(RESULTS)
        for each in (places, there):
            by_hand(each, "right")
            by_hand(each, "part")
            # nbgrader's own command leaves alone what was graded already.
            shutil.rmtree(each.nbgrader(COURSE) / "autograded")
    assert files(places) == {}


def test_a_gradebook_that_stays_open_sees_what_others_write_and_a_new_file(school):  # noqa: F811
    places, _ = school

    def students() -> set[str]:
        with open_gradebook(places, COURSE) as book:
            return {each.id for each in book.students}

    assert "zoe" not in students()
    with Gradebook(f"sqlite:///{places.nbgrader(COURSE) / 'gradebook.db'}", COURSE) as other:
        other.add_student("zoe")
    assert "zoe" in students()
    with open_gradebook(places, COURSE) as book:
        book.find_student("zoe").first_name = "lost"
    with open_gradebook(places, COURSE) as book:
        assert book.find_student("zoe").first_name is None, "what is not committed is not kept"
    path = places.nbgrader(COURSE) / "gradebook.db"
    shutil.copyfile(path, path.with_suffix(".copy"))
    path.with_suffix(".copy").replace(path)
    with Gradebook(f"sqlite:///{path}", COURSE) as other:
        other.remove_student("zoe")
    assert "zoe" not in students(), "a file that took the place of another"


def test_results_that_nbgrader_never_asks_for_do_not_pile_up(school, simple, monkeypatch):  # noqa: F811
    places, _ = school
    _, graded = result_of("right", places, simple)
    monkeypatch.setattr(Rebuild, "_graded", lambda self, where: graded)
    made = [Rebuild().preprocess(None, {"nbgrader": {}})[0] for _ in range(50)]
    assert len(preprocessors._results) < 10
    resources = {}
    preprocessors.FindResult().preprocess(made[-1], resources)
    assert resources["tpc_graded"] is graded
    with pytest.raises(RuntimeError, match="no result of the sandbox"):
        preprocessors.FindResult().preprocess(made[0], {})
